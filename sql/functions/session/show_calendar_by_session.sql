CREATE OR REPLACE FUNCTION approval.show_calendar_by_session(
    p_token bytea, p_from timestamptz, p_until timestamptz, p_limit integer) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    shown_requests constant integer := 50;
    looked_at constant integer := 1000;
    reader bigint;
    readable text[];
    actor record;
BEGIN
    actor := approval.acting_by_session(p_token);
    reader := approval.reading_as(actor.principal_id);
    readable := approval.readable_groups(reader, 'requests');
    RETURN jsonb_build_object(
        'events', (SELECT coalesce(jsonb_agg(to_jsonb(e)), '[]') FROM approval.list_events(p_from, p_until, p_limit) AS e),
        'held', (SELECT coalesce(jsonb_agg(to_jsonb(h)), '[]')
                 FROM (SELECT l.* FROM approval.list_held_requests(clock_timestamp(), CASE WHEN readable IS NULL THEN shown_requests
                                                                                           ELSE looked_at END) AS l
                       WHERE readable IS NULL OR approval.may_read(reader, 'requests', l.request) LIMIT shown_requests) AS h),
        'calendars', (SELECT coalesce(jsonb_agg(to_jsonb(c)), '[]') FROM approval.list_calendars() AS c));
END
$$;
COMMENT ON FUNCTION approval.show_calendar_by_session IS
    'For a person with a session: the first p_limit windows and freezes that are on between two times (events, see '
    'approval.list_events), approved requests that they may read and that wait for an opening now, fifty at the most (held, see '
    'approval.list_held_requests), and all calendars (see approval.list_calendars). Raises AP001, AP002, AP020, AP021. Definer: '
    'tables are private.';
