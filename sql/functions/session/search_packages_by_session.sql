CREATE OR REPLACE FUNCTION approval.search_packages_by_session(p_token bytea, p_pattern text, p_minion_id text, p_limit integer)
    RETURNS TABLE (name text, versions text[], gone text[], minions bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT p.* FROM approval.acting_by_session(p_token, 'read') AS actor
CROSS JOIN LATERAL approval.search_packages(p_pattern, p_minion_id, p_limit, actor.principal_id) AS p
$$;
COMMENT ON FUNCTION approval.search_packages_by_session IS
    'Packages by their names, for a person with a session: see approval.search_packages. Raises AP001, AP002, AP004, AP005, '
    'AP020-AP022. Definer: tables are private.';
