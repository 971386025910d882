CREATE OR REPLACE FUNCTION approval.due_outbox(p_destination text, p_passed text[], p_limit integer)
    RETURNS TABLE (thread text, request_id bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM approval.check_receiver(p_destination);
    RETURN QUERY
    SELECT o.thread, min(o.request_id) FROM approval.outbox AS o
    WHERE o.destination = p_destination AND o.state = 'waiting' AND o.due_at <= clock_timestamp()
        AND (o.leased_until IS NULL OR o.leased_until <= clock_timestamp())
        AND NOT EXISTS (SELECT FROM unnest(p_passed) AS passed WHERE passed = o.thread)
        AND NOT EXISTS (SELECT FROM approval.outbox AS earlier
                        WHERE earlier.destination = o.destination AND earlier.thread = o.thread AND earlier.seq < o.seq
                            AND earlier.state <> 'delivered')
    GROUP BY o.thread
    ORDER BY min(o.due_at), min(o.request_id), o.thread
    LIMIT p_limit;
END
$$;
COMMENT ON FUNCTION approval.due_outbox IS
    'Threads with a message for a destination that may be due, at most so many, the one that is due the longest first; without '
    'those that a dead message halts, and without those that the caller has passed over. Nothing is claimed by it. Raises '
    'AP002. Definer: tables are private.';
