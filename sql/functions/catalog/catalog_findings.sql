CREATE OR REPLACE FUNCTION approval.catalog_findings(p_minions text[], p_kinds text[], p_names text[], p_contents text[])
    RETURNS TABLE (finding text, minions text[], refuses boolean)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $$
-- A package that has to be absent may be of no repository.
WITH asked AS MATERIALIZED (
    SELECT g.minion_id, g.name, g.content, b.catalog_id, b.is_proven
    FROM unnest(p_minions, p_kinds, p_names, p_contents) AS g (minion_id, kind, name, content)
    JOIN approval.catalog_member AS b ON b.minion_id = g.minion_id
    WHERE g.kind = 'package' AND g.content IS NOT NULL
), wish AS MATERIALIZED (
    SELECT w.catalog_id, w.name, w.content, c.system, c.is_complete, n.name_ids
    FROM (SELECT DISTINCT a.catalog_id, a.name, a.content FROM asked AS a) AS w
    JOIN approval.catalog AS c USING (catalog_id)
    CROSS JOIN LATERAL (
        SELECT ARRAY(
            SELECT k.name_id FROM approval.package_name AS k
            WHERE k.key = approval.resource_key('package', w.name) AND approval.may_be_one('package', w.name, k.name)
                -- Letter case is the same on Windows alone.
                AND (c.system = 'Windows' OR left(k.name, length(k.key)) = left(w.name, length(k.key)))) AS name_ids) AS n
), judged AS MATERIALIZED (
    SELECT w.*, v.has_name, v.has_version, v.gone_since
    FROM wish AS w
    CROSS JOIN LATERAL (
        SELECT coalesce(bool_or(o.gone_since IS NULL), false) AS has_name,
            coalesce(bool_or(o.gone_since IS NULL AND (
                w.content = 'latest' OR NOT w.is_complete OR approval.is_offered(w.system, w.content, o.version))), false)
                AS has_version,
            max(o.gone_since) FILTER (WHERE approval.is_offered(w.system, w.content, o.version)) AS gone_since
        FROM approval.catalog_version AS o WHERE o.catalog_id = w.catalog_id AND o.name_id = ANY (w.name_ids)) AS v
    WHERE NOT (v.has_name AND v.has_version)
), worded AS MATERIALIZED (
    SELECT j.catalog_id, j.name, j.content, CASE
        WHEN NOT j.has_name THEN format('there is no package %s', j.name) || coalesce(
            ' any more: it is gone since ' || approval.when_text((
                SELECT max(o.gone_since) FROM approval.catalog_version AS o
                WHERE o.catalog_id = j.catalog_id AND o.name_id = ANY (j.name_ids))),
            ' (did you mean ' || nullif(array_to_string(approval.nearest_packages(j.catalog_id, j.name, 3), ', '), '') || '?)', '')
        ELSE format('package %s has no version %s%s (there is %s)', j.name, j.content,
            CASE WHEN j.gone_since IS NOT NULL
                THEN format(' any more: it is gone since %s', approval.when_text(j.gone_since)) END, (
                SELECT string_agg(x.version, ', ') FROM (
                    SELECT DISTINCT o.version FROM approval.catalog_version AS o
                    WHERE o.catalog_id = j.catalog_id AND o.name_id = ANY (j.name_ids) AND o.gone_since IS NULL
                    ORDER BY o.version DESC LIMIT 5) AS x)) END AS finding
    FROM judged AS j
)
SELECT w.finding, array_agg(DISTINCT a.minion_id ORDER BY a.minion_id), approval.catalog_refuses(c, a.is_proven)
FROM worded AS w
JOIN asked AS a USING (catalog_id, name, content)
JOIN approval.catalog AS c USING (catalog_id)
GROUP BY w.finding, approval.catalog_refuses(c, a.is_proven)
ORDER BY 3 DESC, 1
$$;
COMMENT ON FUNCTION approval.catalog_findings IS
    'Internal: what the catalogs of these minions have against these items: names and versions that a minion cannot get, with what '
    'there is instead, and whether the catalog is good enough to refuse it.';
