CREATE OR REPLACE FUNCTION approval.begin_dispatches(
    p_request_id bigint, p_minions text[], p_items bigint[], p_step text, p_jid text) RETURNS SETOF text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    is_one constant boolean := cardinality(p_items) = 1;
    moment timestamptz;
    kind approval.request_type;
    free_minions text[];
    free_items bigint[];
    paired record;
BEGIN
    PERFORM approval.lock_groups(p_minions);
    PERFORM FROM approval.request AS r WHERE r.request_id = p_request_id FOR NO KEY UPDATE;
    IF NOT FOUND OR p_jid IS NULL THEN
        RETURN;
    END IF;
    moment := clock_timestamp();
    SELECT t.* INTO STRICT kind FROM approval.request_type AS t JOIN approval.request AS r USING (type_name, type_version)
    WHERE r.request_id = p_request_id;
    SELECT array_agg(s.minion_id), array_agg(s.item_id) INTO free_minions, free_items
    FROM approval.dispatchable(p_request_id, p_minions, p_items, moment) AS s
    WHERE s.readiness = CASE p_step WHEN 'ping' THEN 'ping' ELSE 'now' END;
    IF p_step <> 'ping' AND NOT is_one THEN
        -- Minions of a group with at_once one by one, as each that is begun may fill the group.
        FOR paired IN
            SELECT f.minion_id, f.item_id FROM unnest(free_minions, free_items) AS f (minion_id, item_id)
            WHERE EXISTS (SELECT FROM approval.minion_group_member AS m JOIN approval.minion_group AS g USING (group_name)
                          WHERE m.minion_id = f.minion_id AND g.at_once IS NOT NULL)
            ORDER BY f.minion_id, f.item_id
        LOOP
            RETURN QUERY
            SELECT b.minion_id FROM approval.begin_step(
                p_request_id, ARRAY[paired.minion_id], ARRAY[paired.item_id], p_step, p_jid, kind, moment) AS b (minion_id)
            WHERE approval.full_group(paired.minion_id, moment) IS NULL;
        END LOOP;
        SELECT array_agg(f.minion_id), array_agg(f.item_id) INTO free_minions, free_items
        FROM unnest(free_minions, free_items) AS f (minion_id, item_id)
        WHERE NOT EXISTS (SELECT FROM approval.minion_group_member AS m JOIN approval.minion_group AS g USING (group_name)
                          WHERE m.minion_id = f.minion_id AND g.at_once IS NOT NULL);
    END IF;
    RETURN QUERY
    SELECT b.minion_id FROM approval.begin_step(p_request_id, free_minions, free_items, p_step, p_jid, kind, moment)
        AS b (minion_id);
END
$$;
COMMENT ON FUNCTION approval.begin_dispatches IS
    'Written before a job is published: that this step of items of a request, given as pairs, is done by this job. Gives the '
    'minions that it may be published to: not those whose time is not now, where somebody else is at it, or of whose group with '
    'at_once so many are in flight. Definer: tables are private.';
