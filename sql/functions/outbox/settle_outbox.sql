CREATE OR REPLACE FUNCTION approval.settle_outbox(
    p_destination text, p_thread text, p_seq bigint, p_outcome text, p_due_at timestamptz, p_error text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    most_attempts constant integer := 12;
    result text;
BEGIN
    PERFORM approval.check_receiver(p_destination);
    IF p_outcome NOT IN ('delivered', 'later', 'failed') THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('%s is none of delivered, later, failed', p_outcome);
    END IF;
    UPDATE approval.outbox AS o
    SET leased_until = NULL,
        state = CASE WHEN p_outcome = 'delivered' THEN 'delivered'
                     WHEN p_outcome = 'failed' AND o.attempts + 1 >= most_attempts THEN 'dead'
                     ELSE 'waiting' END,
        delivered_at = CASE WHEN p_outcome = 'delivered' THEN now() END,
        attempts = CASE WHEN p_outcome = 'failed' THEN o.attempts + 1 ELSE 0 END,
        -- 2 seconds, doubled each time up to an hour.
        due_at = CASE p_outcome WHEN 'failed' THEN now() + make_interval(secs => least(power(2, o.attempts + 1), 3600))
                                WHEN 'later' THEN p_due_at ELSE o.due_at END,
        last_error = CASE WHEN p_outcome = 'failed' THEN left(p_error, 500) END
    WHERE o.destination = p_destination AND o.thread = p_thread AND o.seq = p_seq AND o.state = 'waiting'
    RETURNING o.state INTO result;
    RETURN result;
END
$$;
COMMENT ON FUNCTION approval.settle_outbox IS
    'Ends a claim: delivered; later (nothing to do before p_due_at); failed, with the reason: tried again after a growing pause, '
    'and dead after 12 failures in a row. Gives the state after; NULL: the message was not waiting. Raises AP002, AP005. '
    'Definer: tables are private.';
