CREATE OR REPLACE FUNCTION approval.claim_messages(p_destination text, p_limit integer, p_lease interval)
    RETURNS TABLE (thread text, seq bigint, request_id bigint, topic text, body jsonb, attempts integer, ts text, channel text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM approval.check_reader(p_destination);
    RETURN QUERY
    SELECT c.thread, c.seq, c.request_id, c.topic, c.body, c.attempts, m.ts, m.channel
    FROM approval.claim_outbox(p_destination, p_lease, p_limit)
        WITH ORDINALITY AS c (thread, seq, request_id, topic, body, attempts, place)
    LEFT JOIN approval.chat_message AS m ON m.destination = p_destination AND m.thread = c.thread
    ORDER BY c.place;
END
$$;
COMMENT ON FUNCTION approval.claim_messages IS
    'Claims as claim_outbox does, for a destination that people read, and gives with each message the id and the channel of the '
    'first message of its thread there (NULL: there is none). The caller ends each with settle_message. Raises AP002. Definer: '
    'tables are private.';
