CREATE OR REPLACE FUNCTION approval.list_held_requests(p_at timestamptz, p_limit integer)
    RETURNS TABLE (request bigint, type text, reason text, until timestamptz, by text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
-- The newest requests, and the first minions of each, tell enough in a list; all of them are in approval.show_request.
WITH open AS MATERIALIZED (
    SELECT r.request_id, r.type_name, r.reason, i.minion_id, i.item_id, i.effective_at
    FROM (SELECT q.* FROM approval.request AS q JOIN approval.request_state AS s USING (state)
          WHERE q.closed_at IS NULL AND s.was_approved ORDER BY q.request_id DESC LIMIT 1000) AS r
    CROSS JOIN LATERAL (SELECT * FROM approval.item AS one
        WHERE one.request_id = r.request_id AND one.state = 'approved' AND one.applied_at IS NULL LIMIT 100) AS i
), hold AS MATERIALIZED (
    SELECT h.item_id, string_agg(format('%s %s %s', h.by, h.starts_at, h.ends_at), ',' ORDER BY h.by, h.starts_at) AS spans
    FROM (SELECT array_agg(o.minion_id) AS minions, array_agg(o.item_id) AS items FROM open AS o) AS given,
        approval.holds(given.minions, given.items, p_at, 1) AS h
    GROUP BY h.item_id
), alike AS (
    -- Items that the same things hold back are held until the same time: one of them tells of all.
    SELECT DISTINCT ON (o.request_id, o.effective_at, h.spans) o.*
    FROM open AS o LEFT JOIN hold AS h USING (item_id)
    WHERE h.spans IS NOT NULL OR o.effective_at > p_at
    ORDER BY o.request_id, o.effective_at, h.spans, o.minion_id
)
SELECT a.request_id, a.type_name, a.reason, b.until, b.by
FROM alike AS a CROSS JOIN LATERAL approval.held_back(a.minion_id, a.item_id, p_at) AS b
GROUP BY a.request_id, a.type_name, a.reason, b.until, b.by
ORDER BY b.until, a.request_id, b.by LIMIT p_limit
$$;
COMMENT ON FUNCTION approval.list_held_requests IS
    'Internal: approved requests with changes that are held back at p_at, the next to open first: until when and by what, see '
    'approval.held_back; more than one row of a request whose minions are held by different things. Looks at the newest thousand '
    'open requests.';
