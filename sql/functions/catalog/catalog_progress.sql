CREATE OR REPLACE FUNCTION approval.catalog_progress(p_minions text[], p_since timestamptz)
    RETURNS TABLE (minions bigint, answered bigint, refused bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT count(*), count(*) FILTER (WHERE a.asked_at >= p_since AND a.answered_at IS NOT NULL AND a.wanted_at IS NULL),
    count(*) FILTER (WHERE a.asked_at >= p_since AND a.refusal IS NOT NULL)
FROM (SELECT approval.readable_groups(approval.reading_as(), 'requests') AS readable) AS r
CROSS JOIN approval.minion AS m LEFT JOIN approval.catalog_ask AS a USING (minion_id)
WHERE m.removed_at IS NULL AND (p_minions IS NULL OR m.minion_id = ANY (p_minions)) AND approval.in_groups(m.minion_id, r.readable)
$$;
COMMENT ON FUNCTION approval.catalog_progress IS
    'How many of these minions, or (NULL) of all that the login may read, have answered since then which packages they could '
    'get. Definer: tables are private.';
