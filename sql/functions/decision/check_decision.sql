CREATE OR REPLACE FUNCTION approval.check_decision(
    p_request approval.request, p_principal_id bigint, p_assurance text, p_decision text, p_digest text, p_now timestamptz)
    RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    number constant bigint := p_request.request_id;
    actor text;
    kind approval.request_type;
    reviewed text;
    stage approval.request_stage;
    voter bigint;
    overlap text;
    plan text;
BEGIN
    IF p_decision IS NULL OR p_decision NOT IN ('approve', 'reject') THEN
        RAISE EXCEPTION USING ERRCODE = 'AP006', MESSAGE = 'a decision is approve or reject';
    END IF;
    IF p_request.state <> 'pending' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP006',
            MESSAGE = format('request %s is %s: there is nothing left to decide', number, p_request.state);
    END IF;
    IF p_request.expires_at <= p_now THEN
        RAISE EXCEPTION USING ERRCODE = 'AP006',
            MESSAGE = format('request %s expired %s', number, approval.when_text(p_request.expires_at)),
            HINT = 'Submit it again.';
    END IF;
    SELECT p.name INTO STRICT actor FROM approval.principal AS p WHERE p.principal_id = p_principal_id;
    SELECT * INTO STRICT kind FROM approval.request_type
    WHERE type_name = p_request.type_name AND type_version = p_request.type_version;
    IF NOT kind.self_approval
        AND p_principal_id IN (p_request.requester_id, coalesce(p_request.on_behalf_of, p_request.requester_id)) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP007',
            MESSAGE = CASE p_principal_id WHEN p_request.requester_id
                THEN format('%s asked for request %s and may not decide on it', actor, number)
                ELSE format('request %s was made for %s, who may not decide on it', number, actor) END,
            HINT = 'To take it back, cancel it.';
    ELSIF NOT kind.self_approval AND approval.is_editor(number, p_principal_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP007',
            MESSAGE = format('%s changed what request %s asks for and may not decide on it', actor, number);
    END IF;
    SELECT s.digest INTO STRICT reviewed FROM approval.item_set AS s
    WHERE s.request_id = number AND s.item_set_version = p_request.item_set_version;
    IF p_digest <> reviewed THEN
        RAISE EXCEPTION USING ERRCODE = 'AP011',
            MESSAGE = format('request %s is not what was reviewed: its digest is %s', number, reviewed),
            HINT = 'Look at it again before you decide.';
    END IF;
    SELECT * INTO STRICT stage FROM approval.current_stage(number);
    IF stage.escalate_to IS NULL AND stage.started_at + stage.timeout <= p_now THEN
        RAISE EXCEPTION USING ERRCODE = 'AP006',
            MESSAGE = format('request %s waited too long at stage %s (%s), which was to be passed by %s', number,
                             stage.stage_no, stage.name, approval.when_text(stage.started_at + stage.timeout)),
            HINT = 'Submit it again.';
    END IF;
    IF approval.has_voted(p_request, stage.stage_no, p_principal_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP010',
            MESSAGE = format('%s has decided on request %s already; one person counts once', actor, number);
    END IF;
    voter := approval.stage_voter(p_request, stage.stage_no, p_principal_id, p_now);
    IF voter IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP008',
            MESSAGE = format('%s is not an approver of stage %s (%s), which request %s is at', actor, stage.stage_no, stage.name,
                             number),
            HINT = (SELECT 'Its approvers are: ' || string_agg(format('%s of %s', quorum, group_name), ', or ' ORDER BY group_name)
                    FROM approval.request_quorum WHERE request_id = number AND stage_no = stage.stage_no);
    END IF;
    IF voter <> p_principal_id AND approval.has_voted(p_request, stage.stage_no, voter) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP010',
            MESSAGE = format('whoever delegated to %s has decided on request %s already; one person counts once', actor, number);
    END IF;
    IF (SELECT strength FROM approval.assurance AS a WHERE a.assurance = p_assurance)
        < (SELECT strength FROM approval.assurance AS a WHERE a.assurance = stage.min_assurance) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP009',
            MESSAGE = format('stage %s (%s) asks for an identity that is %s; this one is only %s', stage.stage_no, stage.name,
                             stage.min_assurance, p_assurance),
            HINT = 'Decide with your own login: salt-approval approve.';
    END IF;
    overlap := approval.unresolved_overlap(number);
    IF p_decision = 'approve' AND overlap IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP018', MESSAGE = format('request %s cannot be approved yet: %s', number, overlap),
            HINT = 'Who asked for it resolves that: supersede, or wait.';
    END IF;
    plan := approval.missing_plan(number, p_now);
    IF p_decision = 'approve' AND plan IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP019', MESSAGE = format('request %s has %s', number, plan),
            HINT = 'Make one: salt-run approval.plan.';
    END IF;
    RETURN voter;
END
$$;
COMMENT ON FUNCTION approval.check_decision IS
    'Internal: whether a principal, known with this assurance, may decide so at p_now on a request as it is; gives the member of '
    'the stage''s groups for whom that counts. p_digest: of the item set that was reviewed; NULL: of the present one. The caller '
    'holds the request''s lock. Raises AP006-AP011, AP018, AP019.';
