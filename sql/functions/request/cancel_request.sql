CREATE OR REPLACE FUNCTION approval.cancel_request(p_provider text, p_subject text, p_request_id bigint, p_comment text)
    RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz;
    actor record;
    target approval.request;
    minions text[];
    next_state text;
BEGIN
    actor := approval.acting_principal(p_provider, p_subject);
    target := approval.lock_request(p_request_id);
    moment := clock_timestamp();
    IF actor.principal_id <> target.requester_id AND actor.principal_id IS DISTINCT FROM target.on_behalf_of THEN
        RAISE EXCEPTION USING ERRCODE = 'AP002',
            MESSAGE = format('only who asked for request %s may cancel it', p_request_id),
            HINT = 'An approver can reject it.';
    END IF;
    IF target.state = 'pending' THEN
        next_state := 'cancelled';
        PERFORM approval.close_pending(p_request_id, next_state, moment);
    ELSIF target.state = 'approved' AND (target.not_before > moment OR approval.is_held_whole(p_request_id)) THEN
        next_state := 'withdrawn';
        minions := ARRAY(SELECT DISTINCT minion_id FROM approval.item WHERE request_id = p_request_id AND state = 'approved');
        PERFORM approval.move_request(p_request_id, 'approved', next_state, moment);
        UPDATE approval.item SET state = 'withdrawn' WHERE request_id = p_request_id AND state = 'approved';
        PERFORM approval.refresh_documents(minions);
        UPDATE approval.outbox SET state = 'dead', last_error = 'withdrawn'
        WHERE destination = 'salt' AND thread = 'request/' || p_request_id AND state = 'waiting';
    ELSE
        RAISE EXCEPTION USING ERRCODE = 'AP006',
            MESSAGE = format('request %s is %s: it can no longer be cancelled', p_request_id, target.state),
            HINT = 'To undo what is in force, ask for a revert.';
    END IF;
    PERFORM approval.audit_append(p_request_id, moment, next_state, actor.name, p_provider || ':' || p_subject, actor.assurance,
                                  jsonb_build_object('comment', coalesce(p_comment, '')));
    RETURN next_state;
END
$$;
COMMENT ON FUNCTION approval.cancel_request IS
    'Takes a request back, by who asked for it: while it is pending, or approved but not yet due, or held by its ticket before '
    'anything of it was begun. Gives the state after (cancelled, withdrawn). Raises AP001, AP002, AP006, AP014. Definer: nobody '
    'writes requests otherwise.';
