CREATE OR REPLACE FUNCTION approval.refuse_ticket(
    p_site text, p_ticket_id text, p_reason text, p_decider text, p_ends boolean) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    its_thread constant text := 'ticket/' || p_ticket_id;
    refusal constant jsonb := jsonb_build_object('event', 'refused', 'ticket', p_ticket_id, 'reason', p_reason,
                                                 'decider', p_decider, 'ends', p_ends);
BEGIN
    PERFORM approval.check_site(p_site);
    IF (p_ticket_id ~ '^[!-~]{1,128}$') IS NOT TRUE OR (length(p_reason) BETWEEN 1 AND 1000) IS NOT TRUE
        OR length(p_decider) NOT BETWEEN 1 AND 255 OR p_ends IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005',
            MESSAGE = 'a refusal has the id of a ticket without spaces, a reason of 1 to 1000 characters, perhaps the name of who '
                      'decided, and whether it ends the ticket';
    END IF;
    PERFORM approval.lock_ticket(p_site, p_ticket_id);
    -- A refusal that was told once is not told again; a ticket that came back from its end is ended again.
    IF EXISTS (SELECT FROM approval.outbox AS o
               WHERE o.destination = p_site AND o.thread = its_thread AND o.body = refusal
                   AND (NOT p_ends OR (o.state <> 'delivered' AND o.leased_until IS NULL))) THEN
        RETURN false;
    END IF;
    PERFORM approval.post_message(p_site, 'ticket', its_thread, NULL, refusal, clock_timestamp());
    RETURN true;
END
$$;
COMMENT ON FUNCTION approval.refuse_ticket IS
    'Has a ticket told, once, why there is no request of it, or (p_decider) why the decision of somebody does not count; with '
    'p_ends it is to end there as failed, each time. A message {event, ticket, reason, decider, ends} of the thread '
    'ticket/ID, under topic ticket. Gives whether there is a new one. Raises AP002, AP005. Definer: tables are private.';
