CREATE OR REPLACE FUNCTION approval.ticket_of(p_site text, p_key text)
    RETURNS TABLE (ticket_id text, key text, url text, generation integer, request_id bigint, state text, digest text,
                   bound_at timestamptz, held text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM approval.check_site(p_site);
    RETURN QUERY
    SELECT k.ticket_id, k.key, k.url, t.generation, r.request_id, r.state, t.digest, t.bound_at,
        (SELECT h.reason FROM approval.ticket_hold AS h WHERE h.request_id = r.request_id)
    FROM (SELECT * FROM approval.ticket AS one WHERE one.provider = p_site AND one.ticket_id = p_key
          UNION
          SELECT * FROM approval.ticket AS one WHERE one.provider = p_site AND one.key = p_key) AS k
    CROSS JOIN LATERAL approval.newest_of_ticket(k.provider, k.ticket_id) AS t
    JOIN approval.request AS r ON r.request_id = t.request_id
    ORDER BY r.request_id DESC LIMIT 1;
END
$$;
COMMENT ON FUNCTION approval.ticket_of IS
    'The ticket of a site with this id or key, and the newest request that it asked for. No row: there is none. Raises AP002. '
    'Definer: tables are private.';
