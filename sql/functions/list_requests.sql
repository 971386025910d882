CREATE OR REPLACE FUNCTION approval.list_requests(p_state text, p_minion_id text, p_limit integer)
    RETURNS TABLE (request_id bigint, type text, state text, requester text, submitted_at timestamptz, minions bigint, items bigint,
                   waiting_for text, reason text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF p_state IS NOT NULL AND NOT EXISTS (SELECT FROM approval.request_state AS known WHERE known.state = p_state) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('%L is not a state of a request', p_state),
            HINT = (SELECT 'States are: ' || string_agg(known.state, ', ' ORDER BY known.state) FROM approval.request_state AS known);
    END IF;
    RETURN QUERY
    SELECT r.request_id, r.type_name, r.state, p.name, r.submitted_at,
        (SELECT count(DISTINCT i.minion_id) FROM approval.item AS i
         WHERE i.request_id = r.request_id AND i.item_set_version = r.item_set_version),
        s.item_count, approval.waiting_for(r.request_id), r.reason
    FROM approval.request AS r
    JOIN approval.principal AS p ON p.principal_id = r.requester_id
    JOIN approval.item_set AS s ON s.request_id = r.request_id AND s.item_set_version = r.item_set_version
    WHERE (p_state IS NULL OR r.state = p_state)
        AND (p_minion_id IS NULL OR EXISTS (
            SELECT FROM approval.item AS i
            WHERE i.request_id = r.request_id AND i.item_set_version = r.item_set_version AND i.minion_id = p_minion_id))
    ORDER BY r.request_id DESC
    LIMIT p_limit;
END
$$;
COMMENT ON FUNCTION approval.list_requests(text, text, integer) IS
    'Requests, newest first: all, or those in a state, or those that name a minion (by equality). Raises AP005 on an unknown state. '
    'Definer: tables are private.';
