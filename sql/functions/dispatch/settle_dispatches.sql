CREATE OR REPLACE FUNCTION approval.settle_dispatches(p_now timestamptz DEFAULT clock_timestamp()) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- Longer than a publication may take, and its way into the job cache.
    doubt constant interval := interval '5 minutes';
    most constant integer := 1000;
    moment timestamptz := least(p_now, clock_timestamp());
    due record;
    settled integer := 0;
BEGIN
    -- The engine ended between writing that it sends and writing that it sent: the job cache knows.
    FOR due IN
        SELECT s.request_id, s.jid, array_agg(s.minion_id) AS minions, array_agg(s.item_id) AS items
        FROM (SELECT d.minion_id, d.item_id, d.jid, d.request_id FROM approval.dispatch AS d
              WHERE d.state = 'sending' AND d.state_at <= moment - doubt
                  AND (EXISTS (SELECT FROM approval.job AS j WHERE j.jid = d.jid)
                       OR EXISTS (SELECT FROM approval.job_return AS r WHERE r.jid = d.jid AND r.minion_id = d.minion_id))
              ORDER BY d.request_id, d.minion_id, d.item_id
              LIMIT most) AS s
        GROUP BY s.request_id, s.jid
        ORDER BY s.request_id, s.jid
    LOOP
        PERFORM approval.lock_request(due.request_id);
        PERFORM approval.note_sent(due.request_id, due.minions, due.items, due.jid, true);
        settled := settled + cardinality(due.minions);
    END LOOP;
    FOR due IN
        SELECT d.minion_id, d.item_id, 'proven' AS state, 'boot id ' || again.boot_id AS observed,
            format('the minion started again: its boot id was %s and is %s', d.boot_before, again.boot_id) AS reason, d.request_id
        FROM approval.dispatch AS d
        CROSS JOIN LATERAL (
            SELECT r.boot_id FROM approval.job_return AS r
            WHERE r.minion_id = d.minion_id AND r.authenticated AND r.boot_id <> d.boot_before
                AND r.received_at > coalesce(d.sent_at, d.state_at)
                -- A return may have waited in a spool: that its run began after, only a job shows that was published here.
                AND EXISTS (SELECT FROM approval.job AS j
                            WHERE j.jid = r.jid AND NOT j.claimed AND j.published_at > coalesce(d.sent_at, d.state_at))
            ORDER BY r.received_at LIMIT 1) AS again
        WHERE d.proof = 'reboot' AND (d.state IN ('sending', 'sent')
            OR (d.state = 'silent' AND d.ended_at > moment - interval '1 day'))
        UNION ALL
        SELECT d.minion_id, d.item_id, 'silent', NULL,
            CASE WHEN d.state = 'sending' THEN 'the engine ended while it sent this, and no job shows that it was sent'
                 WHEN EXISTS (SELECT FROM approval.job_return AS r WHERE r.jid = d.jid AND r.minion_id = d.minion_id
                     AND NOT r.authenticated)
                 THEN 'the minion returned, but without valid evidence'
                 WHEN d.returned_at IS NOT NULL THEN format('the minion did not start again within %s', d.proof_within)
                 ELSE format('the minion did not return within %s', d.proof_within) END, d.request_id
        FROM approval.dispatch AS d
        WHERE d.proof <> 'state'
            AND ((d.state = 'sent' AND d.sent_at + d.proof_within <= moment)
                OR (d.state = 'sending' AND d.state_at <= moment - doubt))
        UNION ALL
        SELECT d.minion_id, d.item_id, 'unsent', NULL, 'not sent: the minion did not prove what was there before', d.request_id
        FROM approval.dispatch AS d WHERE d.state = 'observing' AND d.state_at + d.proof_within <= moment
        ORDER BY 6, 1, 2
        LIMIT most
    LOOP
        PERFORM approval.lock_request(due.request_id);
        -- Somebody else may have been here meanwhile.
        IF EXISTS (SELECT FROM approval.dispatch AS d WHERE d.minion_id = due.minion_id AND d.item_id = due.item_id
                       AND (d.ended_at IS NULL OR (d.state = 'silent' AND due.state = 'proven'))) THEN
            PERFORM approval.end_dispatch(due.minion_id, due.item_id, due.state, due.observed, due.reason, moment);
            settled := settled + 1;
        END IF;
    END LOOP;
    -- A state that may not have been sent is sent again: that does no harm.
    DELETE FROM approval.dispatch AS d WHERE d.proof = 'state' AND d.state = 'sending' AND d.state_at <= moment - doubt;
    RETURN settled;
END
$$;
COMMENT ON FUNCTION approval.settle_dispatches IS
    'Does what time and other returns bring to dispatched actions: minions that started again, that did not answer in time, and '
    'jobs of which it is not known whether they were sent. An action is never sent twice. At most a thousand of each in one go. '
    'Gives how many changed. p_now later than the present counts as the present. Definer: tables are private.';
