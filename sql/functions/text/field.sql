-- Without a search_path of its own, and of immutable functions alone, so that the planner inlines it: convert_to is none of these.
CREATE OR REPLACE FUNCTION approval.field(p_content text) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT CASE WHEN p_content IS NULL THEN E'\\xffffffff'::pg_catalog.bytea
            ELSE pg_catalog.int4send(pg_catalog.octet_length(p_content))
                OPERATOR(pg_catalog.||) pg_catalog.replace(p_content, E'\\', E'\\\\')::pg_catalog.bytea
       END
$$;
COMMENT ON FUNCTION approval.field IS
    'One field of a digest: 4-byte big-endian length and the bytes of the text, of which each backslash is doubled for the cast; '
    'NULL is 0xFFFFFFFF. Joined fields cannot be read in two ways. The database''s encoding is UTF-8.';
