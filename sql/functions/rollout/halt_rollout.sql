CREATE OR REPLACE FUNCTION approval.halt_rollout(p_request_id bigint, p_because text, p_now timestamptz) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    minions text[];
BEGIN
    UPDATE approval.rollout SET state = 'halted', halted_at = p_now, halted_because = p_because WHERE request_id = p_request_id;
    -- Of the open wave, minions that were sent nothing are held back again; also those that are away, which would get it when
    -- they start.
    WITH held AS (
        UPDATE approval.wave_minion AS w SET opened_at = NULL, ping_jid = NULL, pinged_at = NULL, present_at = NULL, verdict = NULL
        WHERE w.request_id = p_request_id AND w.opened_at IS NOT NULL AND (w.verdict IS NULL OR w.verdict = 'absent')
            AND NOT EXISTS (
                SELECT FROM (SELECT * FROM approval.dispatch AS own WHERE own.minion_id = w.minion_id OFFSET 0) AS d
                WHERE d.request_id = p_request_id AND (d.jid IS NOT NULL OR d.state = 'unsent'))
        RETURNING w.minion_id
    )
    SELECT coalesce(array_agg(minion_id), '{}') INTO minions FROM held;
    DELETE FROM approval.dispatch AS d
    WHERE d.request_id = p_request_id AND d.state IN ('observing', 'observed') AND d.minion_id = ANY (minions);
    PERFORM approval.refresh_documents(ARRAY(
        SELECT DISTINCT i.minion_id FROM approval.item AS i
        WHERE i.request_id = p_request_id AND i.minion_id = ANY (minions) AND i.state = 'approved' AND i.kind <> 'action'));
    PERFORM approval.raise_alarm(
        'halted-wave', ARRAY(SELECT DISTINCT f.minion_id FROM approval.rollout_failures(p_request_id) AS f ORDER BY 1),
        format('request %s %s', p_request_id, p_now), p_request_id,
        jsonb_build_object('what', format('request %s halted: %s', p_request_id, p_because)), p_now);
    PERFORM approval.audit_append(p_request_id, p_now, 'rollout-halted', NULL, NULL, NULL, jsonb_build_object(
        'because', p_because, 'minions', (
            SELECT coalesce(jsonb_agg(f.minion_id ORDER BY f.minion_id), '[]')
            FROM (SELECT * FROM approval.rollout_failures(p_request_id) AS every ORDER BY every.minion_id LIMIT 100) AS f)));
END
$$;
COMMENT ON FUNCTION approval.halt_rollout IS
    'Internal: stops a rollout until somebody decides; recorded, with the first hundred minions that failed. The caller holds the '
    'request''s lock.';
