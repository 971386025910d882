CREATE OR REPLACE FUNCTION approval.shortened(p_text text, p_bytes integer) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE WHEN octet_length(p_text) <= p_bytes THEN p_text
    ELSE left(p_text, (SELECT max(n) FROM generate_series(0, p_bytes) AS n
                       WHERE octet_length(left(p_text, n)) + octet_length('…') <= p_bytes)) || '…' END
$$;
COMMENT ON FUNCTION approval.shortened IS 'Internal: a text in so many bytes at the most; one that was cut ends in an ellipsis.';
