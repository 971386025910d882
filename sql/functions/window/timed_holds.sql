CREATE OR REPLACE FUNCTION approval.timed_holds(p_minions text[], p_items bigint[], p_at timestamptz, p_openings integer)
    RETURNS TABLE (minion_id text, item_id bigint, starts_at timestamptz, ends_at timestamptz, by text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
WITH change AS (
    -- Once applied it is state, which nothing holds back.
    SELECT i.minion_id, i.item_id, i.effective_at, r.type_name, t.calendar_name
    FROM unnest(p_minions, p_items) AS given (minion_id, item_id)
    -- Each by its key, also where no statistics say yet how many items there are.
    CROSS JOIN LATERAL (SELECT * FROM approval.item AS one WHERE one.minion_id = given.minion_id
        AND one.item_id = given.item_id OFFSET 0) AS i
    JOIN approval.request AS r USING (request_id)
    JOIN approval.request_type AS t USING (type_name, type_version)
    -- Where there is neither a calendar nor a freeze, nothing is looked up, for a hundred thousand items.
    WHERE (EXISTS (SELECT FROM approval.calendar) OR EXISTS (SELECT FROM approval.freeze))
        AND i.state = 'approved' AND i.applied_at IS NULL AND r.break_glass_at IS NULL
), opening AS (
    SELECT ahead.calendar_name, ahead.starts_at, ahead.ends_at
    FROM (SELECT s.*, row_number() OVER (PARTITION BY s.calendar_name ORDER BY s.starts_at) AS place
          FROM approval.calendar_span AS s WHERE s.ends_at > p_at) AS ahead
    WHERE p_openings IS NULL OR ahead.place <= p_openings
), closed AS MATERIALIZED (
    -- From the end of all openings before to the next one; openings may overlap.
    SELECT edge.calendar_name, coalesce(edge.open_until, '-infinity') AS starts_at, edge.opens_at AS ends_at
    FROM (SELECT o.calendar_name, o.starts_at AS opens_at, max(o.ends_at) OVER (
              PARTITION BY o.calendar_name ORDER BY o.starts_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS open_until
          FROM opening AS o
          UNION ALL
          SELECT c.calendar_name, 'infinity', (SELECT max(o.ends_at) FROM opening AS o WHERE o.calendar_name = c.calendar_name)
          FROM approval.calendar AS c) AS edge
    WHERE edge.opens_at > p_at AND edge.opens_at > coalesce(edge.open_until, '-infinity')
)
SELECT c.minion_id, c.item_id, k.starts_at, k.ends_at, 'calendar ' || k.calendar_name
FROM change AS c JOIN closed AS k USING (calendar_name)
UNION ALL
SELECT c.minion_id, c.item_id, f.starts_at, f.ends_at, 'freeze ' || f.freeze_name
FROM change AS c
JOIN approval.freeze AS f ON f.ends_at > least(p_at, c.effective_at) AND coalesce(f.type_name = c.type_name, true)
WHERE f.minion_group IS NULL OR EXISTS (
    SELECT FROM approval.minion_group_member AS m WHERE m.group_name = f.minion_group AND m.minion_id = c.minion_id)
$$;
COMMENT ON FUNCTION approval.timed_holds IS
    'Internal: the spans of time (from starts_at, before ends_at) that end after p_at in which the calendar of its type is closed '
    'or a freeze is on, for a change that is approved and was never applied; and which that is. Of a freeze also those that '
    'ended since the change took effect. Items are given as pairs. p_openings: look only so many openings '
    'of a calendar ahead, after the last of which it counts as closed; NULL: all that are worked out.';
