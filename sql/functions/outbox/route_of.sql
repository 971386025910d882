CREATE OR REPLACE FUNCTION approval.route_of(p_destination text, p_topic text, p_filter jsonb, p_only jsonb) RETURNS approval.route
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    lists constant jsonb := '{"requests": ["groups", "types"], "jobs": ["groups", "outcomes", "functions", "users"],
        "alarms": ["groups", "severities"], "drift": ["groups"], "inventory": ["groups"]}'::jsonb;
    known constant jsonb := '{"outcomes": ["running", "ok", "failed", "silent"],
        "severities": ["info", "warning", "critical"]}'::jsonb;
    problem text;
    narrowed jsonb;
BEGIN
    IF jsonb_typeof(p_only) IS DISTINCT FROM 'object' THEN
        problem := 'what narrows it is a mapping';
    ELSIF lists ? p_topic THEN
        SELECT CASE
            WHEN o.key = 'quiet_hours' THEN CASE WHEN NOT EXISTS (
                    SELECT FROM approval.calendar AS c WHERE c.calendar_name = o.value #>> '{}')
                THEN format('there is no calendar %s', o.value) END
            WHEN NOT lists -> p_topic ? o.key THEN format('%s does not narrow topic %s', o.key, p_topic)
            WHEN jsonb_typeof(o.value) <> 'array'
                    OR jsonb_path_exists(o.value, 'strict $[*] ? (@.type() != "string" || @ == "")')
                THEN format('%s is a list of names', o.key)
            WHEN known ? o.key AND NOT known -> o.key @> o.value
                THEN format('%s are of %s', o.key, (SELECT string_agg(n, ', ') FROM jsonb_array_elements_text(known -> o.key) AS n))
            END INTO problem
        FROM jsonb_each(p_only) AS o ORDER BY 1 LIMIT 1;
        IF problem IS NULL THEN
            SELECT format('there is no %s %s', named.kind, string_agg(named.name, ', ' ORDER BY named.name)) INTO problem
            FROM (SELECT 'minion group' AS kind, n AS name FROM jsonb_array_elements_text(p_only -> 'groups') AS n
                  WHERE NOT EXISTS (SELECT FROM approval.minion_group AS g WHERE g.group_name = n)
                  UNION ALL
                  SELECT 'type', n FROM jsonb_array_elements_text(p_only -> 'types') AS n
                  WHERE NOT EXISTS (SELECT FROM approval.newest_type AS t WHERE t.type_name = n)) AS named
            GROUP BY named.kind ORDER BY named.kind LIMIT 1;
        END IF;
    END IF;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP017', MESSAGE = format('route of %s to %s: %s', p_topic, p_destination, problem);
    END IF;
    SELECT jsonb_object_agg(o.key, CASE WHEN jsonb_typeof(o.value) <> 'array' THEN o.value ELSE (
            SELECT coalesce(jsonb_agg(n.name ORDER BY n.name COLLATE "C"), '[]')
            FROM (SELECT DISTINCT jsonb_array_elements_text(o.value) AS name) AS n) END) INTO narrowed
    FROM jsonb_each(p_only) AS o;
    RETURN jsonb_populate_record(
        NULL::approval.route, '{"groups": [], "types": [], "outcomes": [], "functions": [], "users": [], "severities": []}'
        || coalesce(narrowed, '{}')
        || jsonb_build_object('destination', p_destination, 'topic', p_topic, 'filter', p_filter));
END
$$;
COMMENT ON FUNCTION approval.route_of IS
    'Internal: a row of table route, with p_only its lists, sorted, and its quiet hours: {groups, types, outcomes, functions, '
    'users, severities, quiet_hours}, each of which may be left out. Raises AP017.';
