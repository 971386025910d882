CREATE OR REPLACE FUNCTION approval.list_deliveries(p_site text, p_state text, p_limit integer)
    RETURNS TABLE (key text, ticket text, state text, attempts integer, received_at timestamptz, due_at timestamptz,
                   settled_at timestamptz, note text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM approval.check_site(p_site);
    IF p_state NOT IN ('waiting', 'done', 'dead') THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('%s is none of waiting, done, dead', p_state);
    END IF;
    RETURN QUERY
    SELECT d.key, d.ticket, d.state, d.attempts, d.received_at, d.due_at, d.settled_at, d.note
    FROM approval.ticket_delivery AS d
    WHERE d.provider = p_site AND CASE WHEN p_state IS NULL THEN d.state <> 'done' ELSE d.state = p_state END
    ORDER BY d.delivery_no DESC LIMIT p_limit;
END
$$;
COMMENT ON FUNCTION approval.list_deliveries IS
    'Deliveries of a site, the newest first: of one state, or (NULL) those that are not done; note says what came of each. Raises '
    'AP002, AP005. Definer: tables are private.';
