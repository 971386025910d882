CREATE OR REPLACE FUNCTION approval.dispatchable(p_request_id bigint, p_minions text[], p_items bigint[], p_now timestamptz)
    RETURNS TABLE (minion_id text, item_id bigint, readiness text, again_at timestamptz, reason text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
WITH waved AS MATERIALIZED (
    -- One item alone comes of those that there was room for.
    SELECT o.state, cardinality(p_items) IS DISTINCT FROM 1 AND approval.room_in_flight(o) = 0 AS is_full
    FROM approval.rollout AS o WHERE o.request_id = p_request_id
), paused AS MATERIALIZED (
    SELECT FROM approval.sending_pause
    UNION ALL
    SELECT FROM approval.ticket_hold AS h WHERE h.request_id = p_request_id
), chosen AS (
    -- Three ways in: all items by the request's key; all on the minions whose turn it is, each by its key; or those given.
    SELECT i.*, NULL::timestamptz AS opened_at, NULL::timestamptz AS present_at, NULL::timestamptz AS pinged_at,
        NULL::text AS verdict, false AS is_waved
    FROM approval.item AS i
    WHERE p_items IS NULL AND i.request_id = p_request_id AND NOT EXISTS (SELECT FROM waved)
    UNION ALL
    SELECT i.*, w.opened_at, w.present_at, w.pinged_at, w.verdict, true
    FROM approval.wave_minion AS w
    JOIN approval.request AS r USING (request_id)
    CROSS JOIN LATERAL (SELECT * FROM approval.item AS one WHERE one.request_id = w.request_id
        AND one.item_set_version = r.item_set_version AND one.minion_id = w.minion_id OFFSET 0) AS i
    WHERE p_items IS NULL AND w.request_id = p_request_id AND w.opened_at IS NOT NULL
        AND (w.verdict IS NULL OR w.verdict IN ('failed', 'silent', 'absent'))
    UNION ALL
    SELECT i.*, w.opened_at, w.present_at, w.pinged_at, w.verdict, w.minion_id IS NOT NULL
    FROM unnest(p_minions, p_items) AS g (minion_id, item_id)
    JOIN approval.item AS i USING (minion_id, item_id)
    LEFT JOIN approval.wave_minion AS w ON w.request_id = i.request_id AND w.minion_id = i.minion_id
    WHERE i.request_id = p_request_id AND (w.minion_id IS NULL OR w.opened_at IS NOT NULL
        AND (w.verdict IS NULL OR w.verdict IN ('failed', 'silent', 'absent')))
), given AS (
    SELECT i.minion_id, i.item_id, i.kind, i.state, i.outcome, greatest(i.effective_at, i.opened_at) AS effective_at, i.expires_at,
        r.break_glass_at, r.break_glass_at IS NULL AND t.calendar_name IS NOT NULL AS has_window,
        i.is_waved AND i.present_at IS NULL AS is_unseen, i.pinged_at, i.verdict,
        i.verdict = 'absent' AND NOT coalesce((t.definition -> 'late')::boolean, false) AS is_absent
    FROM chosen AS i
    JOIN approval.request AS r USING (request_id)
    JOIN approval.request_type AS t USING (type_name, type_version)
    WHERE i.item_set_version = r.item_set_version AND i.effective_at IS NOT NULL
        -- A state is applied as a whole: of each minion the first item that was sent, or is to be done, stands for all.
        AND (i.kind = 'action' OR NOT EXISTS (
            SELECT FROM (
                -- By the request's key: a minion may have many items of the past.
                SELECT * FROM approval.item AS one
                WHERE one.request_id = i.request_id AND one.item_set_version = i.item_set_version AND one.minion_id = i.minion_id
                OFFSET 0) AS lower
            LEFT JOIN approval.dispatch AS d USING (minion_id, item_id)
            WHERE lower.item_id < i.item_id
                AND (d.minion_id IS NOT NULL OR (lower.state = 'approved' AND lower.outcome <> 'converged'))))
), held AS (
    SELECT h.minion_id, h.item_id, max(h.ends_at) AS until
    FROM (SELECT array_agg(g.minion_id) AS minions, array_agg(g.item_id) AS items FROM given AS g
          -- Mostly there is nothing that could hold anything back: then nothing is looked up, for a hundred thousand items.
          WHERE g.has_window OR EXISTS (SELECT FROM approval.freeze)) AS asked,
        approval.timed_holds(asked.minions, asked.items, p_now, 1) AS h
    WHERE h.starts_at <= p_now
    GROUP BY h.minion_id, h.item_id
), timed AS (
    SELECT g.*, h.until AS held_until,
        -- Nobody wants an action by surprise that could not be sent for a day after its time.
        coalesce(g.expires_at, CASE WHEN g.kind = 'action' AND NOT g.has_window
            THEN greatest(g.effective_at, g.break_glass_at, h.until) + interval '1 day' END, 'infinity') AS ends_at
    FROM given AS g LEFT JOIN held AS h USING (minion_id, item_id)
), ready AS (
    SELECT t.*, CASE
        WHEN t.state <> 'approved' OR t.outcome = 'converged' OR t.is_absent THEN 'done'
        WHEN t.ends_at <= p_now THEN 'never'
        WHEN t.effective_at > p_now OR t.held_until > p_now OR EXISTS (SELECT FROM paused)
            OR EXISTS (SELECT FROM waved AS o WHERE o.state = 'halted') THEN 'later'
        WHEN t.is_unseen THEN 'ping'
        ELSE 'now' END AS readiness
    FROM timed AS t
), shared AS (
    SELECT r.*, CASE
        WHEN r.readiness = 'ping' AND (r.verdict IS NULL OR r.pinged_at + interval '30 seconds' > p_now)
            THEN CASE WHEN r.pinged_at IS NOT NULL THEN p_now + interval '1 second' END
        -- One that was away is asked again now and then.
        WHEN r.readiness = 'ping' AND r.pinged_at + interval '5 minutes' > p_now
            THEN least(r.pinged_at + interval '5 minutes', r.ends_at)
        WHEN r.readiness = 'now' AND EXISTS (SELECT FROM waved AS o WHERE o.is_full) THEN p_now + interval '2 seconds'
        -- Mostly no group has a limit.
        WHEN r.readiness = 'now' AND EXISTS (SELECT FROM approval.minion_group AS g WHERE g.at_once IS NOT NULL)
            AND approval.full_group(r.minion_id, p_now) IS NOT NULL THEN p_now + interval '5 seconds' END AS waits_until
    FROM ready AS r
)
SELECT s.minion_id, s.item_id, CASE WHEN s.waits_until IS NULL THEN s.readiness ELSE 'later' END,
    -- Windows and freezes may be changed meanwhile.
    coalesce(s.waits_until, least(greatest(s.effective_at, s.held_until), s.ends_at, p_now + interval '5 minutes')),
    CASE WHEN s.ends_at <= p_now THEN format('its time was over at %s',
        to_char(s.ends_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')) END
FROM shared AS s
$$;
COMMENT ON FUNCTION approval.dispatchable IS
    'Internal: whether each item of an approved request (or those of the pairs p_minions, p_items) may be sent at p_now, without '
    'those that wait for their wave. now; ping: once the minion is asked whether it is there; later (to be looked at again at '
    'again_at): its time, the end of a freeze, an opening of its window, an answer to a ping, or its turn in a group with '
    'at_once is to come, all sending is paused, or its ticket is held; never: its time is over; done: it is no longer in force.';
