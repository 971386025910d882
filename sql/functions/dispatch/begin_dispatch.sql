CREATE OR REPLACE FUNCTION approval.begin_dispatch(p_minion_id text, p_item_id bigint, p_step text, p_jid text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz;
    number bigint;
    kind approval.request_type;
    proven_by text;
BEGIN
    PERFORM approval.lock_groups(ARRAY[p_minion_id]);
    SELECT i.request_id INTO number FROM approval.item AS i WHERE i.minion_id = p_minion_id AND i.item_id = p_item_id;
    PERFORM FROM approval.request AS r WHERE r.request_id = number FOR NO KEY UPDATE;
    moment := clock_timestamp();
    IF p_jid IS NULL OR NOT EXISTS (
            SELECT FROM approval.dispatchable(number, p_minion_id, p_item_id, moment) AS s
            WHERE s.readiness = CASE p_step WHEN 'ping' THEN 'ping' ELSE 'now' END) THEN
        RETURN false;
    END IF;
    SELECT t.* INTO STRICT kind FROM approval.request_type AS t JOIN approval.request AS r USING (type_name, type_version)
    WHERE r.request_id = number;
    proven_by := approval.proof_of(kind);
    IF p_step = 'ping' THEN
        UPDATE approval.wave_minion AS w SET ping_jid = p_jid, pinged_at = moment
        WHERE w.request_id = number AND w.minion_id = p_minion_id;
    ELSIF p_step = 'observe' AND proven_by = 'reboot' THEN
        INSERT INTO approval.dispatch (minion_id, item_id, request_id, proof, proof_within, state, state_at, observe_jid)
        VALUES (p_minion_id, p_item_id, number, proven_by, approval.proof_within(kind), 'observing', moment, p_jid)
        ON CONFLICT DO NOTHING;
    ELSIF p_step = 'perform' AND proven_by = 'reboot' THEN
        UPDATE approval.dispatch AS d SET state = 'sending', state_at = moment, jid = p_jid
        WHERE d.minion_id = p_minion_id AND d.item_id = p_item_id AND d.state = 'observed';
    ELSIF (p_step = 'perform' AND proven_by IN ('return', 'restart')) OR (p_step = 'apply' AND proven_by = 'state') THEN
        INSERT INTO approval.dispatch (minion_id, item_id, request_id, proof, proof_within, state, state_at, jid)
        VALUES (p_minion_id, p_item_id, number, proven_by, approval.proof_within(kind), 'sending', moment, p_jid)
        ON CONFLICT DO NOTHING;
    ELSE
        RETURN false;
    END IF;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION approval.begin_dispatch IS
    'Written before a job is published: that this step of an item is done by this job. False: it must not be published, as its '
    'time is not now, somebody else is at it, or so many of a group with at_once are in flight. Definer: tables are private.';
