CREATE OR REPLACE FUNCTION approval.acting_by_session(
    p_token bytea, p_scope text DEFAULT NULL, OUT principal_id bigint, OUT name text, OUT assurance text, OUT provider text,
    OUT subject text, OUT proof jsonb)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    held approval.api_token := approval.api_token_of(p_token);
    used approval.web_session;
BEGIN
    IF held.token_no IS NOT NULL THEN
        PERFORM approval.check_api_token(held, p_scope);
        provider := held.provider;
        subject := held.subject;
        proof := jsonb_build_object('token', held.token_no);
    ELSE
        used := approval.session_of(p_token);
        provider := used.provider;
        subject := used.subject;
        proof := used.sign_in
            || jsonb_build_object('session', used.session_no, 'signed_in_at', used.began_at, 'address', used.address);
    END IF;
    SELECT a.principal_id, a.name,
        -- A person who signed in long ago, or left a token to a program, is no surer than somebody whom the login names; asserted
        -- is the least that there is.
        CASE WHEN used.authenticated_until > clock_timestamp() THEN a.assurance ELSE 'asserted' END
    INTO principal_id, name, assurance
    FROM approval.acting_principal(provider, subject) AS a;
END
$$;
COMMENT ON FUNCTION approval.acting_by_session IS
    'Internal: the principal that acts by a session on the web, by which identity, how sure that is, and what the audit keeps of '
    'it. A token of the API does as well where it is for p_scope: read, request or decide; NULL: none does. Raises AP001, AP002, '
    'AP020-AP022.';
