CREATE OR REPLACE FUNCTION approval.request_items(p_request_id bigint)
    RETURNS TABLE (item approval.item, standing text, drift approval.drift, dispatch approval.dispatch)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
SELECT i, CASE WHEN f.item_id IS NOT NULL THEN 'drifted'
    WHEN i.state = 'withdrawn' AND i.outcome = 'waiting' THEN 'withdrawn' ELSE i.outcome END, f, d
FROM approval.request AS r
JOIN approval.item AS i USING (request_id, item_set_version)
LEFT JOIN approval.drift AS f ON f.minion_id = i.minion_id AND f.item_id = i.item_id AND f.cleared_at IS NULL
    AND i.state = 'approved'
LEFT JOIN approval.dispatch AS d ON d.request_id = r.request_id AND d.minion_id = i.minion_id
    -- A state is applied as a whole: one item of each minion stands for all.
    AND (d.item_id = i.item_id OR d.proof = 'state')
WHERE r.request_id = p_request_id
$$;
COMMENT ON FUNCTION approval.request_items IS
    'Internal: the present items of a request; how each stands (its outcome; drifted: it was proven and has been seen otherwise '
    'since; withdrawn, before it was sent), its open drift, and how far its sending has come.';
