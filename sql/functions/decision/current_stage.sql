CREATE OR REPLACE FUNCTION approval.current_stage(p_request_id bigint) RETURNS SETOF approval.request_stage
    -- Without a search_path of its own, so that it becomes part of the statement that calls it.
    LANGUAGE sql STABLE AS $$
SELECT * FROM approval.request_stage AS s WHERE s.request_id = p_request_id AND s.satisfied_at IS NULL ORDER BY s.stage_no LIMIT 1
$$;
COMMENT ON FUNCTION approval.current_stage IS 'Internal: the stage that a pending request is at; no row: it has passed all.';
