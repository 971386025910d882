CREATE OR REPLACE FUNCTION approval.cancel_as(
    p_principal_id bigint, p_principal text, p_identity text, p_assurance text, p_request_id bigint, p_comment text,
    p_proof jsonb DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz;
    target approval.request;
    minions text[];
    outcome text;
BEGIN
    target := approval.lock_request(p_request_id, p_principal_id);
    moment := clock_timestamp();
    IF p_principal_id <> target.requester_id AND p_principal_id IS DISTINCT FROM target.on_behalf_of THEN
        RAISE EXCEPTION USING ERRCODE = 'AP002',
            MESSAGE = format('only who asked for request %s may cancel it', p_request_id),
            HINT = 'An approver can reject it.';
    END IF;
    IF target.state = 'pending' THEN
        outcome := 'cancelled';
        PERFORM approval.close_pending(p_request_id, outcome, moment);
    ELSIF target.state = 'approved' THEN
        moment := approval.lock_minions(ARRAY(
            SELECT DISTINCT i.minion_id FROM approval.item AS i WHERE i.request_id = p_request_id AND i.state = 'approved'));
        WITH withdrawn AS (
            UPDATE approval.item AS i SET state = 'withdrawn'
            WHERE i.request_id = p_request_id AND i.state = 'approved' AND i.outcome = 'waiting'
                -- A state is sent as a whole: one item of each minion stands for all. A minion that was away never returns from it.
                AND NOT EXISTS (
                    SELECT FROM approval.dispatch AS d
                    WHERE d.request_id = p_request_id AND d.minion_id = i.minion_id AND d.jid IS NOT NULL
                        AND CASE d.proof WHEN 'state' THEN coalesce(d.sent_at, d.state_at) + d.proof_within > moment
                                         ELSE d.item_id = i.item_id END)
                AND NOT EXISTS (
                    SELECT FROM approval.catch_up AS c
                    WHERE c.minion_id = i.minion_id AND c.state IN ('sending', 'sent') AND i.kind <> 'action')
            RETURNING i.minion_id
        )
        SELECT array_agg(DISTINCT w.minion_id) INTO minions FROM withdrawn AS w;
    END IF;
    IF outcome IS NULL AND minions IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP006',
            MESSAGE = CASE WHEN target.state = 'approved'
                THEN format('request %s is approved, and all of it was sent or applied: it can no longer be cancelled',
                            p_request_id)
                ELSE format('request %s is %s: it can no longer be cancelled', p_request_id, target.state) END,
            HINT = 'To undo what is in force, ask for a revert.';
    END IF;
    IF minions IS NOT NULL THEN
        UPDATE approval.rollout SET state = 'given-up' WHERE request_id = p_request_id AND state IN ('running', 'halted');
        -- Of an action that is not sent any more nobody wants to know how the minion was before.
        DELETE FROM approval.dispatch AS d
        WHERE d.request_id = p_request_id AND d.state IN ('observing', 'observed');
        IF EXISTS (SELECT FROM approval.item AS i
                   WHERE i.request_id = p_request_id
                       AND (i.state = 'approved' OR i.state = 'superseded' AND i.outcome = 'converged')) THEN
            outcome := 'partly-withdrawn';
        ELSE
            outcome := 'withdrawn';
            PERFORM approval.move_request(p_request_id, 'approved', outcome, moment);
            UPDATE approval.outbox SET state = 'dead', last_error = outcome
            WHERE destination = 'salt' AND thread = 'request/' || p_request_id AND state = 'waiting';
        END IF;
        PERFORM approval.refresh_documents(minions);
    END IF;
    PERFORM approval.audit_append(p_request_id, moment, outcome, p_principal, p_identity, p_assurance,
                                  jsonb_build_object('comment', coalesce(p_comment, ''))
        || CASE WHEN p_proof IS NULL THEN '{}' ELSE jsonb_build_object('proof', p_proof) END);
    IF outcome = 'partly-withdrawn' THEN
        PERFORM approval.settle_request(p_request_id, moment);
    END IF;
    RETURN outcome;
END
$$;
COMMENT ON FUNCTION approval.cancel_as IS
    'Internal: takes a request back for a principal of whom it is known who they are, and how surely: what '
    'approval.cancel_request and sessions on the web have in common. p_proof: see approval.open_request. Raises AP002, AP006, '
    'AP014.';
