CREATE OR REPLACE FUNCTION approval.principal_named(p_name text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    SELECT p.principal_id INTO found_id FROM approval.principal AS p WHERE p.name = p_name;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'AP001', MESSAGE = format('there is no principal %s', quote_nullable(p_name));
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION approval.principal_named IS 'Internal: the principal of this name, also one that was disabled. Raises AP001.';
