CREATE OR REPLACE FUNCTION approval.hmac(p_key bytea, p_message bytea) RETURNS bytea
    LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    block constant integer := 64;
    inner_pad bytea;
    outer_pad bytea;
BEGIN
    inner_pad := CASE WHEN octet_length(p_key) > block THEN sha256(p_key) ELSE p_key END;
    inner_pad := inner_pad || decode(repeat('00', block - octet_length(inner_pad)), 'hex');
    outer_pad := inner_pad;
    FOR place IN 0 .. block - 1 LOOP
        inner_pad := set_byte(inner_pad, place, get_byte(inner_pad, place) # 54);
        outer_pad := set_byte(outer_pad, place, get_byte(outer_pad, place) # 92);
    END LOOP;
    RETURN sha256(outer_pad || sha256(inner_pad || p_message));
END
$$;
COMMENT ON FUNCTION approval.hmac IS 'Internal: HMAC-SHA256, as in RFC 2104.';
