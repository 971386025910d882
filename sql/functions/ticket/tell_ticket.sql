CREATE OR REPLACE FUNCTION approval.tell_ticket(p_request_id bigint, p_act text, p_now timestamptz) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    event constant text := CASE
        WHEN p_act = 'submitted' THEN 'asked'
        WHEN p_act IN ('amended', 'approved', 'reviewed', 'escalated') THEN p_act
        WHEN p_act IN ('approve', 'reject') THEN 'decided'
        WHEN p_act IN ('cancelled', 'withdrawn', 'expired', 'timed-out', 'approval-ended', 'converged', 'partial', 'failed',
                       'superseded') THEN 'settled'
        WHEN p_act = 'dispatched' THEN 'sent'
        WHEN p_act IN ('ticket-held', 'ticket-released') THEN substr(p_act, length('ticket-') + 1)
        WHEN p_act = 'glass-broken' THEN 'hurried'
        WHEN p_act = 'wave-opened' OR starts_with(p_act, 'rollout-') THEN 'wave' END;
    site text;
BEGIN
    SELECT t.provider INTO site FROM approval.ticket_request AS t
    WHERE t.request_id = p_request_id AND event IS NOT NULL
        -- Of the many minions that it is sent to one after the other, one message tells that waits.
        AND NOT (event = 'sent' AND EXISTS (
            SELECT FROM approval.outbox AS o
            WHERE o.destination = t.provider AND o.thread = 'request/' || p_request_id AND o.state = 'waiting'
                AND o.leased_until IS NULL AND o.body ->> 'event' = 'sent'));
    IF FOUND THEN
        PERFORM approval.post_message(site, 'ticket', 'request/' || p_request_id, p_request_id,
                                      jsonb_build_object('event', event, 'at', p_now), p_now);
    END IF;
END
$$;
COMMENT ON FUNCTION approval.tell_ticket IS
    'Internal: has the ticket that a request is of, if it is of any, told of an act on it, where that is news there: a message '
    '{event, at}, under topic ticket. The content is read when the ticket is told: approval.ticket_news.';
