CREATE OR REPLACE FUNCTION approval.check_stage(p_request approval.request, p_stage integer) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    number constant bigint := p_request.request_id;
    present integer;
BEGIN
    IF p_stage IS NULL OR p_request.state <> 'pending' THEN
        RETURN;
    END IF;
    SELECT s.stage_no INTO STRICT present FROM approval.current_stage(number) AS s;
    IF present <> p_stage THEN
        RAISE EXCEPTION USING ERRCODE = 'AP011',
            MESSAGE = format('request %s is at stage %s, and this decision is for stage %s', number, present, p_stage),
            HINT = 'Look at it again before you decide.';
    END IF;
END
$$;
COMMENT ON FUNCTION approval.check_stage IS
    'Internal: raises unless a pending request is at the stage of this number (NULL: any). The caller holds the request''s lock. '
    'Raises AP011.';
