CREATE OR REPLACE FUNCTION approval.begin_api_call(p_token bytea, p_scope text, p_key text, p_content_hash bytea) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    span constant interval := interval '24 hours';
    cleared_at_once constant integer := 100;
    moment timestamptz := clock_timestamp();
    actor record;
    held approval.api_token;
    before approval.api_call;
BEGIN
    actor := approval.acting_by_session(p_token, p_scope);
    held := approval.api_token_of(p_token);
    IF held.token_no IS NULL OR coalesce(p_key, '') = '' OR length(p_key) > 255 THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005',
            MESSAGE = format('a call of %s by a token has a key of 1 to 255 characters', actor.name);
    END IF;
    IF NOT pg_try_advisory_xact_lock(hashtextextended('api_call/' || held.token_no || '/' || p_key, 0)) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP024', MESSAGE = 'the call with this key is still under way',
            HINT = 'Send it again in a moment.';
    END IF;
    DELETE FROM approval.api_call AS c
    WHERE (c.token_no, c.key_hash) IN (
        SELECT o.token_no, o.key_hash FROM approval.api_call AS o WHERE o.answered_at <= moment - span
        LIMIT cleared_at_once FOR UPDATE SKIP LOCKED);
    SELECT * INTO before FROM approval.api_call AS c
    WHERE c.token_no = held.token_no AND c.key_hash = sha256(convert_to(p_key, 'UTF8')) AND c.answered_at > moment - span;
    IF before.content_hash <> p_content_hash THEN
        RAISE EXCEPTION USING ERRCODE = 'AP023', MESSAGE = 'this key was used for another call',
            HINT = 'Each call has a key of its own; the same key is for the same call, sent again.';
    END IF;
    RETURN before.answer;
END
$$;
COMMENT ON FUNCTION approval.begin_api_call IS
    'Begins a call of the API that may be sent again, by a token with this scope: gives what was answered to the same call in the '
    'last 24 hours; NULL: it is to be done, in this transaction, and approval.end_api_call keeps the answer. Raises AP001, AP002, '
    'AP005, AP020-AP024. Definer: tables are private.';
