CREATE OR REPLACE FUNCTION approval.decide(
    p_provider text, p_subject text, p_request_id bigint, p_decision text, p_comment text, p_digest text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz;
    actor record;
    target approval.request;
    kind approval.request_type;
    reviewed approval.item_set;
    stage approval.request_stage;
    voter bigint;
    overlap text;
    plan text;
    note text := coalesce(p_comment, '');
BEGIN
    IF p_decision IS NULL OR p_decision NOT IN ('approve', 'reject') THEN
        RAISE EXCEPTION USING ERRCODE = 'AP006', MESSAGE = 'a decision is approve or reject';
    END IF;
    actor := approval.acting_principal(p_provider, p_subject);
    -- Two who decide at once, or decide and cancel, are ordered by this lock.
    SELECT * INTO target FROM approval.request WHERE request_id = p_request_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'AP014', MESSAGE = format('there is no request %s', p_request_id);
    END IF;
    -- Not the start of the transaction, which whoever acts chose, and which a wait for the lock only makes older.
    moment := clock_timestamp();
    IF target.state <> 'pending' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP006',
            MESSAGE = format('request %s is %s: there is nothing left to decide', p_request_id, target.state);
    END IF;
    IF target.expires_at <= moment THEN
        RAISE EXCEPTION USING ERRCODE = 'AP006',
            MESSAGE = format('request %s expired %s', p_request_id, approval.when_text(target.expires_at)),
            HINT = 'Submit it again.';
    END IF;
    SELECT * INTO STRICT kind FROM approval.request_type
    WHERE type_name = target.type_name AND type_version = target.type_version;
    IF NOT kind.self_approval AND actor.principal_id IN (target.requester_id, coalesce(target.on_behalf_of, target.requester_id)) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP007',
            MESSAGE = CASE actor.principal_id WHEN target.requester_id
                THEN format('%s asked for request %s and may not decide on it', actor.name, p_request_id)
                ELSE format('request %s was made for %s, who may not decide on it', p_request_id, actor.name) END,
            HINT = 'To take it back, cancel it.';
    END IF;
    SELECT * INTO STRICT reviewed FROM approval.item_set
    WHERE request_id = p_request_id AND item_set_version = target.item_set_version;
    IF p_digest IS NOT NULL AND p_digest <> reviewed.digest THEN
        RAISE EXCEPTION USING ERRCODE = 'AP011',
            MESSAGE = format('request %s is not what was reviewed: its digest is %s', p_request_id, reviewed.digest),
            HINT = 'Look at it again before you decide.';
    END IF;
    SELECT * INTO STRICT stage FROM approval.request_stage
    WHERE request_id = p_request_id AND satisfied_at IS NULL ORDER BY stage_no LIMIT 1;
    IF stage.escalate_to IS NULL AND stage.started_at + stage.timeout <= moment THEN
        RAISE EXCEPTION USING ERRCODE = 'AP006',
            MESSAGE = format('request %s waited too long at stage %s (%s), which was to be passed by %s', p_request_id, stage.stage_no, stage.name,
                             approval.when_text(stage.started_at + stage.timeout)),
            HINT = 'Submit it again.';
    END IF;
    IF approval.has_voted(target, stage.stage_no, actor.principal_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP010',
            MESSAGE = format('%s has decided on request %s already; one person counts once', actor.name, p_request_id);
    END IF;
    voter := approval.stage_voter(target, stage.stage_no, actor.principal_id, moment);
    IF voter IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP008',
            MESSAGE = format('%s is not an approver of stage %s (%s), which request %s is at', actor.name, stage.stage_no, stage.name,
                             p_request_id),
            HINT = (SELECT 'Its approvers are: ' || string_agg(format('%s of %s', quorum, group_name), ', or ' ORDER BY group_name)
                    FROM approval.request_quorum WHERE request_id = p_request_id AND stage_no = stage.stage_no);
    END IF;
    IF voter <> actor.principal_id AND approval.has_voted(target, stage.stage_no, voter) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP010',
            MESSAGE = format('whoever delegated to %s has decided on request %s already; one person counts once', actor.name, p_request_id);
    END IF;
    IF (SELECT strength FROM approval.assurance AS a WHERE a.assurance = actor.assurance)
        < (SELECT strength FROM approval.assurance AS a WHERE a.assurance = stage.min_assurance) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP009',
            MESSAGE = format('stage %s (%s) asks for an identity that is %s; this one is only %s', stage.stage_no, stage.name,
                             stage.min_assurance, actor.assurance),
            HINT = 'Decide with your own login: salt-approval approve.';
    END IF;
    overlap := approval.open_overlap(p_request_id);
    IF p_decision = 'approve' AND overlap IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP018', MESSAGE = format('request %s cannot be approved yet: %s', p_request_id, overlap),
            HINT = 'Who asked for it resolves that: supersede, or wait.';
    END IF;
    plan := approval.missing_plan(p_request_id, moment);
    IF p_decision = 'approve' AND plan IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP019', MESSAGE = format('request %s has %s', p_request_id, plan),
            HINT = 'Make one: salt-run approval.plan.';
    END IF;

    INSERT INTO approval.decision
        (request_id, item_set_version, stage_no, principal_id, counts_for, decision, provider, subject, login_role, assurance, comment,
         decided_at, decided_bytes)
    VALUES (p_request_id, target.item_set_version, stage.stage_no, actor.principal_id, voter, p_decision, p_provider, p_subject,
            session_user::text, actor.assurance, note, moment,
            approval.field('apv1-decision') || approval.field(p_request_id::text) || approval.field(target.item_set_version::text)
            || approval.field(reviewed.digest) || approval.field(stage.stage_no::text) || approval.field(p_decision)
            || approval.field(actor.name) || approval.field(note)
            || approval.field(to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')));
    PERFORM approval.audit_append(p_request_id, moment, p_decision, actor.name, p_provider || ':' || p_subject, actor.assurance,
        jsonb_build_object('stage', stage.stage_no, 'stage_name', stage.name, 'digest', reviewed.digest, 'comment', note,
                           'counts_for', (SELECT name FROM approval.principal WHERE principal_id = voter)));
    IF p_decision = 'reject' THEN
        PERFORM approval.close_pending(p_request_id, 'rejected', moment);
        RETURN 'rejected';
    END IF;
    RETURN approval.advance_chain(p_request_id, moment);
END
$$;
COMMENT ON FUNCTION approval.decide(text, text, bigint, text, text, text) IS
    'One approver''s approve or reject at the stage that the request is at; gives the state after. p_digest: of the item set that was '
    'reviewed, NULL to decide on the present one. Raises AP001, AP002, AP006-AP011, AP014, AP018, AP019. Definer: nobody writes decisions otherwise.';
