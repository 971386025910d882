CREATE OR REPLACE FUNCTION approval.whoami(p_provider text, p_subject text) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT name FROM approval.acting_principal(p_provider, p_subject)
$$;
COMMENT ON FUNCTION approval.whoami IS
    'The principal behind an identity that the caller may act as. Raises AP001, AP002. Definer: tables are private.';
