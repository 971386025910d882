CREATE OR REPLACE FUNCTION approval.field(p_content text) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT CASE WHEN p_content IS NULL THEN '\xffffffff'::bytea
            ELSE pg_catalog.int4send(pg_catalog.octet_length(p_content))
                OPERATOR(pg_catalog.||) pg_catalog.convert_to(p_content, 'UTF8')
       END
$$;
COMMENT ON FUNCTION approval.field IS
    'One field of a digest: 4-byte big-endian length and UTF-8 bytes; NULL is 0xFFFFFFFF. Joined fields cannot be read in two '
    'ways.';
