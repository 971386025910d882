CREATE OR REPLACE FUNCTION approval.settle_delivery(
    p_site text, p_key text, p_outcome text, p_due_at timestamptz, p_note text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    most_attempts constant integer := 12;
    moment constant timestamptz := clock_timestamp();
    settled record;
BEGIN
    PERFORM approval.check_site(p_site);
    IF p_outcome IS NULL OR p_outcome NOT IN ('done', 'later', 'failed') OR (p_outcome = 'later') <> (p_due_at IS NOT NULL) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005',
            MESSAGE = format('a delivery ends as done, failed, or later with a time, not as %s', coalesce(p_outcome, 'NULL'));
    END IF;
    UPDATE approval.ticket_delivery AS d
    SET leased_until = NULL,
        state = ended.state,
        settled_at = CASE WHEN ended.state <> 'waiting' THEN moment END,
        content = CASE WHEN ended.state <> 'done' THEN d.content END,
        attempts = CASE WHEN p_outcome = 'failed' THEN d.attempts + 1 ELSE 0 END,
        -- 2 seconds, doubled each time up to an hour.
        due_at = CASE p_outcome WHEN 'failed' THEN moment + make_interval(secs => least(power(2, d.attempts + 1), 3600))
                                WHEN 'later' THEN p_due_at ELSE d.due_at END,
        note = left(p_note, 500)
    FROM (SELECT w.provider, w.key, CASE WHEN p_outcome = 'done' THEN 'done'
                 WHEN p_outcome = 'failed' AND w.attempts + 1 >= most_attempts THEN 'dead' ELSE 'waiting' END AS state
          FROM approval.ticket_delivery AS w
          WHERE w.provider = p_site AND w.key = p_key AND w.state = 'waiting' FOR UPDATE) AS ended
    WHERE d.provider = ended.provider AND d.key = ended.key
    RETURNING d.state, d.ticket INTO settled;
    IF settled.state = 'dead' THEN
        PERFORM approval.raise_alarm('ticket-delivery-dead', '{}', p_site || '/' || settled.ticket, NULL, jsonb_build_object(
            'what', format('a delivery of %s for ticket %s failed %s times and is given up: %s', p_site, settled.ticket,
                           most_attempts, p_note)), moment);
    END IF;
    RETURN settled.state;
END
$$;
COMMENT ON FUNCTION approval.settle_delivery IS
    'Ends a claim: done; later (nothing to do before p_due_at); failed: tried again after a growing pause, and dead after 12 '
    'failures in a row, with an alarm. p_note says for people what came of it. Gives the state after (waiting, done, dead); '
    'NULL: the delivery was not waiting. Raises AP002, AP005. Definer: tables are private.';
