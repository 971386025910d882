CREATE OR REPLACE FUNCTION approval.change_number(p_stream bigint) RETURNS bigint
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT coalesce(sum(c.changes), 0)::bigint FROM approval.change AS c WHERE c.stream = p_stream
$$;
COMMENT ON FUNCTION approval.change_number IS
    'Internal: a number that grows whenever something is committed that changes what pages show of a request (0: of what waits '
    'for people). Time alone does not make it grow.';
