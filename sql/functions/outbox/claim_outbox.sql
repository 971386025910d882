CREATE OR REPLACE FUNCTION approval.claim_outbox(
    p_destination text, p_lease interval, p_limit integer DEFAULT 1, p_thread text DEFAULT NULL)
    RETURNS TABLE (thread text, seq bigint, request_id bigint, topic text, body jsonb, attempts integer)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM approval.check_receiver(p_destination);
    RETURN QUERY
    WITH next AS (
        SELECT o.thread, o.seq FROM approval.outbox AS o
        WHERE o.destination = p_destination AND o.state = 'waiting' AND o.due_at <= clock_timestamp()
            AND (o.leased_until IS NULL OR o.leased_until <= clock_timestamp())
            AND (p_thread IS NULL OR o.thread = p_thread)
            -- In order for each thread: a dead letter halts what comes after it.
            AND NOT EXISTS (SELECT FROM approval.outbox AS earlier
                            WHERE earlier.destination = o.destination AND earlier.thread = o.thread AND earlier.seq < o.seq
                                AND earlier.state <> 'delivered')
        ORDER BY o.due_at, o.created_at, o.thread
        LIMIT p_limit
        FOR UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE approval.outbox AS o SET leased_until = clock_timestamp() + p_lease
        FROM next WHERE o.destination = p_destination AND o.thread = next.thread AND o.seq = next.seq
        RETURNING o.*
    )
    SELECT c.thread, c.seq, c.request_id, c.topic, c.body, c.attempts FROM claimed AS c ORDER BY c.due_at, c.created_at, c.thread;
END
$$;
COMMENT ON FUNCTION approval.claim_outbox IS
    'Takes the next messages for a destination (of this thread, or NULL: of any), at most so many and one of each thread: those '
    'that are due and the lowest undelivered of their thread, for so long. No row: there is none. The caller ends each with '
    'settle_outbox. Raises AP002. Definer: tables are private.';
