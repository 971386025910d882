CREATE OR REPLACE FUNCTION approval.end_api_call(p_token bytea, p_scope text, p_key text, p_content_hash bytea, p_answer jsonb)
    RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM approval.acting_by_session(p_token, p_scope);
    INSERT INTO approval.api_call AS c (token_no, key_hash, content_hash, answer, answered_at)
    SELECT held.token_no, sha256(convert_to(p_key, 'UTF8')), p_content_hash, p_answer, clock_timestamp()
    FROM approval.api_token_of(p_token) AS held
    -- One of more than a day ago, which nobody has cleared yet.
    ON CONFLICT (token_no, key_hash) DO UPDATE
    SET content_hash = excluded.content_hash, answer = excluded.answer, answered_at = excluded.answered_at;
END
$$;
COMMENT ON FUNCTION approval.end_api_call IS
    'Keeps for 24 hours what was answered to a call that approval.begin_api_call began in this transaction. Raises AP001, AP002, '
    'AP020-AP022. Definer: tables are private.';
