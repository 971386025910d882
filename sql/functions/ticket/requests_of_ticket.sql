CREATE OR REPLACE FUNCTION approval.requests_of_ticket(p_site text, p_ticket_id text)
    RETURNS TABLE (request_id bigint, generation integer, is_revert boolean, state text, digest text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM approval.check_site(p_site);
    RETURN QUERY
    SELECT r.request_id, t.generation, t.revert_no > 0, r.state, t.digest
    FROM approval.ticket_request AS t JOIN approval.request AS r ON r.request_id = t.request_id
    WHERE t.provider = p_site AND t.ticket_id = p_ticket_id AND r.closed_at IS NULL
    ORDER BY r.request_id;
END
$$;
COMMENT ON FUNCTION approval.requests_of_ticket IS
    'The open requests of one ticket of a site, with the digest of the ticket that each is bound to. Raises AP002. Definer: tables '
    'are private.';
