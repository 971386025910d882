CREATE OR REPLACE FUNCTION approval.due_looks(p_site text, p_behind text, p_limit integer, p_within interval)
    RETURNS TABLE (ticket_id text, is_in_turn boolean)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment constant timestamptz := clock_timestamp();
BEGIN
    PERFORM approval.check_site(p_site);
    RETURN QUERY
    WITH open AS (
        SELECT DISTINCT t.ticket_id, r.not_before BETWEEN moment AND moment + p_within AS is_soon
        FROM approval.request AS r JOIN approval.ticket_request AS t ON t.request_id = r.request_id
        WHERE r.closed_at IS NULL AND r.state IN ('pending', 'approved') AND t.provider = p_site
    ), in_turn AS (
        SELECT DISTINCT o.ticket_id FROM open AS o WHERE o.ticket_id > p_behind ORDER BY o.ticket_id LIMIT p_limit
    )
    SELECT i.ticket_id, true FROM in_turn AS i
    UNION ALL
    SELECT DISTINCT o.ticket_id, false FROM open AS o
    WHERE o.is_soon AND o.ticket_id NOT IN (SELECT i.ticket_id FROM in_turn AS i)
    ORDER BY 2 DESC, 1;
END
$$;
COMMENT ON FUNCTION approval.due_looks IS
    'Tickets of a site to be looked at again though nothing came in about them: of those with requests that are pending or '
    'approved the next p_limit behind this id, in turn; and those of which something takes effect within this time. Raises AP002. '
    'Definer: tables are private.';
