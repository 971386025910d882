CREATE OR REPLACE FUNCTION approval.check_api_token(p_held approval.api_token, p_scope text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF p_scope IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP022', MESSAGE = 'no token of the API serves for this, but a session on the web';
    ELSIF p_scope <> ALL (p_held.scopes) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP022',
            MESSAGE = format('this token is for %s, and not for %s', array_to_string(p_held.scopes, ', '), p_scope),
            HINT = 'Make another one, on the page of sessions.';
    END IF;
END
$$;
COMMENT ON FUNCTION approval.check_api_token IS
    'Internal: raises AP022 unless a token of the API has this scope (NULL: what no token is for).';
