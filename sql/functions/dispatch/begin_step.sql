CREATE OR REPLACE FUNCTION approval.begin_step(
    p_request_id bigint, p_minions text[], p_items bigint[], p_step text, p_jid text, p_type approval.request_type,
    p_now timestamptz) RETURNS SETOF text
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    proven_by constant text := approval.proof_of(p_type);
    within constant interval := approval.proof_within(p_type);
BEGIN
    IF p_step = 'ping' THEN
        RETURN QUERY
        UPDATE approval.wave_minion AS w SET ping_jid = p_jid, pinged_at = p_now
        WHERE w.request_id = p_request_id AND w.minion_id = ANY (p_minions)
        RETURNING w.minion_id;
    ELSIF p_step = 'observe' AND proven_by = 'reboot' THEN
        RETURN QUERY
        INSERT INTO approval.dispatch AS d (minion_id, item_id, request_id, proof, proof_within, state, state_at, observe_jid)
        SELECT g.minion_id, g.item_id, p_request_id, proven_by, within, 'observing', p_now, p_jid
        FROM unnest(p_minions, p_items) AS g (minion_id, item_id)
        ON CONFLICT DO NOTHING
        RETURNING d.minion_id;
    ELSIF p_step = 'perform' AND proven_by = 'reboot' THEN
        RETURN QUERY
        UPDATE approval.dispatch AS d SET state = 'sending', state_at = p_now, jid = p_jid
        FROM unnest(p_minions, p_items) AS g (minion_id, item_id)
        WHERE d.minion_id = g.minion_id AND d.item_id = g.item_id AND d.state = 'observed'
        RETURNING d.minion_id;
    ELSIF (p_step = 'perform' AND proven_by IN ('return', 'restart')) OR (p_step = 'apply' AND proven_by = 'state') THEN
        RETURN QUERY
        INSERT INTO approval.dispatch AS d (minion_id, item_id, request_id, proof, proof_within, state, state_at, jid)
        SELECT g.minion_id, g.item_id, p_request_id, proven_by, within, 'sending', p_now, p_jid
        FROM unnest(p_minions, p_items) AS g (minion_id, item_id)
        ON CONFLICT DO NOTHING
        RETURNING d.minion_id;
    END IF;
END
$$;
COMMENT ON FUNCTION approval.begin_step IS
    'Internal: writes down that a step of these items is done by this job; gives the minions where nobody else was at it. The '
    'caller has made sure that its time is now, and holds the request''s lock and those of lock_groups.';
