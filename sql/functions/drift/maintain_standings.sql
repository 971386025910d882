CREATE OR REPLACE FUNCTION approval.maintain_standings() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
    -- Planned for those that changed: few are looked up one by one, and many together.
    SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    many constant integer := 1000;
    changed text[];
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('approval.maintain_standings', 0)) THEN
        RETURN 0;
    END IF;
    -- Rows go before their minions are looked at: who changes one meanwhile adds a row of their own, which stays.
    WITH gone AS (
        DELETE FROM approval.standing_change AS c
        WHERE c.change_no IN (SELECT n.change_no FROM approval.standing_change AS n ORDER BY n.change_no LIMIT many)
        RETURNING c.minions
    ), ended AS (
        SELECT k.minion_id FROM approval.minion_standing AS k WHERE k.valid_until < 'infinity' AND k.valid_until <= now()
        ORDER BY k.valid_until LIMIT many
    )
    SELECT array_agg(e.minion_id) INTO changed
    FROM (SELECT unnest(g.minions) AS minion_id FROM gone AS g UNION SELECT d.minion_id FROM ended AS d) AS e;
    IF changed IS NULL THEN
        RETURN 0;
    END IF;
    WITH was AS MATERIALIZED (
        SELECT k.* FROM approval.minion_standing AS k WHERE k.minion_id = ANY (changed)
    ), present AS MATERIALIZED (
        SELECT s.* FROM approval.standings_of(changed) AS s
    ), removed AS (
        DELETE FROM approval.minion_standing AS k
        WHERE k.minion_id IN (SELECT w.minion_id FROM was AS w EXCEPT SELECT p.minion_id FROM present AS p)
    ), kept AS (
        INSERT INTO approval.minion_standing AS k (minion_id, standing, minion_groups, resources, valid_until)
        SELECT p.* FROM present AS p EXCEPT ALL SELECT w.* FROM was AS w
        ON CONFLICT (minion_id) DO UPDATE SET standing = excluded.standing, minion_groups = excluded.minion_groups,
            resources = excluded.resources, valid_until = excluded.valid_until
    )
    INSERT INTO approval.standing_tally AS t (groups_digest, standing, minion_groups, minions, resources)
    SELECT sha256(convert_to(e.minion_groups::text, 'UTF8')), e.standing, e.minion_groups, sum(e.minions), sum(e.resources)
    FROM (SELECT p.minion_groups, p.standing, 1 AS minions, p.resources FROM present AS p
          UNION ALL SELECT w.minion_groups, w.standing, -1, -w.resources FROM was AS w) AS e
    GROUP BY e.minion_groups, e.standing HAVING sum(e.minions) <> 0 OR sum(e.resources) <> 0
    ON CONFLICT (groups_digest, standing) DO UPDATE
    SET minions = t.minions + excluded.minions, resources = t.resources + excluded.resources;
    DELETE FROM approval.standing_tally AS t WHERE t.minions = 0;
    RETURN cardinality(changed);
END
$$;
COMMENT ON FUNCTION approval.maintain_standings IS
    'Brings what is kept of how minions stand in line with a thousand entries of what changed, and with what time changed of a '
    'thousand minions, which leaves every count of approval.count_standings as it is; gives how many minions it looked at, 0: '
    'there is nothing to do. One caller at a time does so, another leaves it to the first. Definer: tables are private.';
