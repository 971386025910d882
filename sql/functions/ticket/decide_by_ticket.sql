CREATE OR REPLACE FUNCTION approval.decide_by_ticket(
    p_site text, p_subject text, p_request_id bigint, p_decision text, p_comment text, p_digest text, p_proof jsonb,
    p_assurance text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entry constant text := p_proof ->> 'key';
    decided_at timestamptz;
    actor record;
    target approval.request;
    ticket approval.ticket_request;
    stage approval.request_stage;
    assurance text;
    moment timestamptz;
    voter bigint;
    result text;
BEGIN
    PERFORM approval.check_site(p_site);
    actor := approval.acting_principal(p_site, p_subject);
    IF p_assurance IS NULL OR p_assurance NOT IN ('asserted', 'authenticated') THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005',
            MESSAGE = format('a decision in a ticket is asserted or authenticated, not %s', coalesce(p_assurance, 'NULL'));
    END IF;
    BEGIN
        decided_at := (p_proof ->> 'at')::timestamptz;
    EXCEPTION WHEN data_exception THEN
        decided_at := NULL;
    END;
    IF coalesce(length(entry), 0) NOT BETWEEN 1 AND 255 OR decided_at IS NULL OR NOT isfinite(decided_at)
            OR p_digest IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005',
            MESSAGE = 'the proof of a decision in a ticket is {key, at, ...}: which entry of it, and its time; with the digest of '
                'the ticket';
    END IF;
    -- The lesser of what is claimed and what the login can claim.
    SELECT a.assurance INTO assurance FROM approval.assurance AS a WHERE a.assurance IN (actor.assurance, p_assurance)
    ORDER BY a.strength LIMIT 1;
    target := approval.lock_request(p_request_id);
    moment := clock_timestamp();
    SELECT * INTO ticket FROM approval.ticket_request AS t WHERE t.request_id = p_request_id;
    IF ticket.provider IS DISTINCT FROM p_site THEN
        RAISE EXCEPTION USING ERRCODE = 'AP002',
            MESSAGE = format('request %s is not of a ticket of %s, where nobody can decide on it', p_request_id, p_site);
    END IF;
    IF EXISTS (SELECT FROM approval.decision_proof AS d
               WHERE d.request_id = p_request_id AND d.item_set_version >= target.reviewed_version AND d.proof_key = entry) THEN
        RETURN target.state;
    END IF;
    IF ticket.digest <> p_digest THEN
        RAISE EXCEPTION USING ERRCODE = 'AP011',
            MESSAGE = format('ticket %s is not what it was when it asked for request %s', ticket.ticket_id, p_request_id),
            HINT = 'Have it read again: it then asks for what it says now.';
    ELSIF ticket.bound_at > decided_at OR (ticket.bound_at IS NULL AND p_assurance = 'authenticated') THEN
        RAISE EXCEPTION USING ERRCODE = 'AP011',
            MESSAGE = format('it was decided in ticket %s before that told what request %s asks for', ticket.ticket_id,
                             p_request_id),
            HINT = 'Decide there again.';
    END IF;
    SELECT * INTO stage FROM approval.current_stage(p_request_id);
    IF NOT p_site = ANY (stage.accept) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP009',
            MESSAGE = format('stage %s (%s) of request %s takes no decisions from tickets of %s', stage.stage_no, stage.name,
                             p_request_id, p_site),
            HINT = 'Decide with your own login: salt-approval approve.';
    END IF;
    voter := approval.check_decision(target, actor.principal_id, assurance, p_decision, NULL, moment);
    -- After the decision it may be at its next stage.
    result := approval.record_decision(
        target, actor.principal_id, voter, p_site, p_subject, assurance, p_decision, p_comment, moment, p_proof);
    INSERT INTO approval.decision_proof
    VALUES (p_request_id, target.item_set_version, stage.stage_no, voter, entry, p_proof);
    RETURN result;
END
$$;
COMMENT ON FUNCTION approval.decide_by_ticket IS
    'A decision that somebody (as the site knows them) made in a ticket, on the request that this made; gives the state after. '
    'p_digest: of the ticket as it was fetched with the decision. p_proof {key, at, ...}: the entry of the ticket that it was '
    'read from, which decides once: again, the state is given. p_assurance: authenticated where the entry was fetched from the '
    'site, asserted where somebody only said so; never more than the login can. Raises AP001, AP002, AP005-AP011 (AP011 also '
    'where the ticket was changed, or did not tell yet what is asked for), AP014, AP018, AP019. Definer: nobody writes decisions '
    'otherwise.';
