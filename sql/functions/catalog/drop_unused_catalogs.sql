CREATE OR REPLACE FUNCTION approval.drop_unused_catalogs() RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    unused integer[] := ARRAY(
        SELECT c.catalog_id FROM approval.catalog AS c
        WHERE NOT EXISTS (SELECT FROM approval.catalog_member AS m WHERE m.catalog_id = c.catalog_id));
BEGIN
    IF cardinality(unused) > 0 THEN
        DELETE FROM approval.catalog_version AS v WHERE v.catalog_id = ANY (unused);
        DELETE FROM approval.catalog AS c WHERE c.catalog_id = ANY (unused);
        DELETE FROM approval.package_name AS n
        WHERE NOT EXISTS (SELECT FROM approval.catalog_version AS v WHERE v.name_id = n.name_id);
    END IF;
END
$$;
COMMENT ON FUNCTION approval.drop_unused_catalogs IS
    'Internal: drops the catalogs that no minion has any more, and the names that were in these alone.';
