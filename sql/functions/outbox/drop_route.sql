CREATE OR REPLACE FUNCTION approval.drop_route(
    p_destination text, p_topic text, p_filter jsonb DEFAULT '{}', p_only jsonb DEFAULT '{}') RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    gone constant approval.route := approval.route_of(p_destination, p_topic, p_filter, p_only - 'quiet_hours');
BEGIN
    DELETE FROM approval.route AS r
    WHERE (r.destination, r.topic, r.filter, r.groups, r.types, r.outcomes, r.functions, r.users, r.severities)
        = (gone.destination, gone.topic, gone.filter, gone.groups, gone.types, gone.outcomes, gone.functions, gone.users,
           gone.severities);
    IF FOUND THEN
        PERFORM approval.audit_append(0, now(), 'route-dropped', NULL, NULL, NULL, jsonb_build_object(
            'destination', p_destination, 'topic', p_topic, 'filter', p_filter)
            || CASE WHEN p_only <> '{}' THEN jsonb_build_object('only', p_only) ELSE '{}' END);
    END IF;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION approval.drop_route IS
    'Takes a route away, as put_route made it, whatever its quiet hours; gives whether there was one. Messages that it led to stay '
    'in the outbox. Raises AP017. Definer: policy changes are audited.';
