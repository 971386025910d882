CREATE OR REPLACE FUNCTION approval.list_items(
    p_request_id bigint, p_version integer, p_outcomes text[], p_after text[], p_limit integer)
    RETURNS TABLE (item approval.item, standing text, drift approval.drift, dispatch approval.dispatch)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
#variable_conflict use_column
BEGIN
    -- Each of these walks an index in the order of the page and ends at the limit, however many items there are.
    RETURN QUERY
    WITH listed AS (
        (SELECT i AS item FROM approval.item AS i
         WHERE p_outcomes IS NULL AND i.request_id = p_request_id AND i.item_set_version = p_version
             AND (i.minion_id, i.kind, i.name) > (coalesce(p_after[1], ''), coalesce(p_after[2], ''), coalesce(p_after[3], ''))
         ORDER BY i.minion_id, i.kind, i.name LIMIT p_limit)
        UNION ALL
        (SELECT i FROM approval.item AS i
         WHERE 'waiting' = ANY (p_outcomes) AND i.request_id = p_request_id AND i.item_set_version = p_version
             AND i.outcome = 'waiting' AND i.state <> 'withdrawn'
             AND (i.minion_id, i.kind, i.name) > (coalesce(p_after[1], ''), coalesce(p_after[2], ''), coalesce(p_after[3], ''))
         ORDER BY i.minion_id, i.kind, i.name LIMIT p_limit)
        UNION ALL
        (SELECT i FROM approval.item AS i
         WHERE 'failed' = ANY (p_outcomes) AND i.request_id = p_request_id AND i.item_set_version = p_version
             AND i.outcome = 'failed'
             AND (i.minion_id, i.kind, i.name) > (coalesce(p_after[1], ''), coalesce(p_after[2], ''), coalesce(p_after[3], ''))
         ORDER BY i.minion_id, i.kind, i.name LIMIT p_limit)
        UNION ALL
        (SELECT i FROM approval.item AS i
         WHERE 'drift' = ANY (p_outcomes) AND i.request_id = p_request_id AND i.item_set_version = p_version
             AND i.outcome = 'drift'
             AND (i.minion_id, i.kind, i.name) > (coalesce(p_after[1], ''), coalesce(p_after[2], ''), coalesce(p_after[3], ''))
         ORDER BY i.minion_id, i.kind, i.name LIMIT p_limit)
        UNION ALL
        (SELECT i FROM approval.item AS i
         WHERE 'converged' = ANY (p_outcomes) AND i.request_id = p_request_id AND i.item_set_version = p_version
             AND i.outcome = 'converged'
             AND (i.minion_id, i.kind, i.name) > (coalesce(p_after[1], ''), coalesce(p_after[2], ''), coalesce(p_after[3], ''))
             AND NOT (i.state = 'approved' AND EXISTS (
                 SELECT FROM approval.drift AS f
                 WHERE f.minion_id = i.minion_id AND f.kind = i.kind AND f.name = i.name AND f.item_id = i.item_id
                     AND f.cleared_at IS NULL))
         ORDER BY i.minion_id, i.kind, i.name LIMIT p_limit)
        UNION ALL
        (SELECT i.item FROM (
             SELECT f.minion_id, f.kind, f.name, f.item_id FROM approval.drift AS f
             WHERE f.request_id = p_request_id AND f.cleared_at IS NULL
                 AND (f.minion_id, f.kind, f.name) > (coalesce(p_after[1], ''), coalesce(p_after[2], ''), coalesce(p_after[3], ''))
             ORDER BY f.minion_id, f.kind, f.name OFFSET 0) AS drifted
         CROSS JOIN LATERAL (
             SELECT one AS item, one.item_set_version, one.state FROM approval.item AS one
             WHERE one.minion_id = drifted.minion_id AND one.item_id = drifted.item_id OFFSET 0) AS i
         WHERE 'drifted' = ANY (p_outcomes) AND i.item_set_version = p_version AND i.state = 'approved'
         ORDER BY drifted.minion_id, drifted.kind, drifted.name LIMIT p_limit)
    ), page AS (
        SELECT l.item, (l.item).minion_id, (l.item).kind, (l.item).name, (l.item).item_id, (l.item).state, (l.item).outcome
        FROM listed AS l ORDER BY (l.item).minion_id, (l.item).kind, (l.item).name LIMIT p_limit
    )
    SELECT i.item, CASE WHEN f.item_id IS NOT NULL THEN 'drifted'
        WHEN i.state = 'withdrawn' AND i.outcome = 'waiting' THEN 'withdrawn' ELSE i.outcome END, f, d.sent
    FROM page AS i
    LEFT JOIN approval.drift AS f ON f.minion_id = i.minion_id AND f.kind = i.kind AND f.name = i.name AND f.item_id = i.item_id
        AND f.cleared_at IS NULL AND i.state = 'approved'
    LEFT JOIN LATERAL (
        SELECT e AS sent FROM approval.dispatch AS e
        WHERE e.request_id = p_request_id AND e.minion_id = i.minion_id
            -- A state is applied as a whole: one item of each minion stands for all.
            AND (e.item_id = i.item_id OR e.proof = 'state')
        LIMIT 1) AS d ON true
    ORDER BY i.minion_id, i.kind, i.name;
END
$$;
COMMENT ON FUNCTION approval.list_items IS
    'Internal: of one version of a request, p_limit items that stand as p_outcomes says (NULL: all), from behind p_after (minion, '
    'kind, name; NULL: from the first), in this order; how each stands (its outcome; drifted: it was proven and has been seen '
    'otherwise since; withdrawn, before it was sent), its open drift, and how far its sending has come.';
