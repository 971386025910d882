CREATE OR REPLACE FUNCTION approval.dispatchable(p_request_id bigint, p_minion_id text, p_item_id bigint, p_now timestamptz)
    RETURNS TABLE (minion_id text, item_id bigint, readiness text, again_at timestamptz, reason text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
WITH given AS (
    SELECT i.minion_id, i.item_id, i.kind, i.state, i.outcome, i.effective_at, i.expires_at, r.type_name, r.break_glass_at,
        CASE WHEN r.break_glass_at IS NULL THEN t.calendar_name END AS calendar_name
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
), timed AS (
    SELECT g.*, f.until AS frozen_until,
        g.calendar_name IS NULL OR EXISTS (
            SELECT FROM approval.calendar_span AS s
            WHERE s.calendar_name = g.calendar_name AND s.starts_at <= p_now AND s.ends_at > p_now) AS is_open,
        (SELECT min(s.starts_at) FROM approval.calendar_span AS s
         WHERE s.calendar_name = g.calendar_name AND s.starts_at > p_now) AS opens_at,
        -- What could not be sent for a day after its time is not wanted by surprise.
        coalesce(g.expires_at, CASE WHEN g.kind = 'action' AND g.calendar_name IS NULL
            THEN greatest(g.effective_at, g.break_glass_at, f.until) + interval '1 day' END, 'infinity') AS ends_at
    FROM given AS g
    LEFT JOIN LATERAL (
        SELECT max(f.ends_at) AS until FROM approval.freeze AS f
        WHERE g.break_glass_at IS NULL AND f.starts_at <= p_now AND coalesce(f.type_name = g.type_name, true)
            AND (f.minion_group IS NULL OR EXISTS (
                SELECT FROM approval.minion_group_member AS m
                WHERE m.group_name = f.minion_group AND m.minion_id = g.minion_id))) AS f ON true
)
SELECT t.minion_id, t.item_id,
    CASE WHEN t.state <> 'approved' OR t.outcome = 'converged' THEN 'done'
         WHEN t.ends_at <= p_now THEN 'never'
         WHEN t.effective_at <= p_now AND coalesce(t.frozen_until <= p_now, true) AND t.is_open THEN 'now'
         ELSE 'later' END,
    -- Windows and freezes may be changed meanwhile.
    least(greatest(t.effective_at, t.frozen_until, CASE WHEN NOT t.is_open THEN coalesce(t.opens_at, 'infinity') END), t.ends_at,
          p_now + interval '5 minutes'),
    CASE WHEN t.ends_at <= p_now THEN format('its time was over at %s',
        to_char(t.ends_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')) END
FROM timed AS t
$$;
COMMENT ON FUNCTION approval.dispatchable(bigint, text, bigint, timestamptz) IS
    'Internal: whether each item of an approved request (or the one of p_minion_id and p_item_id) may be sent at p_now: now; '
    'later (to be looked at again at again_at): its time, the end of a freeze, or an opening of its window is to come; never: its time is over; done: it is no longer in force.';
