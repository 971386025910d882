CREATE OR REPLACE FUNCTION approval.dispatchable(p_request_id bigint, p_minion_id text, p_item_id bigint, p_now timestamptz)
    RETURNS TABLE (minion_id text, item_id bigint, readiness text, again_at timestamptz, reason text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
WITH given AS (
    SELECT i.minion_id, i.item_id, i.kind, i.state, i.outcome, i.effective_at, i.expires_at, r.break_glass_at,
        r.break_glass_at IS NULL AND t.calendar_name IS NOT NULL AS has_window
    -- Two ways in: the one item by its key, or all by the request's.
    FROM (SELECT * FROM approval.item WHERE p_item_id IS NULL AND request_id = p_request_id
          UNION ALL
          SELECT * FROM approval.item WHERE minion_id = p_minion_id AND item_id = p_item_id AND request_id = p_request_id) AS i
    JOIN approval.request AS r USING (request_id)
    JOIN approval.request_type AS t USING (type_name, type_version)
    WHERE i.item_set_version = r.item_set_version AND i.effective_at IS NOT NULL
        -- A state is applied as a whole: one item of each minion stands for all.
        AND (i.kind = 'action' OR NOT EXISTS (
            SELECT FROM approval.item AS lower
            WHERE lower.request_id = i.request_id AND lower.item_set_version = i.item_set_version AND lower.minion_id = i.minion_id
                AND lower.item_id < i.item_id))
), held AS (
    SELECT h.minion_id, h.item_id, max(h.ends_at) AS until
    FROM (SELECT array_agg(g.minion_id) AS minions, array_agg(g.item_id) AS items FROM given AS g
          -- Mostly there is nothing that could hold anything back: then nothing is looked up, for a hundred thousand items.
          WHERE g.has_window OR EXISTS (SELECT FROM approval.freeze)) AS asked,
        approval.holds(asked.minions, asked.items, p_now, 1) AS h
    WHERE h.starts_at <= p_now
    GROUP BY h.minion_id, h.item_id
), timed AS (
    SELECT g.*, h.until AS held_until,
        -- Nobody wants an action by surprise that could not be sent for a day after its time.
        coalesce(g.expires_at, CASE WHEN g.kind = 'action' AND NOT g.has_window
            THEN greatest(g.effective_at, g.break_glass_at, h.until) + interval '1 day' END, 'infinity') AS ends_at
    FROM given AS g LEFT JOIN held AS h USING (minion_id, item_id)
)
SELECT t.minion_id, t.item_id,
    CASE WHEN t.state <> 'approved' OR t.outcome = 'converged' THEN 'done'
         WHEN t.ends_at <= p_now THEN 'never'
         WHEN t.effective_at <= p_now AND coalesce(t.held_until <= p_now, true) THEN 'now'
         ELSE 'later' END,
    -- Windows and freezes may be changed meanwhile.
    least(greatest(t.effective_at, t.held_until), t.ends_at, p_now + interval '5 minutes'),
    CASE WHEN t.ends_at <= p_now THEN format('its time was over at %s',
        to_char(t.ends_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')) END
FROM timed AS t
$$;
COMMENT ON FUNCTION approval.dispatchable IS
    'Internal: whether each item of an approved request (or the one of p_minion_id and p_item_id) may be sent at p_now: now; later '
    '(to be looked at again at again_at): its time, the end of a freeze, or an opening of its window is to come; never: its time '
    'is over; done: it is no longer in force.';
