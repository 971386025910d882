CREATE OR REPLACE FUNCTION approval.lock_request(p_request_id bigint, p_actor bigint DEFAULT NULL)
    RETURNS approval.request
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target approval.request;
BEGIN
    PERFORM approval.check_reader_of(p_actor, p_request_id);
    SELECT * INTO target FROM approval.request WHERE request_id = p_request_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'AP014', MESSAGE = format('there is no request %s', coalesce(p_request_id::text, 'NULL'));
    END IF;
    RETURN target;
END
$$;
COMMENT ON FUNCTION approval.lock_request IS
    'Internal: a request as it is once all who changed it before have ended; nobody else changes it until the transaction ends. '
    'The time of an act is taken after this. p_actor: for whom there is none that they may not read (NULL: not looked at). Raises '
    'AP014.';
