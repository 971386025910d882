CREATE OR REPLACE FUNCTION approval.put_route(p_destination text, p_topic text, p_filter jsonb DEFAULT '{}') RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO approval.route VALUES (p_destination, p_topic, p_filter) ON CONFLICT DO NOTHING;
    IF FOUND THEN
        PERFORM approval.audit_append(0, now(), 'route-put', NULL, NULL, NULL,
                                      jsonb_build_object('destination', p_destination, 'topic', p_topic, 'filter', p_filter));
    END IF;
    RETURN FOUND;
EXCEPTION WHEN check_violation OR not_null_violation THEN
    RAISE EXCEPTION USING ERRCODE = 'AP017',
        MESSAGE = 'a route is a destination other than salt (small letters, digits, - and _), a topic (requests, jobs, inventory, '
                  'drift, alarms) and a filter, which is a mapping';
END
$$;
COMMENT ON FUNCTION approval.put_route IS
    'Has a destination told of a topic: of what contains the filter; gives whether anything changed. Events of before are not '
    'told. Raises AP017. Definer: policy changes are audited.';
