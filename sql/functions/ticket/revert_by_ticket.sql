CREATE OR REPLACE FUNCTION approval.revert_by_ticket(p_site text, p_subject text, p_ticket jsonb, p_reason text, p_editors text[])
    RETURNS TABLE (request_id bigint, generation integer, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ticket_id constant text := p_ticket ->> 'id';
    moment timestamptz;
    actor record;
    newest approval.ticket_request;
    last approval.ticket_request;
    target approval.request;
    number integer;
BEGIN
    PERFORM approval.check_site(p_site);
    actor := approval.acting_principal(p_site, p_subject);
    PERFORM approval.lock_ticket(p_site, ticket_id);
    newest := approval.newest_of_ticket(p_site, ticket_id);
    IF newest.request_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP014',
            MESSAGE = format('ticket %s of %s has asked for nothing that could be taken back', coalesce(ticket_id, 'NULL'), p_site);
    END IF;
    PERFORM approval.note_ticket(p_site, p_ticket);
    generation := newest.generation;
    SELECT t.* INTO last FROM approval.ticket_request AS t
    WHERE t.provider = p_site AND t.ticket_id = newest.ticket_id AND t.generation = newest.generation AND t.revert_no > 0
    ORDER BY t.revert_no DESC LIMIT 1;
    IF FOUND THEN
        request_id := last.request_id;
        target := approval.lock_request(request_id);
        moment := clock_timestamp();
        IF NOT approval.knows_the_end(p_site, request_id, coalesce((p_ticket ->> 'seen_at')::timestamptz, moment)) THEN
            PERFORM approval.put_editors(request_id, p_site, p_editors);
            outcome := 'same';
            IF last.digest <> p_ticket ->> 'digest' AND target.closed_at IS NULL THEN
                outcome := 'held';
                PERFORM approval.hold_request(request_id, 'edited', 'its ticket was changed after it asked for this', moment);
            END IF;
            RETURN NEXT;
            RETURN;
        END IF;
    END IF;
    number := coalesce(last.revert_no, 0) + 1;
    request_id := approval.open_revert(
        actor.principal_id, actor.name, p_site || ':' || p_subject, actor.assurance, approval.current_type('revert'),
        newest.request_id, NULL, p_reason, p_site, newest.ticket_id || '#' || newest.generation || '/revert'
            || CASE WHEN number > 1 THEN '/' || number ELSE '' END, NULL);
    PERFORM approval.keep_request(p_site, p_ticket, request_id, generation, number, p_editors);
    outcome := 'new';
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION approval.revert_by_ticket IS
    'A ticket asks to take back the newest request that it made: a request of type revert, by somebody as the site knows them. See '
    'ask_by_ticket for the ticket, its editors and what is given: new; same (it was asked for already); or held (the ticket was '
    'changed since). Raises AP001-AP003, AP005, AP006, AP014, AP015, AP018. Definer: nobody writes requests otherwise.';
