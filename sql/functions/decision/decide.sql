CREATE OR REPLACE FUNCTION approval.decide(
    p_provider text, p_subject text, p_request_id bigint, p_decision text, p_comment text, p_digest text,
    p_stage integer DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor record;
    target approval.request;
    moment timestamptz;
    voter bigint;
BEGIN
    actor := approval.acting_principal(p_provider, p_subject);
    -- Two who decide at once, or decide and cancel, are ordered by this lock.
    target := approval.lock_request(p_request_id, actor.principal_id);
    -- Not the start of the transaction: the caller chose that, and a wait for the lock only makes it older.
    moment := clock_timestamp();
    PERFORM approval.check_stage(target, p_stage);
    voter := approval.check_decision(target, actor.principal_id, actor.assurance, p_decision, p_digest, moment);
    RETURN approval.record_decision(
        target, actor.principal_id, voter, p_provider, p_subject, actor.assurance, p_decision, p_comment, moment);
END
$$;
COMMENT ON FUNCTION approval.decide IS
    'One approver''s approve or reject at the stage that the request is at; gives the state after. p_digest: of the item set that '
    'was reviewed, NULL to decide on the present one; p_stage: the number of the stage that it is for, NULL for the present one. '
    'Raises AP001, AP002, AP006-AP011, AP014, AP018, AP019. Definer: nobody writes decisions otherwise.';
