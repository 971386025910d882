CREATE OR REPLACE FUNCTION approval.approve_request(p_request_id bigint) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target approval.request;
    kind approval.request_type;
    minions text[];
    moment timestamptz;
    due timestamptz;
    loss record;
    concerned bigint[];
    is_waved boolean;
    other bigint;
BEGIN
    SELECT * INTO STRICT target FROM approval.request WHERE request_id = p_request_id;
    SELECT * INTO STRICT kind FROM approval.request_type
    WHERE type_name = target.type_name AND type_version = target.type_version;
    minions := ARRAY(SELECT DISTINCT minion_id FROM approval.item
                     WHERE request_id = p_request_id AND item_set_version = target.item_set_version AND state = 'proposed');
    moment := approval.lock_minions(minions);
    -- Of one that was removed just after it was asked for, nothing takes effect.
    UPDATE approval.item AS i SET state = 'void' FROM approval.minion AS m
    WHERE i.request_id = p_request_id AND i.state = 'proposed' AND m.minion_id = i.minion_id AND m.removed_at IS NOT NULL;
    due := greatest(moment, target.not_before);
    PERFORM approval.move_request(p_request_id, 'pending', 'approved', moment);
    UPDATE approval.item
    SET state = 'approved', effective_at = due, expires_at = due + kind.valid_for,
        approval_seq = (SELECT nextval('approval.approval_seq'))
    WHERE request_id = p_request_id AND item_set_version = target.item_set_version AND state = 'proposed';
    -- An item of the superseded request that takes effect later would win over this one: it is taken out of force now. One that is
    -- due already is overtaken like any other, and holds until this one takes its place; under another name nothing would overtake
    -- it.
    WITH lost AS (
        UPDATE approval.item AS loser
        SET state = 'superseded'
        FROM approval.request_overlap AS o, approval.item AS winner
        WHERE o.request_id = p_request_id AND o.resolution = 'supersede' AND loser.request_id = o.other_id
            AND winner.request_id = p_request_id AND winner.state = 'approved' AND winner.minion_id = loser.minion_id
            AND winner.kind = loser.kind AND loser.state = 'approved'
            AND approval.resource_key(winner.kind, winner.name) = approval.resource_key(loser.kind, loser.name)
            AND approval.may_be_one(winner.kind, winner.name, loser.name)
            AND (loser.effective_at > moment OR winner.name <> loser.name)
            AND (winner.name = loser.name OR winner.content IS DISTINCT FROM loser.content)
        RETURNING loser.request_id, loser.minion_id
    )
    SELECT coalesce(array_agg(DISTINCT request_id), '{}') AS requests, coalesce(array_agg(DISTINCT minion_id), '{}') AS minions
    INTO loss FROM lost;
    is_waved := approval.start_rollout(p_request_id, kind);
    -- All of it is held back until its wave opens, so documents only change where another request lost something.
    concerned := loss.requests || approval.rewrite_documents(CASE WHEN is_waved THEN loss.minions ELSE minions END, moment);
    PERFORM approval.audit_append(p_request_id, moment, 'approved', NULL, NULL, NULL, jsonb_build_object(
        'effective_at', due, 'replaces', concerned));
    IF approval.is_dispatched(kind) THEN
        PERFORM approval.post_message('salt', 'dispatch', 'request/' || p_request_id, p_request_id,
                                      jsonb_build_object('action', kind.action, 'not_before', due), moment, due);
    END IF;
    FOR other IN SELECT DISTINCT unnest(concerned) ORDER BY 1 LOOP
        PERFORM approval.settle_request(other, moment);
    END LOOP;
    FOR other IN
        SELECT r.request_id FROM approval.request_overlap AS o JOIN approval.request AS r ON r.request_id = o.other_id
        WHERE o.request_id = p_request_id AND o.resolution = 'supersede' AND r.state = 'pending' ORDER BY 1
    LOOP
        PERFORM FROM approval.request WHERE request_id = other AND state = 'pending' FOR NO KEY UPDATE;
        CONTINUE WHEN NOT FOUND;
        UPDATE approval.item SET state = 'void' WHERE request_id = other AND state = 'proposed';
        PERFORM approval.move_request(other, 'pending', 'cancelled', moment);
        PERFORM approval.audit_append(other, moment, 'cancelled', NULL, NULL, NULL,
            jsonb_build_object('superseded_by', p_request_id));
    END LOOP;
    IF NOT EXISTS (SELECT FROM approval.item WHERE request_id = p_request_id AND state = 'approved') THEN
        PERFORM approval.settle_request(p_request_id, moment);
    END IF;
END
$$;
COMMENT ON FUNCTION approval.approve_request IS
    'Internal: the last approval was given; items take effect and documents are written. The caller holds the request''s lock.';
