CREATE OR REPLACE FUNCTION approval.show_type_by_session(p_token bytea, p_type text) RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT approval.show_type(p_type) FROM approval.acting_by_session(p_token, 'read')
$$;
COMMENT ON FUNCTION approval.show_type_by_session IS
    'One request type, for a person with a session: see approval.show_type. Raises AP001-AP003, AP020-AP022. Definer: tables '
    'are private.';
