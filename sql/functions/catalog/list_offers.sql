CREATE OR REPLACE FUNCTION approval.list_offers(p_groups text[], p_kernel text)
    RETURNS TABLE (name text, versions text[], minions bigint, standing bigint)
    -- Millions of versions are read once and kept in memory: neither sorted on the disk, nor worth a compilation.
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
    SET work_mem = '128MB' SET jit = off AS $$
WITH chosen AS MATERIALIZED (
    SELECT o.minion_id FROM approval.list_offered_minions(p_groups, p_kernel) AS o (minion_id)
), sharing AS MATERIALIZED (
    SELECT m.catalog_id, count(*) AS minions, row_number() OVER (ORDER BY m.catalog_id)::integer - 1 AS place
    FROM chosen JOIN approval.catalog_member AS m USING (minion_id) JOIN approval.catalog AS c USING (catalog_id)
    WHERE NOT c.is_apart
    GROUP BY m.catalog_id
), placed AS MATERIALIZED (
    SELECT h.catalog_id, set_bit(repeat('0', (count(*) OVER ())::integer)::varbit, h.place, 1) AS bits FROM sharing AS h
), offered AS (
    -- The bits tell the catalogs of a name: its minions count once for each, whatever versions that has.
    SELECT v.name_id, array_agg(v.version::text) AS versions, bit_or(p.bits) AS catalogs
    FROM placed AS p JOIN approval.catalog_version AS v USING (catalog_id)
    WHERE v.gone_since IS NULL
    GROUP BY v.name_id
), alike AS (
    -- Many minions have the same resources approved: these are taken apart once.
    SELECT d.kinds, d.names, count(*) AS minions
    FROM chosen JOIN approval.document_in_force(now()) AS d USING (minion_id)
    GROUP BY d.kinds, d.names
), standing AS MATERIALIZED (
    SELECT u.name, sum(a.minions)::bigint AS minions
    FROM alike AS a CROSS JOIN LATERAL unnest(a.kinds, a.names) AS u (kind, name)
    WHERE u.kind = 'package'
    GROUP BY u.name
)
SELECT n.name::text, ARRAY(SELECT DISTINCT unnest(o.versions)),
    (SELECT sum(h.minions)::bigint FROM sharing AS h WHERE get_bit(o.catalogs, h.place) = 1), coalesce(s.minions, 0)
FROM offered AS o
JOIN approval.package_name AS n USING (name_id)
LEFT JOIN standing AS s ON s.name = n.name
ORDER BY n.name
$$;
COMMENT ON FUNCTION approval.list_offers IS
    'The packages that minions (see approval.list_offered_minions) could get by the catalogs that others agree with, with their '
    'versions in no order, how many of the minions could get each, and on how many it is approved now. Raises AP005. Definer: '
    'tables are private.';
