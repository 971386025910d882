CREATE OR REPLACE FUNCTION approval.alarm_key(p_text text) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE WHEN octet_length(p_text) <= 255 THEN p_text ELSE 'sha256:' || encode(sha256(convert_to(p_text, 'UTF8')), 'hex') END
$$;
COMMENT ON FUNCTION approval.alarm_key IS 'Internal: a text as short as an index takes it: itself, or of a long one its digest.';
