CREATE OR REPLACE FUNCTION approval.note_observation(p_minion_id text, p_item_id bigint, p_jid text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz;
    target approval.request;
    noted approval.dispatch;
    known text;
BEGIN
    SELECT r.* INTO target FROM approval.dispatch AS d JOIN approval.request AS r USING (request_id)
    WHERE d.minion_id = p_minion_id AND d.item_id = p_item_id FOR NO KEY UPDATE OF r;
    moment := clock_timestamp();
    UPDATE approval.dispatch AS d
    SET state = 'observed', state_at = moment, boot_before = r.boot_id
    FROM approval.job_return AS r
    WHERE d.minion_id = p_minion_id AND d.item_id = p_item_id AND d.state = 'observing' AND d.observe_jid = p_jid
        AND r.jid = p_jid AND r.minion_id = p_minion_id AND r.authenticated AND r.boot_id IS NOT NULL
    RETURNING d.* INTO noted;
    IF noted.minion_id IS NULL THEN
        RETURN false;
    END IF;
    -- Of one that was away when it was its turn, nobody knows whether it started again meanwhile, but by its boot id.
    IF EXISTS (SELECT FROM approval.wave_minion AS w
               WHERE w.request_id = target.request_id AND w.minion_id = p_minion_id AND w.absent_at IS NOT NULL) THEN
        SELECT r.boot_id INTO known FROM approval.job_return AS r
        WHERE r.minion_id = p_minion_id AND r.authenticated AND r.boot_id IS NOT NULL AND r.received_at < target.approved_at
        ORDER BY r.received_at DESC LIMIT 1;
        IF known IS DISTINCT FROM noted.boot_before THEN
            PERFORM approval.end_dispatch(p_minion_id, p_item_id, 'unsent', NULL, CASE WHEN known IS NULL
                THEN 'not sent: the minion was away, and it is not known whether it started again since the request was approved'
                ELSE 'not sent: the minion started again since the request was approved' END, moment);
        END IF;
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION approval.note_observation IS
    'Notes the boot id before a reboot, from the authentic return of the job that was to observe it; a reboot that is late is not '
    'sent where the minion started again since it was approved. False: there is no such return. Definer: tables are private.';
