CREATE OR REPLACE FUNCTION approval.readable_groups(p_reader bigint, p_what text) RETURNS text[]
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
WITH mine AS MATERIALIZED (
    SELECT r.minion_group FROM approval.reader AS r JOIN approval.membership AS m USING (group_name)
    WHERE r.what = p_what AND m.principal_id = p_reader
)
SELECT CASE
    WHEN p_reader IS NULL OR NOT EXISTS (SELECT FROM approval.reader AS r WHERE r.what = p_what)
        OR EXISTS (SELECT FROM mine WHERE minion_group IS NULL) THEN NULL
    ELSE ARRAY(SELECT DISTINCT minion_group FROM mine ORDER BY minion_group) END
$$;
COMMENT ON FUNCTION approval.readable_groups IS
    'Internal: the groups of minions of which a principal may read what table reader names (see reading_as); NULL: of all minions, '
    'also of those in no group.';
