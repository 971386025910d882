CREATE OR REPLACE FUNCTION approval.decide_by_session(
    p_token bytea, p_request_id bigint, p_decision text, p_comment text, p_digest text, p_stage integer) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor record;
    target approval.request;
    moment timestamptz;
    voter bigint;
BEGIN
    -- Nobody decides here on what they were not shown.
    IF p_digest IS NULL OR p_stage IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'a decision on the web names the digest and the stage that were shown';
    END IF;
    actor := approval.acting_by_session(p_token, 'decide');
    target := approval.lock_request(p_request_id, actor.principal_id);
    moment := clock_timestamp();
    -- The same form sent twice is one decision, and the second answer is that of the first.
    IF EXISTS (
            SELECT FROM approval.decision AS d JOIN approval.item_set AS s USING (request_id, item_set_version)
            WHERE d.request_id = p_request_id AND d.stage_no = p_stage AND d.principal_id = actor.principal_id
                AND d.decision = p_decision AND s.digest = p_digest AND d.item_set_version >= target.reviewed_version) THEN
        RETURN target.state;
    END IF;
    PERFORM approval.check_stage(target, p_stage);
    voter := approval.check_decision(target, actor.principal_id, actor.assurance, p_decision, p_digest, moment);
    RETURN approval.record_decision(target, actor.principal_id, voter, actor.provider, actor.subject, actor.assurance, p_decision,
                                    p_comment, moment, actor.proof);
END
$$;
COMMENT ON FUNCTION approval.decide_by_session IS
    'A decision of the person whose session has this token, on what they were shown: the item set with p_digest, at the stage '
    'with the number p_stage; gives the state after. The same again changes nothing. Raises AP001, AP002, AP005-AP011, AP014, '
    'AP018-AP022. Definer: nobody writes decisions otherwise.';
