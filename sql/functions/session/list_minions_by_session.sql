CREATE OR REPLACE FUNCTION approval.list_minions_by_session(p_token bytea, p_part text, p_after text, p_limit integer)
    RETURNS TABLE (minion_id text, os text, os_release text, seen_at timestamptz, revision bigint, standings jsonb,
                   silent_since timestamptz)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    -- Planned for what is asked: a part that few names have is looked up, and one that many have is met soon in their order.
    SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    -- Not the start of the transaction, in which something may have been approved.
    moment timestamptz := clock_timestamp();
    wanted text := btrim(p_part);
    part text := '%' || regexp_replace(lower(wanted), E'([\\\\%_])', E'\\\\\\1', 'g') || '%';
    found text[];
    actor record;
    readable text[];
BEGIN
    actor := approval.acting_by_session(p_token, 'read');
    readable := approval.readable_groups(approval.reading_as(actor.principal_id), 'requests');
    -- A part of one or two characters is in too many names to be looked for, but for their beginnings.
    IF length(wanted) > 2 THEN
        found := ARRAY(
            SELECT m.minion_id FROM approval.minion AS m
            WHERE m.removed_at IS NULL AND lower(m.minion_id) LIKE part AND m.minion_id COLLATE "C" > coalesce(p_after, '')
                AND approval.in_groups(m.minion_id, readable)
            ORDER BY m.minion_id COLLATE "C" LIMIT p_limit);
    ELSE
        found := ARRAY(
            SELECT m.minion_id FROM approval.minion AS m
            WHERE m.removed_at IS NULL AND m.minion_id COLLATE "C" > coalesce(p_after, '')
                AND m.minion_id COLLATE "C" >= coalesce(wanted, '')
                AND m.minion_id COLLATE "C" < coalesce(wanted, '') || chr(1114111) AND approval.in_groups(m.minion_id, readable)
            ORDER BY m.minion_id COLLATE "C" LIMIT p_limit);
    END IF;
    RETURN QUERY
    SELECT f.minion_id, k.os, k.os_release, k.seen_at, coalesce(d.revision, 0), coalesce(s.standings, '{}'), q.since
    FROM unnest(found) WITH ORDINALITY AS f (minion_id, place)
    LEFT JOIN approval.minion_fact AS k ON k.minion_id = f.minion_id
    LEFT JOIN approval.document_in_force(moment) AS d ON d.minion_id = f.minion_id
    LEFT JOIN approval.silence AS q ON q.minion_id = f.minion_id
    LEFT JOIN LATERAL (
        SELECT jsonb_object_agg(tally.standing, tally.count) AS standings
        FROM (SELECT CASE WHEN t.item_id IS NULL THEN i.outcome ELSE 'drifted' END AS standing, count(*) AS count
              FROM unnest(d.item_ids) AS held (item_id)
              JOIN approval.item AS i ON i.minion_id = f.minion_id AND i.item_id = held.item_id
              LEFT JOIN approval.drift AS t ON t.minion_id = i.minion_id AND t.item_id = i.item_id AND t.cleared_at IS NULL
              GROUP BY 1) AS tally) AS s ON true
    ORDER BY f.place;
END
$$;
COMMENT ON FUNCTION approval.list_minions_by_session IS
    'Minions in the order of their names, of those that a person with a session may read: those that have a text in their names, '
    'whatever the case of letters, or begin with it where it is of one or two characters; without one all. standings: how many '
    'of the resources in force stand how. p_after: only what comes behind that name. Raises AP001, AP002, AP020-AP022. Definer: '
    'tables are private.';
