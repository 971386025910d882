CREATE OR REPLACE FUNCTION approval.voting_groups(p_principal bigint) RETURNS text[]
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT ARRAY(
    SELECT DISTINCT m.group_name FROM approval.membership AS m
    WHERE m.principal_id IN (
        SELECT p_principal
        UNION ALL
        SELECT d.from_principal FROM approval.delegation AS d
        WHERE d.to_principal = p_principal AND d.starts_at <= now() AND d.ends_at > now())
    ORDER BY m.group_name)
$$;
COMMENT ON FUNCTION approval.voting_groups IS
    'Internal: the groups for which a principal can decide now: as a member, or for a member who delegated to them.';
