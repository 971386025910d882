CREATE OR REPLACE FUNCTION approval.count_standings(p_groups text[] DEFAULT NULL)
    RETURNS TABLE (minion_group text, standing text, minions bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
    -- Planned for those that are apart: few are looked up one by one, and many together.
    SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    -- Mostly nearly all are in line: the others are found by indexes, and these are what is left.
    apart text[] := ARRAY(
        SELECT d.minion_id FROM approval.drift AS d WHERE d.cleared_at IS NULL
        UNION
        SELECT i.minion_id FROM approval.item AS i WHERE i.state = 'approved' AND i.outcome <> 'converged'
        UNION
        SELECT q.minion_id FROM approval.silence AS q
        UNION
        SELECT e.minion_id FROM approval.document AS e WHERE cardinality(e.item_ids) = 0
        UNION
        SELECT m.minion_id FROM approval.minion AS m
        WHERE m.removed_at IS NULL AND NOT EXISTS (SELECT FROM approval.document AS d WHERE d.minion_id = m.minion_id));
BEGIN
    RETURN QUERY
    WITH stands AS MATERIALIZED (
        SELECT s.minion_id, s.standing FROM approval.standing AS s WHERE s.minion_id = ANY (apart) AND s.standing <> 'converged'
            AND approval.in_groups(s.minion_id, p_groups)
    ), other AS MATERIALIZED (
        SELECT NULL::text AS minion_group, s.standing, count(*) AS minions FROM stands AS s GROUP BY s.standing
        UNION ALL
        SELECT g.group_name, s.standing, count(*)
        FROM stands AS s JOIN approval.minion_group_member AS g USING (minion_id)
        WHERE p_groups IS NULL OR g.group_name = ANY (p_groups) GROUP BY g.group_name, s.standing
    ), known AS (
        SELECT NULL::text AS minion_group, count(*) AS minions FROM approval.minion AS m
        WHERE m.removed_at IS NULL AND approval.in_groups(m.minion_id, p_groups)
        UNION ALL
        SELECT g.group_name, count(*) FROM approval.minion_group_member AS g
        WHERE p_groups IS NULL OR g.group_name = ANY (p_groups) GROUP BY g.group_name
        UNION ALL
        SELECT g.group_name, -count(*)
        FROM approval.minion AS m JOIN approval.minion_group_member AS g USING (minion_id)
        WHERE m.removed_at IS NOT NULL AND (p_groups IS NULL OR g.group_name = ANY (p_groups)) GROUP BY g.group_name
    )
    SELECT o.minion_group, o.standing, o.minions FROM other AS o
    UNION ALL
    SELECT c.minion_group, 'converged', sum(c.minions)::bigint
    FROM (SELECT k.minion_group, k.minions FROM known AS k UNION ALL SELECT o.minion_group, -o.minions FROM other AS o) AS c
    GROUP BY c.minion_group HAVING sum(c.minions) > 0;
END
$$;
COMMENT ON FUNCTION approval.count_standings IS
    'Internal: how many minions of each of these groups (see readable_groups; NULL: of each that there is), and (minion_group '
    'NULL) of all of them, stand how to what is approved for them: see view standing. Standings without minions are left out.';
