CREATE OR REPLACE FUNCTION approval.make_api_token(p_token bytea, p_new bytea, p_title text, p_scopes text[], p_days integer)
    RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    most constant integer := 20;
    cleared_at_once constant integer := 100;
    moment timestamptz := clock_timestamp();
    actor record;
    own approval.web_session;
    made approval.api_token;
BEGIN
    actor := approval.acting_by_session(p_token);
    own := approval.session_of(p_token);
    IF actor.assurance = 'asserted' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP009',
            MESSAGE = 'making a token asks for an identity that is authenticated; this one is only asserted',
            HINT = 'Sign in again.';
    END IF;
    IF p_new IS NULL OR encode(p_new, 'escape') !~ '^sap_[0-9A-Za-z]{49}$' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'a token is sap_ and 49 letters and digits';
    ELSIF p_days IS NULL OR p_days NOT BETWEEN 1 AND 90 THEN
        RAISE EXCEPTION USING ERRCODE = 'AP016', MESSAGE = 'a token lasts from 1 to 90 days';
    END IF;
    -- A transaction that disables them meanwhile waits for this token, and ends it; two that are made at once are both counted.
    PERFORM FROM approval.principal AS p
    WHERE p.principal_id = actor.principal_id AND p.disabled_at IS NULL FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'AP001', MESSAGE = format('%s was disabled', actor.name);
    END IF;
    DELETE FROM approval.api_token
    WHERE token_no IN (SELECT t.token_no FROM approval.api_token AS t WHERE t.ends_at <= moment
                       LIMIT cleared_at_once FOR UPDATE SKIP LOCKED);
    IF (SELECT count(*) FROM approval.api_token AS t JOIN approval.identity AS i USING (provider, subject)
        WHERE i.principal_id = actor.principal_id AND t.ends_at > moment) >= most THEN
        RAISE EXCEPTION USING ERRCODE = 'AP006', MESSAGE = format('%s has %s tokens, which is the most', actor.name, most),
            HINT = 'End those that are not used.';
    END IF;
    INSERT INTO approval.api_token (token_hash, provider, subject, credential, title, scopes, made_at, ends_at)
    VALUES (sha256(p_new), actor.provider, actor.subject, own.credential, btrim(p_title),
            ARRAY(SELECT DISTINCT s FROM unnest(p_scopes) AS s ORDER BY s), moment, moment + make_interval(days => p_days))
    RETURNING * INTO made;
    PERFORM approval.audit_append(
        0, moment, 'token-made', actor.name, actor.provider || ':' || actor.subject, actor.assurance,
        jsonb_build_object('token', made.token_no, 'title', made.title, 'scopes', made.scopes, 'until', made.ends_at,
                           'proof', actor.proof));
    RETURN made.token_no;
EXCEPTION WHEN foreign_key_violation THEN
    RAISE EXCEPTION USING ERRCODE = 'AP001',
        MESSAGE = format('nobody is known any more as %s:%s', actor.provider, actor.subject);
WHEN check_violation OR not_null_violation OR unique_violation THEN
    RAISE EXCEPTION USING ERRCODE = 'AP005',
        MESSAGE = 'a token is a new one, has a name of 100 characters at the most, and is for some of read, request, decide';
END
$$;
COMMENT ON FUNCTION approval.make_api_token IS
    'Makes a token of the API for the person with a session that is authenticated; gives its number. p_new: made by chance, for '
    'this alone; p_title: what they call it; p_scopes: some of read, request, decide; p_days: so long it lasts. A person has '
    'twenty at the most. Raises AP001, AP002, AP005, AP006, AP009, AP016, AP020-AP022. Definer: tables are private.';
