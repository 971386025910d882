CREATE OR REPLACE FUNCTION approval.claim_deliveries(p_site text, p_limit integer, p_lease interval)
    RETURNS TABLE (key text, ticket text, content jsonb, attempts integer, received_at timestamptz)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM approval.check_site(p_site);
    RETURN QUERY
    WITH next AS (
        SELECT d.key FROM approval.ticket_delivery AS d
        WHERE d.provider = p_site AND d.state = 'waiting' AND d.due_at <= clock_timestamp()
            AND (d.leased_until IS NULL OR d.leased_until <= clock_timestamp())
            AND NOT EXISTS (SELECT FROM approval.ticket_delivery AS earlier
                            WHERE earlier.provider = d.provider AND earlier.ticket = d.ticket AND earlier.state = 'waiting'
                                AND earlier.delivery_no < d.delivery_no)
        ORDER BY d.due_at, d.delivery_no
        LIMIT p_limit
        FOR UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE approval.ticket_delivery AS d SET leased_until = clock_timestamp() + p_lease
        FROM next WHERE d.provider = p_site AND d.key = next.key
        RETURNING d.*
    )
    SELECT c.key, c.ticket, c.content, c.attempts, c.received_at FROM claimed AS c ORDER BY c.due_at, c.delivery_no;
END
$$;
COMMENT ON FUNCTION approval.claim_deliveries IS
    'Takes the next deliveries of a site for so long, at most so many: of each ticket the first that is not settled. The caller '
    'ends each with settle_delivery; one that it does not end comes again. Raises AP002. Definer: tables are private.';
