CREATE OR REPLACE FUNCTION approval.check_reader(p_destination text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF starts_with(p_destination, 'chat-') IS NOT TRUE THEN
        RAISE EXCEPTION USING ERRCODE = 'AP002',
            MESSAGE = format('%s is no channel that people read', coalesce(p_destination, 'NULL')),
            HINT = 'The names of those begin with chat-, as in chat-ops.';
    END IF;
    PERFORM approval.check_receiver(p_destination);
END
$$;
COMMENT ON FUNCTION approval.check_reader IS
    'Internal: raises unless the destination is one that people read, whose name begins with chat-, and the session''s login may '
    'take its messages. Raises AP002.';
