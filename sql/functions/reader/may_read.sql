CREATE OR REPLACE FUNCTION approval.may_read(p_reader bigint, p_what text, p_request_id bigint) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT p_reader IS NULL OR EXISTS (
    SELECT FROM approval.request AS r
    WHERE r.request_id = p_request_id AND approval.reads_request(
        r, p_reader, approval.readable_groups(p_reader, p_what), approval.voting_groups(p_reader)))
$$;
COMMENT ON FUNCTION approval.may_read IS
    'Internal: whether a principal (see reading_as) may read requests, or values, of one request; false where there is none.';
