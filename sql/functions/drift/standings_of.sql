CREATE OR REPLACE FUNCTION approval.standings_of(p_minions text[])
    RETURNS TABLE (minion_id text, standing text, minion_groups text[], resources bigint, valid_until timestamptz)
    -- Without a search_path of its own, so that it becomes part of the statement that calls it.
    LANGUAGE sql STABLE AS $$
SELECT s.minion_id, s.standing,
    ARRAY(SELECT g.group_name FROM approval.minion_group_member AS g WHERE g.minion_id = s.minion_id
          ORDER BY g.group_name COLLATE "C"),
    CASE WHEN s.standing = 'drifting' THEN (
        SELECT count(*) FROM approval.drift AS t JOIN approval.document_in_force(now()) AS d USING (minion_id)
        WHERE t.minion_id = s.minion_id AND t.cleared_at IS NULL AND t.item_id = ANY (d.item_ids)) ELSE 0 END,
    (SELECT coalesce(min(CASE WHEN d.valid_from > now() THEN d.valid_from ELSE d.valid_until END), 'infinity')
     FROM approval.document AS d WHERE d.minion_id = s.minion_id AND d.valid_until > now())
FROM approval.standing AS s WHERE s.minion_id = ANY (p_minions)
$$;
COMMENT ON FUNCTION approval.standings_of IS
    'Internal: how these minions stand now, see view standing, by one look at each: as table minion_standing keeps it. Removed '
    'ones are left out.';
