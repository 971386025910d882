CREATE OR REPLACE FUNCTION approval.record_decision(
    p_request approval.request, p_principal_id bigint, p_voter bigint, p_provider text, p_subject text,
    p_assurance text, p_decision text, p_comment text, p_now timestamptz,
    p_proof jsonb DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    number constant bigint := p_request.request_id;
    note constant text := coalesce(p_comment, '');
    actor text;
    reviewed text;
    stage approval.request_stage;
BEGIN
    SELECT p.name INTO STRICT actor FROM approval.principal AS p WHERE p.principal_id = p_principal_id;
    SELECT s.digest INTO STRICT reviewed FROM approval.item_set AS s
    WHERE s.request_id = number AND s.item_set_version = p_request.item_set_version;
    SELECT * INTO STRICT stage FROM approval.current_stage(number);
    INSERT INTO approval.decision
        (request_id, item_set_version, stage_no, principal_id, counts_for, decision, provider, subject, login_role,
         assurance, comment, decided_at, decided_bytes)
    VALUES (number, p_request.item_set_version, stage.stage_no, p_principal_id, p_voter, p_decision, p_provider, p_subject,
            session_user::text, p_assurance, note, p_now,
            approval.decided_bytes(number, p_request.item_set_version, reviewed, stage.stage_no, p_decision, actor, note, p_now));
    PERFORM approval.audit_append(number, p_now, p_decision, actor, p_provider || ':' || p_subject, p_assurance,
        jsonb_build_object('stage', stage.stage_no, 'stage_name', stage.name, 'digest', reviewed, 'comment', note,
                           'counts_for', (SELECT name FROM approval.principal WHERE principal_id = p_voter))
        || CASE WHEN p_proof IS NULL THEN '{}' ELSE jsonb_build_object('proof', p_proof) END);
    IF p_decision = 'reject' THEN
        PERFORM approval.close_pending(number, 'rejected', p_now);
        RETURN 'rejected';
    END IF;
    RETURN approval.advance_chain(number, p_now);
END
$$;
COMMENT ON FUNCTION approval.record_decision IS
    'Internal: keeps a decision that approval.check_decision allowed, with the voter that it gave, and does what follows from '
    'it; gives the state after. p_proof: the place that it was read from, for the audit. The caller has held the request''s lock '
    'since the check.';
