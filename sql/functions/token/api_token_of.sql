CREATE OR REPLACE FUNCTION approval.api_token_of(p_token bytea) RETURNS approval.api_token
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT * FROM approval.api_token AS t WHERE t.token_hash = sha256(p_token) AND t.ends_at > clock_timestamp()
$$;
COMMENT ON FUNCTION approval.api_token_of IS 'Internal: the token of the API that this is, if it has not ended; else NULL.';
