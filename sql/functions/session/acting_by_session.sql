CREATE OR REPLACE FUNCTION approval.acting_by_session(
    p_token bytea, OUT principal_id bigint, OUT name text, OUT assurance text, OUT provider text, OUT subject text,
    OUT proof jsonb)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    used approval.web_session := approval.session_of(p_token);
BEGIN
    SELECT a.principal_id, a.name,
        -- Who signed in long ago is no surer than somebody whom the login names; asserted is the least that there is.
        CASE WHEN used.authenticated_until > clock_timestamp() THEN a.assurance ELSE 'asserted' END
    INTO principal_id, name, assurance
    FROM approval.acting_principal(used.provider, used.subject) AS a;
    provider := used.provider;
    subject := used.subject;
    proof := used.sign_in
        || jsonb_build_object('session', used.session_no, 'signed_in_at', used.began_at, 'address', used.address);
END
$$;
COMMENT ON FUNCTION approval.acting_by_session IS
    'Internal: the principal that acts by a session on the web, by which identity, how sure that is, and what the audit keeps of '
    'the session. Raises AP001, AP002, AP020, AP021.';
