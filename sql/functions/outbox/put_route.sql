CREATE OR REPLACE FUNCTION approval.put_route(
    p_destination text, p_topic text, p_filter jsonb DEFAULT '{}', p_only jsonb DEFAULT '{}') RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted constant approval.route := approval.route_of(p_destination, p_topic, p_filter, p_only);
BEGIN
    INSERT INTO approval.route AS r SELECT (wanted).*
    ON CONFLICT (destination, topic, filter, groups, types, outcomes, functions, users, severities) DO UPDATE
    SET quiet_hours = excluded.quiet_hours
    WHERE r.quiet_hours IS DISTINCT FROM excluded.quiet_hours;
    IF FOUND THEN
        PERFORM approval.audit_append(0, now(), 'route-put', NULL, NULL, NULL, jsonb_build_object(
            'destination', p_destination, 'topic', p_topic, 'filter', p_filter)
            || CASE WHEN p_only <> '{}' THEN jsonb_build_object('only', p_only) ELSE '{}' END);
    END IF;
    RETURN FOUND;
EXCEPTION
    WHEN check_violation OR not_null_violation THEN
        RAISE EXCEPTION USING ERRCODE = 'AP017',
            MESSAGE = 'a route is a destination other than salt (small letters, digits, - and _), a topic (requests, jobs, '
                      'inventory, drift, alarms) and a filter, which is a mapping';
    WHEN program_limit_exceeded THEN
        RAISE EXCEPTION USING ERRCODE = 'AP017',
            MESSAGE = format('route of %s to %s: its filter and lists are too long', p_topic, p_destination),
            HINT = 'Make several routes of it: who is led to by more than one is told once.';
END
$$;
COMMENT ON FUNCTION approval.put_route IS
    'Has a destination told of a topic: of what contains the filter, and p_only lets pass (see route_of); gives whether anything '
    'changed. Events of before are not told. Raises AP017. Definer: policy changes are audited.';
