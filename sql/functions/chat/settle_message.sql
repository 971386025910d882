CREATE OR REPLACE FUNCTION approval.settle_message(
    p_destination text, p_thread text, p_seq bigint, p_outcome text, p_due_at timestamptz, p_error text, p_ts text,
    p_channel text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result text;
BEGIN
    PERFORM approval.check_reader(p_destination);
    result := approval.settle_outbox(p_destination, p_thread, p_seq, p_outcome, p_due_at, p_error);
    IF p_ts IS NOT NULL AND p_outcome = 'delivered' THEN
        INSERT INTO approval.chat_message AS m (destination, thread, ts, channel, posted_at)
        VALUES (p_destination, p_thread, p_ts, p_channel, now())
        ON CONFLICT (destination, thread) DO UPDATE
        SET ts = excluded.ts, channel = excluded.channel, posted_at = excluded.posted_at
        WHERE (m.ts, m.channel) IS DISTINCT FROM (excluded.ts, excluded.channel);
    END IF;
    RETURN result;
EXCEPTION WHEN check_violation THEN
    RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'the id and the channel of a message are texts of 1 to 255 characters';
END
$$;
COMMENT ON FUNCTION approval.settle_message IS
    'Ends a claim of claim_messages as settle_outbox does; with what was delivered, the id and the channel of the first message of '
    'the thread there (NULL: as before). Gives the state after; NULL: the message was not waiting. Raises AP002, AP005. Definer: '
    'tables are private.';
