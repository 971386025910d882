CREATE OR REPLACE FUNCTION approval.note_observation(p_minion_id text, p_item_id bigint, p_jid text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE approval.dispatch AS d
    SET state = 'observed', state_at = clock_timestamp(), boot_before = r.boot_id
    FROM approval.job_return AS r
    WHERE d.minion_id = p_minion_id AND d.item_id = p_item_id AND d.state = 'observing' AND d.observe_jid = p_jid
        AND r.jid = p_jid AND r.minion_id = p_minion_id AND r.authenticated AND r.boot_id IS NOT NULL;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION approval.note_observation IS
    'Notes the boot id before an action, from the authentic return of the job that was to observe it. False: there is no such '
    'return. Definer: tables are private.';
