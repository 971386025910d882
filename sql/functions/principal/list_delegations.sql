CREATE OR REPLACE FUNCTION approval.list_delegations()
    RETURNS TABLE (delegation bigint, from_principal text, to_principal text, starts_at timestamptz, ends_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT d.delegation_id, giver.name, deputy.name, d.starts_at, d.ends_at
FROM approval.delegation AS d
JOIN approval.principal AS giver ON giver.principal_id = d.from_principal
JOIN approval.principal AS deputy ON deputy.principal_id = d.to_principal
WHERE d.ends_at > now() ORDER BY d.starts_at, d.delegation_id
$$;
COMMENT ON FUNCTION approval.list_delegations IS 'Delegations that are on or to come. Definer: tables are private.';
