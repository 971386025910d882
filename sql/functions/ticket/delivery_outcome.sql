CREATE OR REPLACE FUNCTION approval.delivery_outcome(p_site text, p_key text)
    RETURNS TABLE (state text, note text, request_id bigint, request_state text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM approval.check_site(p_site);
    RETURN QUERY
    SELECT d.state, d.note, newest.request_id, newest.state
    FROM approval.ticket_delivery AS d
    LEFT JOIN LATERAL (
        SELECT r.request_id, r.state
        FROM approval.ticket AS t
        JOIN approval.ticket_request AS q USING (provider, ticket_id)
        JOIN approval.request AS r ON r.request_id = q.request_id
        WHERE t.provider = p_site AND d.ticket IN (t.ticket_id, t.key)
        ORDER BY r.request_id DESC LIMIT 1) AS newest ON true
    WHERE d.provider = p_site AND d.key = p_key;
END
$$;
COMMENT ON FUNCTION approval.delivery_outcome IS
    'Gives how far a delivery of a site is (waiting, done, dead), what came of it in words, and the newest request of its ticket; '
    'no row: there is no such delivery. Raises AP002. Definer: tables are private.';
