CREATE OR REPLACE FUNCTION approval.shortened(p_text text, p_bytes integer) RETURNS text
    -- Not in SQL, in which a function with a query of its own is planned again in each statement that calls it.
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF octet_length(p_text) <= p_bytes THEN
        RETURN p_text;
    END IF;
    RETURN left(p_text, (SELECT max(n) FROM generate_series(0, p_bytes) AS n
                         WHERE octet_length(left(p_text, n)) + octet_length('…') <= p_bytes)) || '…';
END
$$;
COMMENT ON FUNCTION approval.shortened IS 'Internal: a text in so many bytes at the most; one that was cut ends in an ellipsis.';
