CREATE OR REPLACE FUNCTION approval.current_type(p_type text) RETURNS approval.request_type
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_type approval.request_type;
BEGIN
    SELECT * INTO found_type FROM approval.request_type WHERE type_name = p_type ORDER BY type_version DESC LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'AP003', MESSAGE = format('there is no request type %s', quote_nullable(p_type)),
            HINT = (SELECT coalesce('Types are: ' || string_agg(DISTINCT type_name, ', ' ORDER BY type_name), 'There are none yet.')
                    FROM approval.request_type);
    END IF;
    RETURN found_type;
END
$$;
COMMENT ON FUNCTION approval.current_type IS 'Internal: the newest version of a request type. Raises AP003.';
