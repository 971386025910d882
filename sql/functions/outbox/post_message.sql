CREATE OR REPLACE FUNCTION approval.post_message(
    p_destination text, p_topic text, p_thread text, p_request_id bigint, p_body jsonb, p_now timestamptz,
    p_due_at timestamptz DEFAULT '-infinity') RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Two messages of one thread are numbered one after the other, and the first of them is there when the second is.
    PERFORM pg_advisory_xact_lock(hashtextextended('approval.outbox/' || p_thread, 0));
    INSERT INTO approval.outbox (destination, thread, request_id, seq, topic, body, created_at, due_at)
    SELECT p_destination, p_thread, p_request_id, coalesce(max(o.seq), 0) + 1, p_topic, p_body, p_now, p_due_at
    FROM approval.outbox AS o WHERE o.destination = p_destination AND o.thread = p_thread;
    NOTIFY approval_outbox;
END
$$;
COMMENT ON FUNCTION approval.post_message IS
    'Internal: puts a message behind the others of its thread for one destination, to be delivered from p_due_at on.';
