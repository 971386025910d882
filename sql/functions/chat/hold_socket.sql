CREATE OR REPLACE FUNCTION approval.hold_socket(p_app text, p_holder text, p_lease interval) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz := clock_timestamp();
BEGIN
    IF p_lease IS NULL OR p_lease NOT BETWEEN interval '0' AND interval '10 minutes' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'a connection is held for ten minutes at most';
    END IF;
    INSERT INTO approval.chat_socket AS s (app, holder, leased_until) VALUES (p_app, p_holder, moment + p_lease)
    ON CONFLICT (app) DO UPDATE SET holder = excluded.holder, leased_until = excluded.leased_until
    WHERE s.holder = excluded.holder OR s.leased_until <= moment;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION approval.hold_socket IS
    'Whether this process, under a name that it alone has, may hear what people do in the chats of an app for so long; called '
    'again before that is over, with 0 to leave it to another. Raises AP005. Definer: tables are private.';
