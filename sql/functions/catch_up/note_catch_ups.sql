CREATE OR REPLACE FUNCTION approval.note_catch_ups(p_jid text, p_minions text[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    pause constant interval := interval '1 minute';
    moment timestamptz := clock_timestamp();
    told jsonb;
BEGIN
    WITH sent AS (
        UPDATE approval.catch_up AS c SET state = 'sent', state_at = moment
        WHERE c.state = 'sending' AND c.jid = p_jid AND c.minion_id = ANY (p_minions)
        RETURNING c.minion_id, c.revision, c.cause
    )
    SELECT jsonb_object_agg(s.minion_id, jsonb_build_object('revision', s.revision, 'cause', s.cause)) INTO told FROM sent AS s;
    IF told IS NOT NULL THEN
        PERFORM approval.audit_append(0, moment, 'catch-up-sent', NULL, NULL, NULL,
                                      jsonb_build_object('jid', p_jid, 'minions', told));
    END IF;
    UPDATE approval.catch_up AS c
    SET state = 'waiting', state_at = moment, due_at = moment + pause, observe_jid = NULL, cause = NULL, revision = NULL, jid = NULL
    WHERE ((c.state = 'sending' AND c.jid = p_jid) OR (c.state = 'asked' AND c.observe_jid = p_jid))
        AND NOT c.minion_id = ANY (p_minions);
END
$$;
COMMENT ON FUNCTION approval.note_catch_ups IS
    'The job, which take_catch_ups was given, was published to these minions; the others wait again for a minute. State runs are '
    'recorded. Definer: tables are private.';
