CREATE OR REPLACE FUNCTION approval.approve_request(p_request_id bigint) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target approval.request;
    minions text[];
    moment timestamptz;
    overtaken bigint[];
    other bigint;
BEGIN
    SELECT * INTO STRICT target FROM approval.request WHERE request_id = p_request_id;
    minions := ARRAY(SELECT DISTINCT minion_id FROM approval.item
                     WHERE request_id = p_request_id AND item_set_version = target.item_set_version);
    moment := approval.lock_minions(minions);
    PERFORM approval.move_request(p_request_id, 'pending', 'approved', moment);
    UPDATE approval.item
    SET state = 'approved', effective_at = greatest(moment, target.not_before),
        approval_seq = (SELECT nextval('approval.approval_seq'))
    WHERE request_id = p_request_id AND item_set_version = target.item_set_version AND state = 'proposed';
    overtaken := approval.rewrite_documents(minions, moment);
    PERFORM approval.audit_append(p_request_id, moment, 'approved', NULL, NULL, NULL, jsonb_build_object(
        'effective_at', greatest(moment, target.not_before), 'replaces', overtaken));
    FOREACH other IN ARRAY overtaken LOOP
        PERFORM approval.settle_request(other, moment);
    END LOOP;
END
$$;
COMMENT ON FUNCTION approval.approve_request(bigint) IS
    'Internal: the last approval was given; items take effect and documents are written. The caller holds the request''s lock.';
