CREATE OR REPLACE FUNCTION approval.within_groups(p_request_id bigint, p_groups text[]) RETURNS boolean
    -- Without a search_path of its own, so that it becomes part of the statement that calls it.
    LANGUAGE sql STABLE AS $$
SELECT p_groups IS NULL
    OR EXISTS (SELECT FROM approval.request_reach AS r WHERE r.request_id = p_request_id AND r.minion_groups && p_groups)
    AND NOT EXISTS (
        SELECT FROM approval.request_reach AS r WHERE r.request_id = p_request_id AND NOT r.minion_groups && p_groups)
$$;
COMMENT ON FUNCTION approval.within_groups IS
    'Internal: whether each minion that a request names is in one of these groups of minions, see readable_groups; NULL: they are.';
