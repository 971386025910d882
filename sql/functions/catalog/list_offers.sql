CREATE OR REPLACE FUNCTION approval.list_offers(p_groups text[], p_kernel text)
    RETURNS TABLE (name text, versions text[], minions bigint, standing bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $$
WITH chosen AS MATERIALIZED (
    SELECT o.minion_id FROM approval.list_offered_minions(p_groups, p_kernel) AS o (minion_id)
), sharing AS MATERIALIZED (
    SELECT m.catalog_id, count(*) AS minions
    FROM chosen JOIN approval.catalog_member AS m USING (minion_id) JOIN approval.catalog AS c USING (catalog_id)
    WHERE NOT c.is_apart
    GROUP BY m.catalog_id
), offered AS (
    -- The minions of a catalog count once for a name, whatever versions it has of that.
    SELECT v.name_id, v.version::text AS version,
        CASE WHEN row_number() OVER (PARTITION BY v.name_id, v.catalog_id ORDER BY v.version) = 1 THEN h.minions END AS minions
    FROM sharing AS h JOIN approval.catalog_version AS v USING (catalog_id)
    WHERE v.gone_since IS NULL
), standing AS MATERIALIZED (
    SELECT u.name, count(*) AS minions
    FROM chosen JOIN approval.document_in_force(now()) AS d USING (minion_id)
    CROSS JOIN LATERAL unnest(d.kinds, d.names) AS u (kind, name)
    WHERE u.kind = 'package'
    GROUP BY u.name
)
SELECT n.name::text, o.versions, o.minions, coalesce(s.minions, 0)
FROM (
    SELECT f.name_id, array_agg(DISTINCT f.version) AS versions, sum(f.minions)::bigint AS minions
    FROM offered AS f GROUP BY f.name_id
) AS o
JOIN approval.package_name AS n USING (name_id)
LEFT JOIN standing AS s ON s.name = n.name
ORDER BY n.name
$$;
COMMENT ON FUNCTION approval.list_offers IS
    'The packages that minions (see approval.list_offered_minions) could get by the catalogs that others agree with, with their '
    'versions in no order, how many of the minions could get each, and on how many it is approved now. Raises AP005. Definer: '
    'tables are private.';
