CREATE OR REPLACE FUNCTION approval.ask_by_ticket(
    p_site text, p_subject text, p_on_behalf_of text, p_ticket jsonb, p_type text, p_reason text,
    p_minions text[], p_kinds text[], p_names text[], p_values text[], p_after timestamptz, p_editors text[])
    RETURNS TABLE (request_id bigint, generation integer, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ticket_id constant text := p_ticket ->> 'id';
    ticket_digest constant text := p_ticket ->> 'digest';
    identity constant text := p_site || ':' || p_subject;
    seen_at timestamptz;
    moment timestamptz;
    actor record;
    beneficiary bigint;
    wanted approval.request_type;
    newest approval.ticket_request;
    target approval.request;
    made record;
BEGIN
    PERFORM approval.check_site(p_site);
    actor := approval.acting_principal(p_site, p_subject);
    IF p_on_behalf_of IS NOT NULL THEN
        beneficiary := (approval.acting_principal(p_site, p_on_behalf_of)).principal_id;
        beneficiary := nullif(beneficiary, actor.principal_id);
    END IF;
    PERFORM approval.lock_ticket(p_site, ticket_id);
    seen_at := approval.note_ticket(p_site, p_ticket);
    newest := approval.newest_of_ticket(p_site, ticket_id);
    generation := coalesce(newest.generation, 0);
    IF newest.request_id IS NOT NULL THEN
        request_id := newest.request_id;
        target := approval.lock_request(request_id);
        moment := clock_timestamp();
        IF NOT approval.knows_the_end(p_site, request_id, seen_at) THEN
            PERFORM approval.put_editors(request_id, p_site, p_editors);
            IF newest.digest = ticket_digest OR target.closed_at IS NOT NULL THEN
                outcome := 'same';
                RETURN NEXT;
                RETURN;
            ELSIF target.state <> 'pending' THEN
                PERFORM approval.hold_request(request_id, 'edited', 'its ticket was changed after it was approved', moment);
                outcome := 'held';
                RETURN NEXT;
                RETURN;
            ELSIF target.type_name = p_type AND target.requester_id = actor.principal_id
                    AND target.on_behalf_of IS NOT DISTINCT FROM beneficiary THEN
                PERFORM approval.check_after(p_after, moment);
                made := approval.replace_items(target, p_minions, p_kinds, p_names, p_values, p_after, true, moment);
                UPDATE approval.request AS r SET reason = coalesce(p_reason, '') WHERE r.request_id = target.request_id;
                UPDATE approval.ticket_request AS t SET digest = ticket_digest, bound_at = NULL
                WHERE t.request_id = target.request_id;
                PERFORM approval.audit_append(request_id, moment, 'amended', actor.name, identity, actor.assurance,
                    jsonb_build_object('version', made.version, 'items', cardinality(p_minions), 'digest', made.digest,
                                       'decisions_void', true, 'after', p_after, 'reason', coalesce(p_reason, ''), 'comment', '',
                                       'ticket', p_ticket, 'editors', p_editors));
                outcome := 'amended';
                RETURN NEXT;
                RETURN;
            END IF;
            -- A request keeps its type, and who it is by and for.
            PERFORM approval.close_pending(request_id, 'cancelled', moment);
            PERFORM approval.audit_append(request_id, moment, 'cancelled', actor.name, identity, actor.assurance,
                jsonb_build_object('comment', 'its ticket asks for something of another type, or for somebody else', 'ticket',
                                   p_ticket));
        END IF;
    END IF;
    wanted := approval.current_type(p_type);
    PERFORM approval.check_requester(wanted, actor.principal_id, actor.name);
    IF wanted.kind = 'any' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('type %s is for taking requests back', p_type),
            HINT = 'Map the ticket to another type of requests.';
    END IF;
    generation := generation + 1;
    request_id := approval.open_request(
        actor.principal_id, actor.name, identity, actor.assurance, wanted, p_reason, p_minions, p_kinds, p_names, p_values,
        p_after, p_site, ticket_id || '#' || generation, beneficiary, NULL, NULL, NULL);
    PERFORM approval.keep_request(p_site, p_ticket, request_id, generation, 0, p_editors);
    outcome := 'new';
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION approval.ask_by_ticket IS
    'A ticket {id, key, url, digest, seen_at} of a site asks: by its creator, perhaps for another (both as the site knows them), '
    'for items as submit_request takes them; editors changed what is asked for, and may not decide on it. digest: of all that '
    'says what is asked for. seen_at: when it was read, absent: now. Gives the request, its generation (which number it is of '
    'those of the ticket), and new; same (nothing changed); amended (it was pending: decisions are void); or held (it was '
    'approved: nothing of the new text holds, and nothing of the old takes effect that has not). Where the ticket knows that its '
    'request has ended, or failed, it asks anew. Raises AP001-AP005, AP013, AP015, AP016, AP018. Definer: nobody writes requests '
    'otherwise.';
