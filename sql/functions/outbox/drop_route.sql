CREATE OR REPLACE FUNCTION approval.drop_route(p_destination text, p_topic text, p_filter jsonb DEFAULT '{}') RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM approval.route WHERE destination = p_destination AND topic = p_topic AND filter = p_filter;
    IF FOUND THEN
        PERFORM approval.audit_append(0, now(), 'route-dropped', NULL, NULL, NULL,
                                      jsonb_build_object('destination', p_destination, 'topic', p_topic, 'filter', p_filter));
    END IF;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION approval.drop_route IS
    'Takes a route away; gives whether there was one. Messages that it led to stay in the outbox. Definer: policy changes are '
    'audited.';
