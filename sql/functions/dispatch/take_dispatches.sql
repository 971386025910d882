CREATE OR REPLACE FUNCTION approval.take_dispatches(p_request_id bigint, p_minions text[], p_limit integer)
    RETURNS TABLE (minion_id text, item_id bigint, step text, function text, kwarg jsonb, proof text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    longest_known constant interval := interval '10 minutes';
    moment timestamptz := clock_timestamp();
    over record;
    kind approval.request_type;
    proven_by text;
    room bigint;
BEGIN
    PERFORM approval.lock_request(p_request_id);
    SELECT t.* INTO STRICT kind FROM approval.request_type AS t JOIN approval.request AS r USING (type_name, type_version)
    WHERE r.request_id = p_request_id;
    proven_by := approval.proof_of(kind);
    -- An observation of the state before an action is only worth something shortly before it.
    DELETE FROM approval.dispatch AS d
    WHERE d.request_id = p_request_id AND d.state = 'observed' AND d.state_at < moment - longest_known;
    FOR over IN
        SELECT s.minion_id, s.item_id, s.reason FROM approval.dispatchable(p_request_id, NULL, NULL, moment) AS s
        LEFT JOIN approval.dispatch AS d USING (minion_id, item_id)
        WHERE s.readiness = 'never' AND (d.state IS NULL OR d.state IN ('observing', 'observed'))
        ORDER BY s.minion_id, s.item_id
        LIMIT p_limit
    LOOP
        INSERT INTO approval.dispatch AS d (minion_id, item_id, request_id, proof, proof_within, state, state_at, ended_at)
        VALUES (over.minion_id, over.item_id, p_request_id, proven_by, approval.proof_within(kind), 'unsent', moment, moment)
        ON CONFLICT ON CONSTRAINT dispatch_pkey DO NOTHING;
        PERFORM approval.end_dispatch(over.minion_id, over.item_id, 'unsent', NULL, 'not sent: ' || over.reason, moment);
    END LOOP;
    SELECT approval.room_in_flight(o) INTO room FROM approval.rollout AS o WHERE o.request_id = p_request_id;
    RETURN QUERY
    SELECT s.minion_id, s.item_id,
        CASE WHEN s.readiness = 'ping' THEN 'ping'
             WHEN proven_by = 'state' THEN 'apply'
             WHEN s.state IS NULL AND proven_by = 'reboot' THEN 'observe'
             ELSE 'perform' END,
        kind.action ->> 'function',
        CASE WHEN i.kind = 'action' THEN approval.item_arguments(i)::jsonb ELSE '{}' END, proven_by
    FROM (SELECT e.*, d.state, row_number() OVER (PARTITION BY e.readiness ORDER BY e.minion_id, e.item_id) AS place
          FROM approval.dispatchable(p_request_id, NULL, NULL, moment) AS e
          JOIN unnest(p_minions) AS reachable ON reachable = e.minion_id
          LEFT JOIN approval.dispatch AS d USING (minion_id, item_id)
          WHERE e.readiness IN ('now', 'ping') AND (d.state IS NULL OR d.state = 'observed')) AS s
    JOIN approval.item AS i USING (minion_id, item_id)
    WHERE s.readiness = 'ping' OR coalesce(s.place <= room, true)
    ORDER BY s.minion_id, s.item_id
    LIMIT p_limit;
END
$$;
COMMENT ON FUNCTION approval.take_dispatches IS
    'Takes the steps of a request that are to be done now on these minions, a limited number: ping (ask whether the minion is '
    'there), observe (ask what is there before), perform (send the action) or apply (send the state). Actions that can no longer '
    'be sent are put away as such first. Definer: tables are private.';
