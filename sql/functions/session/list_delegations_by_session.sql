CREATE OR REPLACE FUNCTION approval.list_delegations_by_session(p_token bytea)
    RETURNS TABLE (delegation bigint, from_principal text, to_principal text, starts_at timestamptz, ends_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT d.* FROM approval.acting_by_session(p_token) AS actor, approval.list_delegations() AS d
WHERE actor.name IN (d.from_principal, d.to_principal)
$$;
COMMENT ON FUNCTION approval.list_delegations_by_session IS
    'Delegations by and to the person whose session has this token, that are on or to come. Raises AP001, AP002, AP020-AP022. '
    'Definer: tables are private.';
