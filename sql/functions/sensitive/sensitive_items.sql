CREATE OR REPLACE FUNCTION approval.sensitive_items(p_request_id bigint, p_after text[], p_limit integer) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
WITH page AS MATERIALIZED (
    SELECT i.minion_id, i.kind, i.name, i AS item
    FROM approval.request AS r
    JOIN approval.item AS i ON i.request_id = r.request_id AND i.item_set_version = r.item_set_version
    WHERE r.request_id = p_request_id AND i.kind IN ('value', 'action') AND approval.is_sensitive(i.kind, i.name)
        AND (i.minion_id, i.kind, i.name) > (coalesce(p_after[1], ''), coalesce(p_after[2], ''), coalesce(p_after[3], ''))
    ORDER BY i.minion_id, i.kind, i.name LIMIT p_limit
)
SELECT jsonb_build_object('request', p_request_id, 'items', (
        SELECT coalesce(jsonb_agg(
            approval.shown_item(p.item, (p.item).outcome, f, NULL) ORDER BY p.minion_id, p.kind, p.name), '[]')
        FROM page AS p
        LEFT JOIN approval.drift AS f ON f.minion_id = p.minion_id AND f.item_id = (p.item).item_id AND f.cleared_at IS NULL),
    'next', (
        SELECT jsonb_build_array(p.minion_id, p.kind, p.name) FROM page AS p
        WHERE (SELECT count(*) FROM page) = p_limit ORDER BY p.minion_id DESC, p.kind DESC, p.name DESC LIMIT 1))
$$;
COMMENT ON FUNCTION approval.sensitive_items IS 'Internal: see approval.show_values.';
