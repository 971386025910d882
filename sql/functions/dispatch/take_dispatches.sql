CREATE OR REPLACE FUNCTION approval.take_dispatches(p_request_id bigint, p_minions text[], p_limit integer)
    RETURNS TABLE (minion_id text, item_id bigint, step text, function text, kwarg jsonb, proof text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    longest_known constant interval := interval '10 minutes';
    moment timestamptz := clock_timestamp();
    found record;
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
    -- Gone through once, since there may be a hundred thousand.
    SELECT array_agg(s.minion_id) FILTER (WHERE s.is_over) AS over_minions,
        array_agg(s.item_id) FILTER (WHERE s.is_over) AS over_items, array_agg(s.reason) FILTER (WHERE s.is_over) AS over_reasons,
        array_agg(s.minion_id) FILTER (WHERE s.is_due) AS minions, array_agg(s.item_id) FILTER (WHERE s.is_due) AS items,
        array_agg(s.readiness) FILTER (WHERE s.is_due) AS readiness, array_agg(s.state) FILTER (WHERE s.is_due) AS states
    INTO found
    FROM (SELECT e.*, d.state, e.readiness = 'never' AND (d.state IS NULL OR d.state IN ('observing', 'observed')) AS is_over,
              -- As an expression, the list is hashed: as a join, it may be gone through for each of the items.
              CASE WHEN e.readiness IN ('now', 'ping') AND (d.state IS NULL OR d.state = 'observed')
                  THEN e.minion_id IN (SELECT unnest(p_minions)) ELSE false END AS is_due
          FROM approval.dispatchable(p_request_id, NULL, NULL, moment) AS e
          LEFT JOIN approval.dispatch AS d USING (minion_id, item_id)) AS s;
    FOR over IN
        SELECT o.* FROM unnest(found.over_minions, found.over_items, found.over_reasons) AS o (minion_id, item_id, reason)
        ORDER BY o.minion_id, o.item_id
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
        CASE WHEN kind.kind = 'action' THEN (
            SELECT approval.item_arguments(i)::jsonb FROM approval.item AS i
            WHERE i.minion_id = s.minion_id AND i.item_id = s.item_id) ELSE '{}' END, proven_by
    FROM (SELECT p.*
          FROM (SELECT u.*, row_number() OVER (PARTITION BY u.readiness ORDER BY u.minion_id, u.item_id) AS place
                FROM unnest(found.minions, found.items, found.readiness, found.states)
                    AS u (minion_id, item_id, readiness, state)) AS p
          WHERE p.readiness = 'ping' OR coalesce(p.place <= room, true)
          ORDER BY p.minion_id, p.item_id
          LIMIT p_limit) AS s
    ORDER BY s.minion_id, s.item_id;
END
$$;
COMMENT ON FUNCTION approval.take_dispatches IS
    'Takes the steps of a request that are to be done now on these minions, a limited number: ping (ask whether the minion is '
    'there), observe (ask what is there before), perform (send the action) or apply (send the state). Actions that can no longer '
    'be sent are put away as such first. Definer: tables are private.';
