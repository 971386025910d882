CREATE OR REPLACE FUNCTION approval.read_groups() RETURNS TABLE (minion_id text, minion_groups text[])
    -- Without a search_path of its own, so that it becomes part of the statement that calls it.
    LANGUAGE sql STABLE AS $$
SELECT m.minion_id, array_agg(m.group_name ORDER BY m.group_name COLLATE "C")
FROM approval.minion_group_member AS m
WHERE m.group_name IN (SELECT r.minion_group FROM approval.reader AS r)
GROUP BY m.minion_id
$$;
COMMENT ON FUNCTION approval.read_groups IS
    'Internal: of each minion the groups that table reader names, sorted; minions in none of them are left out.';
