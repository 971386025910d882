CREATE OR REPLACE FUNCTION approval.check_reader_of(p_reader bigint, p_request_id bigint) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT approval.may_read(p_reader, 'requests', p_request_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP014', MESSAGE = format('there is no request %s', coalesce(p_request_id::text, 'NULL'));
    END IF;
END
$$;
COMMENT ON FUNCTION approval.check_reader_of IS
    'Internal: raises AP014, as if there were no such request, unless a principal may read it, see may_read.';
