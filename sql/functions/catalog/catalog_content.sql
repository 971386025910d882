CREATE OR REPLACE FUNCTION approval.catalog_content(p_names text[], p_versions text[]) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT encode(sha256(convert_to(coalesce(string_agg(line, E'\n' ORDER BY line COLLATE "C"), ''), 'UTF8')), 'hex')
FROM (SELECT DISTINCT g.name || ' ' || g.version AS line FROM unnest(p_names, p_versions) AS g (name, version)) AS each
$$;
COMMENT ON FUNCTION approval.catalog_content IS
    'Internal: digest of what a catalog has: sha256 over its lines "NAME VERSION", each once, sorted by bytes.';
