CREATE OR REPLACE FUNCTION approval.begin_session(
    p_provider text, p_subject text, p_token bytea, p_credential text, p_address text, p_authenticated_until timestamptz,
    p_sign_in jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    cleared_at_once constant integer := 100;
    actor record;
BEGIN
    IF p_provider = 'pg' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP002', MESSAGE = 'nobody signs in on the web as pg: a login acts there by itself';
    END IF;
    -- A short token could be guessed; a long one is not guessed anyway.
    IF p_token IS NULL OR length(p_token) NOT BETWEEN 32 AND 64 THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'the token of a session has 32 to 64 bytes';
    END IF;
    actor := approval.acting_principal(p_provider, p_subject);
    -- Whoever disables them meanwhile waits for this session, and ends it.
    PERFORM FROM approval.principal AS p WHERE p.principal_id = actor.principal_id AND p.disabled_at IS NULL FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'AP001', MESSAGE = format('%s was disabled', actor.name);
    END IF;
    DELETE FROM approval.web_session
    WHERE session_no IN (SELECT s.session_no FROM approval.web_session AS s WHERE s.ends_at <= moment
                         LIMIT cleared_at_once FOR UPDATE SKIP LOCKED);
    DELETE FROM approval.sign_in_attempt WHERE attempt_key = approval.attempt_key(p_provider, p_subject, p_address);
    INSERT INTO approval.web_session (token_hash, provider, subject, credential, address, began_at, seen_at, ends_at,
                                      authenticated_until, sign_in)
    VALUES (sha256(p_token), p_provider, p_subject, coalesce(p_credential, ''), p_address, moment, moment,
            approval.session_end(moment, moment), coalesce(p_authenticated_until, moment), coalesce(p_sign_in, '{}'));
EXCEPTION WHEN foreign_key_violation THEN
    RAISE EXCEPTION USING ERRCODE = 'AP001', MESSAGE = format('nobody is known any more as %s:%s', p_provider, p_subject);
WHEN check_violation OR unique_violation THEN
    RAISE EXCEPTION USING ERRCODE = 'AP005',
        MESSAGE = 'a session has a token of its own, a credential and an address of 255 characters at the most, and what is said '
            'of the sign-in as an object of 2000';
END
$$;
COMMENT ON FUNCTION approval.begin_session IS
    'Begins a session on the web for a person who proved to the web service who they are. p_token: made by chance, for this '
    'session alone; p_credential: a mark of what they proved it with; p_authenticated_until: until then they are authenticated, '
    'NULL: not at all; p_sign_in: what the provider said of it, for the audit. Raises AP001, AP002, AP005, AP020. Definer: '
    'tables are private.';
