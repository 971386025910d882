CREATE OR REPLACE FUNCTION approval.in_groups(p_minion_id text, p_groups text[]) RETURNS boolean
    -- Without a search_path of its own, so that it becomes part of the statement that calls it.
    LANGUAGE sql STABLE AS $$
SELECT p_groups IS NULL OR EXISTS (
    SELECT FROM approval.minion_group_member AS g WHERE g.minion_id = p_minion_id AND g.group_name = ANY (p_groups))
$$;
COMMENT ON FUNCTION approval.in_groups IS
    'Internal: whether a minion is in one of these groups of minions, see readable_groups; NULL: any minion is.';
