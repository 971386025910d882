CREATE OR REPLACE FUNCTION approval.end_delegation(p_provider text, p_subject text, p_delegation_id bigint) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT approval.end_delegation_as(actor.principal_id, actor.name, p_provider || ':' || p_subject, actor.assurance, p_delegation_id)
FROM approval.acting_principal(p_provider, p_subject) AS actor
$$;
COMMENT ON FUNCTION approval.end_delegation IS
    'Ends a delegation of one''s own before its time; gives whether it was still open. Raises AP001, AP002. Definer: tables are '
    'private.';
