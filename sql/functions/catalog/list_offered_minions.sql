CREATE OR REPLACE FUNCTION approval.list_offered_minions(p_groups text[], p_kernel text) RETURNS SETOF text
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
    -- As many as a large site has, so that they are joined as a set.
    ROWS 10000 AS $$
DECLARE
    unknown text := (
        SELECT quote_nullable(g.name) FROM unnest(p_groups) AS g (name)
        WHERE NOT EXISTS (SELECT FROM approval.minion_group AS known WHERE known.group_name = g.name) LIMIT 1);
BEGIN
    IF unknown IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('there is no group of minions %s', unknown),
            HINT = 'Groups stand in the policy, under minion_groups.';
    END IF;
    RETURN QUERY
    SELECT m.minion_id FROM approval.minion AS m
    WHERE m.removed_at IS NULL
        AND (p_groups IS NULL OR m.minion_id IN (
            SELECT g.minion_id FROM approval.minion_group_member AS g WHERE g.group_name = ANY (p_groups)))
        AND (p_kernel IS NULL OR EXISTS (
            SELECT FROM approval.minion_fact AS f WHERE f.minion_id = m.minion_id AND f.kernel = p_kernel))
    ORDER BY m.minion_id COLLATE "C";
END
$$;
COMMENT ON FUNCTION approval.list_offered_minions IS
    'The minions that tickets may be offered: known ones, of any of these groups and with this kernel (Linux, Windows) as they say '
    'of themselves; NULL: of any. Raises AP005 on an unknown group. Definer: tables are private.';
