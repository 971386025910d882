CREATE OR REPLACE FUNCTION approval.reads_request(
    p_request approval.request, p_reader bigint, p_groups text[], p_voting text[]) RETURNS boolean
    -- Without a search_path of its own, so that it becomes part of the statement that calls it.
    LANGUAGE sql STABLE AS $$
SELECT approval.within_groups(p_request.request_id, p_groups) OR approval.has_part(p_request, p_reader, p_voting)
$$;
COMMENT ON FUNCTION approval.reads_request IS
    'Internal: whether a principal who may read of these groups of minions (see readable_groups) may read a request: as a whole, '
    'and so of each minion that it names; or since they have a part in it, also by p_voting, their voting_groups.';
