CREATE OR REPLACE FUNCTION approval.move_reach(p_minions text[], p_are_in boolean) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    -- Planned for the array that is given: of few minions no others are looked at.
    SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    IF p_are_in THEN
        INSERT INTO approval.request_reach AS r (request_id, minion_groups, minions)
        SELECT n.request_id, coalesce(g.minion_groups, '{}'), count(*)
        FROM (SELECT DISTINCT i.request_id, i.minion_id FROM approval.item AS i WHERE i.minion_id = ANY (p_minions)) AS n
        LEFT JOIN approval.read_groups() AS g USING (minion_id)
        GROUP BY 1, 2
        ON CONFLICT (request_id, minion_groups) DO UPDATE SET minions = r.minions + excluded.minions;
    ELSE
        WITH gone AS (
            SELECT n.request_id, coalesce(g.minion_groups, '{}') AS minion_groups, count(*) AS minions
            FROM (SELECT DISTINCT i.request_id, i.minion_id FROM approval.item AS i WHERE i.minion_id = ANY (p_minions)) AS n
            LEFT JOIN approval.read_groups() AS g USING (minion_id)
            GROUP BY 1, 2
        )
        UPDATE approval.request_reach AS r SET minions = r.minions - gone.minions
        FROM gone WHERE r.request_id = gone.request_id AND r.minion_groups = gone.minion_groups;
        DELETE FROM approval.request_reach WHERE minions = 0;
    END IF;
END
$$;
COMMENT ON FUNCTION approval.move_reach IS
    'Internal: takes minions out of table request_reach before they change their groups, and (p_are_in) counts them there again '
    'afterwards. The caller holds the lock of lock_reach.';
