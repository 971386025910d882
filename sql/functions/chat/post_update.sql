CREATE OR REPLACE FUNCTION approval.post_update(
    p_destination text, p_thread text, p_request_id bigint, p_body jsonb, p_now timestamptz,
    p_due_at timestamptz DEFAULT '-infinity') RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Not one that somebody has in hand: they may be about to say that it was delivered as it is.
    UPDATE approval.outbox AS o SET body = p_body
    WHERE o.destination = p_destination AND o.thread = p_thread AND o.topic = 'update' AND o.state = 'waiting'
        AND o.leased_until IS NULL;
    IF NOT FOUND THEN
        PERFORM approval.post_message(p_destination, 'update', p_thread, p_request_id, p_body, p_now, p_due_at);
    END IF;
END
$$;
COMMENT ON FUNCTION approval.post_update IS
    'Internal: tells a destination how the subject of a thread stands now. One that waits there is replaced and keeps its place, '
    'so that only the newest is told.';
