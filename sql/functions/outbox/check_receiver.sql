CREATE OR REPLACE FUNCTION approval.check_receiver(p_destination text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT pg_has_role(session_user, 'approval_engine', 'MEMBER')
        AND NOT (pg_has_role(session_user, 'approval_chat', 'MEMBER') AND starts_with(p_destination, 'chat-') IS TRUE) THEN
        PERFORM approval.check_site(p_destination);
    END IF;
END
$$;
COMMENT ON FUNCTION approval.check_receiver IS
    'Internal: raises unless the session''s login may take the messages for a destination: the engine those for all, the part that '
    'chats those for destinations whose names begin with chat-, another one those for the sites that it speaks for. Raises AP002.';
