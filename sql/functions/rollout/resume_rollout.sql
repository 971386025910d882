CREATE OR REPLACE FUNCTION approval.resume_rollout(
    p_provider text, p_subject text, p_request_id bigint, p_decision text, p_comment text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor record;
    target approval.request;
    held approval.rollout;
    moment timestamptz;
    part record;
    minions text[];
    next_state text;
BEGIN
    actor := approval.acting_principal(p_provider, p_subject);
    IF p_decision IS NULL OR p_decision NOT IN ('go-on', 'give-up') THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005',
            MESSAGE = format('a decision on a halted rollout is go-on or give-up, not %s', quote_nullable(p_decision));
    END IF;
    IF coalesce(p_comment, '') = '' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'a decision on a halted rollout needs a comment that says why';
    END IF;
    target := approval.lock_request(p_request_id, actor.principal_id);
    moment := clock_timestamp();
    SELECT * INTO held FROM approval.rollout AS o WHERE o.request_id = p_request_id;
    IF held.state IS DISTINCT FROM 'halted' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP006',
            MESSAGE = format('request %s %s: there is nothing to decide', p_request_id,
                             coalesce('has a rollout that is ' || held.state, 'has no rollout'));
    END IF;
    IF actor.principal_id IN (target.requester_id, coalesce(target.on_behalf_of, target.requester_id)) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP007',
            MESSAGE = format('request %s is %s''s own, who may not decide whether its rollout goes on', p_request_id, actor.name);
    END IF;
    PERFORM approval.check_resume(
        format('the rollout of request %s', p_request_id), actor.principal_id, actor.name, actor.assurance,
        array_agg(g.group_name), array_agg(g.min_assurance), target.requester_id, target.on_behalf_of, moment)
    FROM approval.resume_groups(p_request_id) AS g;
    IF p_decision = 'go-on' THEN
        next_state := 'running';
        UPDATE approval.rollout
        SET state = next_state, look_at = moment,
            accepted_failures = (SELECT count(*) FROM approval.rollout_failures(p_request_id))
        WHERE request_id = p_request_id;
    ELSE
        next_state := 'given-up';
        UPDATE approval.rollout SET state = next_state WHERE request_id = p_request_id;
    END IF;
    PERFORM approval.audit_append(
        p_request_id, moment, 'rollout-' || next_state, actor.name, p_provider || ':' || p_subject, actor.assurance,
        jsonb_build_object('comment', p_comment, 'because', held.halted_because));
    IF p_decision = 'go-on' THEN
        FOR part IN
            SELECT w.wave_no FROM approval.wave AS w WHERE w.request_id = p_request_id AND w.opened_at IS NOT NULL
            ORDER BY w.wave_no
        LOOP
            PERFORM approval.open_wave(p_request_id, part.wave_no, moment);
        END LOOP;
        UPDATE approval.outbox SET due_at = moment
        WHERE destination = 'salt' AND thread = 'request/' || p_request_id AND state = 'waiting';
        NOTIFY approval_outbox;
        RETURN next_state;
    END IF;
    WITH withdrawn AS (
        UPDATE approval.item AS i SET state = 'withdrawn'
        FROM approval.wave_minion AS w
        WHERE w.request_id = p_request_id AND w.opened_at IS NULL AND i.request_id = p_request_id AND i.minion_id = w.minion_id
            AND i.state = 'approved' AND i.applied_at IS NULL
        RETURNING i.minion_id
    )
    SELECT array_agg(DISTINCT minion_id) INTO minions FROM withdrawn;
    UPDATE approval.outbox SET state = 'dead', last_error = 'given up'
    WHERE destination = 'salt' AND thread = 'request/' || p_request_id AND state = 'waiting';
    PERFORM approval.refresh_documents(coalesce(minions, '{}'));
    PERFORM approval.settle_request(p_request_id, moment);
    RETURN next_state;
END
$$;
COMMENT ON FUNCTION approval.resume_rollout IS
    'Somebody decides on a halted rollout: go-on (the failures there are count no more) or give-up (what was not sent is '
    'withdrawn; to undo the rest, ask for a revert). Gives its state after. Not by who asked for the request. Raises AP001, '
    'AP002, AP005-AP009, AP014. Definer: nobody writes requests otherwise.';
