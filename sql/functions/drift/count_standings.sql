CREATE OR REPLACE FUNCTION approval.count_standings(p_groups text[] DEFAULT NULL)
    RETURNS TABLE (minion_group text, standing text, minions bigint, resources bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
    -- Planned for those that changed: few are looked up one by one, and many together.
    SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    changed constant text[] := approval.changed_standings();
BEGIN
    RETURN QUERY
    WITH entry AS (
        SELECT t.minion_groups, t.standing, t.minions, t.resources FROM approval.standing_tally AS t
        UNION ALL
        SELECT k.minion_groups, k.standing, -1, -k.resources FROM approval.minion_standing AS k WHERE k.minion_id = ANY (changed)
        UNION ALL
        SELECT s.minion_groups, s.standing, 1, s.resources FROM approval.standings_of(changed) AS s
    ), alike AS MATERIALIZED (
        SELECT e.minion_groups, e.standing, sum(e.minions) AS minions, sum(e.resources) AS resources
        FROM entry AS e WHERE p_groups IS NULL OR e.minion_groups && p_groups GROUP BY e.minion_groups, e.standing
    )
    SELECT NULL::text, a.standing, sum(a.minions)::bigint, sum(a.resources)::bigint
    FROM alike AS a GROUP BY a.standing HAVING sum(a.minions) > 0
    UNION ALL
    SELECT g.group_name, a.standing, sum(a.minions)::bigint, sum(a.resources)::bigint
    FROM alike AS a CROSS JOIN LATERAL unnest(a.minion_groups) AS g (group_name)
    WHERE p_groups IS NULL OR g.group_name = ANY (p_groups)
    GROUP BY g.group_name, a.standing HAVING sum(a.minions) > 0;
END
$$;
COMMENT ON FUNCTION approval.count_standings IS
    'Internal: how many minions of each of these groups (see readable_groups; NULL: of each that there is), and (minion_group '
    'NULL) of all of them, stand how to what is approved for them: see view standing; and how many of their resources drift. '
    'Standings without minions are left out. What is kept is summed up; those of approval.changed_standings alone are looked at.';
