CREATE OR REPLACE FUNCTION approval.claim_outbox(p_destination text, p_lease interval, p_request_id bigint DEFAULT NULL)
    RETURNS TABLE (request_id bigint, seq bigint, topic text, body jsonb, attempts integer)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    WITH next AS (
        SELECT o.request_id, o.seq FROM approval.outbox AS o
        WHERE o.destination = p_destination AND o.state = 'waiting' AND o.due_at <= clock_timestamp()
            AND (o.leased_until IS NULL OR o.leased_until <= clock_timestamp())
            AND (p_request_id IS NULL OR o.request_id = p_request_id)
            -- In order for each request: a dead letter halts what comes after it.
            AND NOT EXISTS (SELECT FROM approval.outbox AS earlier
                            WHERE earlier.destination = o.destination AND earlier.request_id = o.request_id AND earlier.seq < o.seq
                                AND earlier.state <> 'delivered')
        ORDER BY o.due_at, o.request_id
        LIMIT 1
        FOR UPDATE SKIP LOCKED
    )
    UPDATE approval.outbox AS o SET leased_until = clock_timestamp() + p_lease
    FROM next WHERE o.destination = p_destination AND o.request_id = next.request_id AND o.seq = next.seq
    RETURNING o.request_id, o.seq, o.topic, o.body, o.attempts;
END
$$;
COMMENT ON FUNCTION approval.claim_outbox IS
    'Takes the next message for a destination (of this request, or NULL: of any), which is due and the lowest undelivered one of its '
    'request, for so long. No row: there is none. The caller ends with settle_outbox. Definer: tables are private.';
