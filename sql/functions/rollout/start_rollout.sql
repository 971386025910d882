CREATE OR REPLACE FUNCTION approval.start_rollout(p_request_id bigint, p_type approval.request_type) RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    minions constant text[] := ARRAY(
        SELECT DISTINCT i.minion_id FROM approval.item AS i WHERE i.request_id = p_request_id AND i.state = 'approved');
    total constant integer := cardinality(minions);
    wanted jsonb;
    canaries integer;
    ends integer[];
BEGIN
    -- A renewal asks for what is there already.
    SELECT approval.rollout_for(p_type, r.rollout, minions) INTO wanted FROM approval.request AS r
    WHERE r.request_id = p_request_id AND r.renews IS NULL;
    IF wanted IS NULL OR total = 0 THEN
        RETURN false;
    END IF;
    canaries := least(approval.canaries_of(wanted, minions), total);
    ends := approval.wave_ends(wanted, total, canaries);
    INSERT INTO approval.rollout (request_id, plan, soak, max_failures, max_in_flight, state, look_at)
    VALUES (p_request_id, wanted, coalesce(approval.duration('soak', wanted -> 'soak'), interval '0'),
            coalesce(floor(approval.amount_of(wanted -> 'max_failures', total)), 0), (wanted ->> 'max_in_flight')::integer,
            'running', clock_timestamp());
    INSERT INTO approval.wave (request_id, wave_no, is_canaries, minions)
    SELECT p_request_id, e.wave_no, canaries IS NOT NULL AND e.wave_no = 1, e.edge - lag(e.edge, 1, 0) OVER (ORDER BY e.wave_no)
    FROM unnest(ends) WITH ORDINALITY AS e (edge, wave_no);
    INSERT INTO approval.wave_minion (request_id, minion_id, wave_no)
    SELECT p_request_id, o.minion_id, width_bucket(o.place, ARRAY[1] || ARRAY(SELECT edge + 1 FROM unnest(ends) AS edge))
    FROM (SELECT named.minion_id, row_number() OVER (ORDER BY m.minion_id IS NULL,
              -- Names sort machines by place and purpose, so each wave takes some from everywhere.
              hashtextextended(named.minion_id, p_request_id), named.minion_id)::integer AS place
          FROM unnest(minions) AS named (minion_id)
          LEFT JOIN approval.minion_group_member AS m
              ON m.minion_id = named.minion_id AND m.group_name = wanted #>> '{canaries,minion_group}') AS o;
    RETURN true;
END
$$;
COMMENT ON FUNCTION approval.start_rollout IS
    'Internal: gives the minions of a request that was just approved their waves, if it has a rollout, and tells whether it has. '
    'Canaries that are a group come first; else the order is mixed, another for each request. Raises AP005, see rollout_for.';
