CREATE OR REPLACE FUNCTION approval.session_of(p_token bytea) RETURNS approval.web_session
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_session approval.web_session;
BEGIN
    SELECT * INTO found_session FROM approval.web_session AS s
    WHERE s.token_hash = sha256(p_token) AND s.ends_at > clock_timestamp();
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'AP021', MESSAGE = 'there is no such session, or it has ended',
            HINT = 'Sign in again.';
    END IF;
    RETURN found_session;
END
$$;
COMMENT ON FUNCTION approval.session_of IS 'Internal: the session that has this token, if it has not ended. Raises AP021.';
