CREATE OR REPLACE FUNCTION approval.check_requester(p_type approval.request_type, p_principal_id bigint, p_name text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT ('*' = ANY (p_type.requesters) OR EXISTS (
            SELECT FROM approval.membership
            WHERE principal_id = p_principal_id AND group_name = ANY (p_type.requesters))) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP002', MESSAGE = format('%s may not make requests of type %s', p_name, p_type.type_name),
            HINT = format('It is open to the groups %s.', array_to_string(p_type.requesters, ', '));
    END IF;
END
$$;
COMMENT ON FUNCTION approval.check_requester IS 'Internal: raises AP002 unless this principal may make requests of this type.';
