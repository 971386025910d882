CREATE OR REPLACE FUNCTION approval.tell(p_topic text, p_thread text, p_body jsonb) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF p_topic IS NULL OR p_topic NOT IN ('jobs', 'inventory', 'drift') THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005',
            MESSAGE = format('%s is none of jobs, inventory, drift', coalesce(p_topic, 'NULL'));
    END IF;
    IF p_thread IS NULL OR p_thread !~ '^[a-z]+/.' OR starts_with(p_thread, 'request/') THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005',
            MESSAGE = format('%s is not the thread of a notice', coalesce(quote_literal(p_thread), 'NULL')),
            HINT = 'It is a kind of subject, a slash and which one, as in drift/web1; requests tell of themselves.';
    END IF;
    IF jsonb_typeof(p_body) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'the body of a notice is a JSON object';
    END IF;
    RETURN approval.post_notice(p_topic, p_thread, NULL, p_body, clock_timestamp());
END
$$;
COMMENT ON FUNCTION approval.tell IS
    'Posts what the engine has to tell of a topic (jobs, inventory, drift) to the destinations that have a route for it; gives how '
    'many. Tellers of one thread wait for each other, so a transaction tells of several threads in their order. Raises AP005. '
    'Definer: tables are private.';
