CREATE OR REPLACE FUNCTION approval.tickets(p_site text, p_states text[] DEFAULT NULL)
    RETURNS TABLE (ticket_id text, key text, url text, generation integer, is_revert boolean, request_id bigint, state text,
                   digest text, bound_at timestamptz, held text, submitted_at timestamptz)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM approval.check_site(p_site);
    RETURN QUERY
    SELECT t.ticket_id, k.key, k.url, t.generation, t.revert_no > 0, r.request_id, r.state, t.digest, t.bound_at,
        (SELECT h.reason FROM approval.ticket_hold AS h WHERE h.request_id = r.request_id), r.submitted_at
    FROM approval.request AS r
    -- Open requests are few: each by its key, whatever the statistics say.
    CROSS JOIN LATERAL (SELECT * FROM approval.ticket_request AS one WHERE one.request_id = r.request_id OFFSET 0) AS t
    CROSS JOIN LATERAL (SELECT * FROM approval.ticket AS one
                        WHERE one.provider = t.provider AND one.ticket_id = t.ticket_id OFFSET 0) AS k
    WHERE t.provider = p_site AND r.closed_at IS NULL AND (p_states IS NULL OR r.state = ANY (p_states))
    ORDER BY r.request_id;
END
$$;
COMMENT ON FUNCTION approval.tickets IS
    'The open requests of the tickets of a site, of these states (pending, approved, partial, failed; NULL: all): with the '
    'digest of the ticket that each is bound to, since when the ticket tells so, and why it is held (NULL: it is not). Raises '
    'AP002. Definer: tables are private.';
