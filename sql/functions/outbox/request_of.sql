CREATE OR REPLACE FUNCTION approval.request_of(p_thread text) RETURNS bigint
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT substring(p_thread FROM '^request/([0-9]{1,18})$')::bigint
$$;
COMMENT ON FUNCTION approval.request_of IS 'Internal: the request that a thread of the outbox is about; NULL: none.';
