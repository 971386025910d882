CREATE OR REPLACE FUNCTION approval.settle_request(p_request_id bigint, p_now timestamptz) RETURNS text
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    current_state text;
    next_state text;
    converged bigint;
    deviating bigint;
BEGIN
    SELECT state INTO STRICT current_state FROM approval.request WHERE request_id = p_request_id FOR NO KEY UPDATE;
    IF current_state NOT IN ('approved', 'partial', 'failed') THEN
        RETURN current_state;
    END IF;
    -- The state stays, as most calls find; they count no items.
    IF EXISTS (SELECT FROM approval.item WHERE request_id = p_request_id AND state = 'approved' AND outcome = 'waiting') THEN
        RETURN current_state;
    END IF;
    SELECT count(*) FILTER (WHERE outcome = 'converged'),
        count(*) FILTER (WHERE state = 'approved' AND outcome IN ('failed', 'drift'))
    INTO converged, deviating
    FROM approval.item WHERE request_id = p_request_id AND state IN ('approved', 'superseded');
    next_state := CASE
        WHEN deviating > 0 AND converged > 0 THEN 'partial'
        WHEN deviating > 0 THEN 'failed'
        WHEN converged > 0 THEN 'converged'
        ELSE 'superseded' END;
    IF next_state <> current_state THEN
        PERFORM approval.move_request(p_request_id, current_state, next_state, p_now);
        PERFORM approval.audit_append(p_request_id, p_now, next_state, NULL, NULL, NULL,
                                      jsonb_build_object('converged', converged, 'deviating', deviating, 'outcomes', (
            SELECT approval.salted_digest('sha256:' || encode(sha256(string_agg(
                approval.field(minion_id) || approval.field(kind) || approval.field(name) || approval.field(outcome)
                || approval.field(observed) || approval.field(outcome_jid), ''::bytea
                ORDER BY minion_id COLLATE "C", kind COLLATE "C", name COLLATE "C")), 'hex'), (
                    SELECT s.salt FROM approval.request AS r JOIN approval.item_set AS s USING (request_id, item_set_version)
                    WHERE r.request_id = p_request_id))
            FROM approval.item WHERE request_id = p_request_id AND state IN ('approved', 'superseded'))));
    END IF;
    RETURN next_state;
END
$$;
COMMENT ON FUNCTION approval.settle_request IS
    'Internal: brings the state of an approved request in line with what its items came to; gives the state after. The audit entry '
    'of a change carries a digest over every item''s outcome, the value observed and the job that showed it.';
