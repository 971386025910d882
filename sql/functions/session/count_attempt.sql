CREATE OR REPLACE FUNCTION approval.count_attempt(p_provider text, p_subject text, p_address text) RETURNS timestamptz
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- Nobody is locked out by others for long: somebody else's failures count against a name from everywhere only many times.
    most constant integer[] := ARRAY[5, 30, 50];
    span constant interval := interval '15 minutes';
    cleared_at_once constant integer := 100;
    moment timestamptz := clock_timestamp();
    again_at timestamptz;
BEGIN
    IF approval.speaks_as(p_provider) IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP002',
            MESSAGE = format('the login %s does not speak for %s', session_user, coalesce(p_provider, 'NULL')),
            HINT = 'Which providers a login speaks for stands in the policy, under speakers.';
    END IF;
    DELETE FROM approval.sign_in_attempt
    WHERE attempt_key IN (SELECT a.attempt_key FROM approval.sign_in_attempt AS a WHERE a.since <= moment - span
                          LIMIT cleared_at_once FOR UPDATE SKIP LOCKED);
    WITH counted AS (
        -- In one order, so that two who try at once never wait for each other in a circle.
        INSERT INTO approval.sign_in_attempt AS a (attempt_key, attempts, since)
        SELECT k.key, 1, moment
        FROM unnest(ARRAY[approval.attempt_key(p_provider, p_subject, p_address), approval.attempt_key(p_provider, NULL, p_address),
                          approval.attempt_key(p_provider, p_subject, NULL)]) AS k (key)
        ORDER BY k.key
        ON CONFLICT (attempt_key) DO UPDATE
        SET attempts = CASE WHEN a.since <= moment - span THEN 1 ELSE a.attempts + 1 END,
            since = CASE WHEN a.since <= moment - span THEN moment ELSE a.since END
        RETURNING a.attempt_key, a.attempts, a.since
    )
    SELECT max(c.since + span) INTO again_at
    FROM counted AS c
    JOIN unnest(ARRAY[approval.attempt_key(p_provider, p_subject, p_address), approval.attempt_key(p_provider, NULL, p_address),
                      approval.attempt_key(p_provider, p_subject, NULL)], most) AS k (key, most) ON k.key = c.attempt_key
    WHERE c.attempts > k.most;
    RETURN again_at;
END
$$;
COMMENT ON FUNCTION approval.count_attempt IS
    'Counts an attempt to sign in with a password, before it is looked at; NULL: it may be, else from when on it may be tried '
    'again. In a quarter of an hour there are 5 attempts for one name from one address, 30 from one address, 50 for one name. '
    'Success begins the first count anew (approval.begin_session). Raises AP002. Definer: tables are private.';
