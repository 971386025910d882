CREATE OR REPLACE FUNCTION approval.put_versions(p_catalog_id integer, p_names text[], p_versions text[], p_now timestamptz)
    RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    INSERT INTO approval.package_name AS n (name, key)
    SELECT DISTINCT g.name, approval.resource_key('package', g.name) FROM unnest(p_names) AS g (name)
    WHERE NOT EXISTS (SELECT FROM approval.package_name AS k WHERE k.name = g.name)
    ORDER BY 1
    ON CONFLICT (name) DO NOTHING;
    UPDATE approval.catalog_version AS v SET gone_since = p_now
    WHERE v.catalog_id = p_catalog_id AND v.gone_since IS NULL AND (v.name_id, v.version) NOT IN (
        SELECT n.name_id, g.version COLLATE "C" FROM unnest(p_names, p_versions) AS g (name, version)
        JOIN approval.package_name AS n ON n.name = g.name);
    WITH given AS MATERIALIZED (
        SELECT DISTINCT n.name_id, g.version COLLATE "C" AS version FROM unnest(p_names, p_versions) AS g (name, version)
        JOIN approval.package_name AS n ON n.name = g.name
        EXCEPT SELECT v.name_id, v.version FROM approval.catalog_version AS v
        WHERE v.catalog_id = p_catalog_id AND v.gone_since IS NULL
    )
    INSERT INTO approval.catalog_version (catalog_id, name_id, version, since)
    SELECT p_catalog_id, g.name_id, g.version, p_now FROM given AS g ORDER BY g.name_id
    ON CONFLICT (catalog_id, name_id, version) DO UPDATE SET gone_since = NULL;
END
$$;
COMMENT ON FUNCTION approval.put_versions IS
    'Internal: makes a catalog have just these versions, by their difference from what it had: others are gone since now.';
