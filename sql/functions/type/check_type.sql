CREATE OR REPLACE FUNCTION approval.check_type(p_definition jsonb) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- It is put, and taken back: what a type may be is said in one place.
    PERFORM approval.put_request_type(p_definition);
    RAISE EXCEPTION USING ERRCODE = 'raise_exception', MESSAGE = 'it is possible';
EXCEPTION WHEN raise_exception THEN
    NULL;
WHEN data_exception THEN
    RAISE EXCEPTION USING ERRCODE = 'AP017', MESSAGE = format('request type %s: %s', p_definition ->> 'name', SQLERRM);
END
$$;
COMMENT ON FUNCTION approval.check_type IS
    'Internal: raises AP017 unless approval.put_request_type would take this definition; nothing is changed.';
