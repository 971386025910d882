CREATE OR REPLACE FUNCTION approval.tally_items() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- Of so many entries one has those of its set become one.
    folded_at constant integer := 64;
    long record;
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO approval.item_tally (request_id, item_set_version, state, outcome, items)
        SELECT c.request_id, c.item_set_version, c.state, c.outcome, c.items
        FROM (SELECT n.request_id, n.item_set_version, n.state, n.outcome, count(*) AS items
              FROM new_item AS n GROUP BY n.request_id, n.item_set_version, n.state, n.outcome) AS c
        -- By its key: nobody wants all sets read.
        CROSS JOIN LATERAL (
            SELECT FROM approval.item_set AS s
            WHERE s.request_id = c.request_id AND s.item_set_version = c.item_set_version AND s.group_count IS NOT NULL
            LIMIT 1) AS large;
        RETURN NULL;
    END IF;
    FOR long IN
        WITH added AS (
            INSERT INTO approval.item_tally (request_id, item_set_version, state, outcome, items)
            SELECT c.request_id, c.item_set_version, c.state, c.outcome, c.items
            FROM (SELECT e.request_id, e.item_set_version, e.state, e.outcome, sum(e.items) AS items
                  FROM (SELECT n.request_id, n.item_set_version, n.state, n.outcome, 1 AS items FROM new_item AS n
                        UNION ALL
                        SELECT o.request_id, o.item_set_version, o.state, o.outcome, -1 FROM old_item AS o) AS e
                  GROUP BY e.request_id, e.item_set_version, e.state, e.outcome HAVING sum(e.items) <> 0) AS c
            CROSS JOIN LATERAL (
                SELECT FROM approval.item_set AS s
                WHERE s.request_id = c.request_id AND s.item_set_version = c.item_set_version AND s.group_count IS NOT NULL
                LIMIT 1) AS large
            RETURNING request_id, item_set_version, entry_no
        )
        SELECT a.request_id, a.item_set_version FROM added AS a WHERE a.entry_no % folded_at = 0
        GROUP BY a.request_id, a.item_set_version ORDER BY a.request_id
    LOOP
        -- One at a time, and none waits for another: what is not folded now is folded later.
        CONTINUE WHEN NOT pg_try_advisory_xact_lock(hashtextextended('approval.item_tally/' || long.request_id, 0));
        WITH gone AS (
            DELETE FROM approval.item_tally AS t
            WHERE t.request_id = long.request_id AND t.item_set_version = long.item_set_version
            RETURNING t.state, t.outcome, t.items
        )
        INSERT INTO approval.item_tally (request_id, item_set_version, state, outcome, items)
        SELECT long.request_id, long.item_set_version, g.state, g.outcome, sum(g.items)
        FROM gone AS g GROUP BY g.state, g.outcome HAVING sum(g.items) <> 0;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION approval.tally_items IS
    'Trigger: keeps the table item_tally in line with the items of large sets, whoever changes them.';
