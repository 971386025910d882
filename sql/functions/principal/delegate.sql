CREATE OR REPLACE FUNCTION approval.delegate(p_provider text, p_subject text, p_to text, p_from timestamptz, p_until timestamptz)
    RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT approval.delegate_as(actor.principal_id, actor.name, p_provider || ':' || p_subject, actor.assurance, p_to, p_from, p_until)
FROM approval.acting_principal(p_provider, p_subject) AS actor
$$;
COMMENT ON FUNCTION approval.delegate IS
    'Lets another principal decide in the caller''s stead from p_from (NULL: now) until p_until; gives the delegation''s number. '
    'Raises AP001, AP002, AP009, AP016. Definer: tables are private.';
