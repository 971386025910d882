CREATE OR REPLACE FUNCTION approval.freeze_chain(
    p_request_id bigint, p_type approval.request_type, p_minions text[], p_now timestamptz) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A stage once asked for stays; the group that it was escalated to had only to do with the items of before.
    INSERT INTO approval.request_stage (request_id, stage_no, name, min_assurance, timeout, escalate_to, accept)
    SELECT p_request_id, t.stage_no, t.name, t.min_assurance, t.timeout, t.escalate_to, t.accept
    FROM approval.request_type_stage AS t
    WHERE t.type_name = p_type.type_name AND t.type_version = p_type.type_version
        AND (t.more_than_minions < (SELECT count(DISTINCT named) FROM unnest(p_minions) AS named)
             OR EXISTS (SELECT FROM approval.request_stage AS s WHERE s.request_id = p_request_id AND s.stage_no = t.stage_no))
    ON CONFLICT (request_id, stage_no) DO UPDATE SET timeout = excluded.timeout, started_at = NULL, satisfied_at = NULL;
    DELETE FROM approval.request_quorum WHERE request_id = p_request_id;
    INSERT INTO approval.request_quorum
    SELECT p_request_id, q.stage_no, q.group_name, q.quorum
    FROM approval.request_type_quorum AS q
    JOIN approval.request_stage AS s ON s.request_id = p_request_id AND s.stage_no = q.stage_no
    WHERE q.type_name = p_type.type_name AND q.type_version = p_type.type_version;
    UPDATE approval.request_stage AS s SET started_at = p_now
    WHERE s.request_id = p_request_id AND s.stage_no = (SELECT c.stage_no FROM approval.current_stage(p_request_id) AS c);
END
$$;
COMMENT ON FUNCTION approval.freeze_chain IS
    'Internal: gives a request the chain of its type for so many minions, from its first stage on: a new one, or one that has new '
    'items, which nobody has seen. The caller holds its lock.';
