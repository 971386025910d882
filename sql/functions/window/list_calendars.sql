CREATE OR REPLACE FUNCTION approval.list_calendars()
    RETURNS TABLE (calendar text, rule text, time_zone text, duration interval, starts_on timestamp, next_openings timestamptz[],
                   next_closings timestamptz[], types text[])
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT c.calendar_name, c.rule, c.time_zone, c.duration, c.starts_on, next.openings, next.closings, ARRAY(
    SELECT newest.type_name
    FROM (SELECT DISTINCT ON (t.type_name) t.type_name, t.calendar_name FROM approval.request_type AS t
          ORDER BY t.type_name, t.type_version DESC) AS newest
    WHERE newest.calendar_name = c.calendar_name ORDER BY newest.type_name)
FROM approval.calendar AS c
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(s.starts_at ORDER BY s.starts_at), '{}') AS openings,
        coalesce(array_agg(s.ends_at ORDER BY s.starts_at), '{}') AS closings
    FROM (SELECT * FROM approval.calendar_span AS ahead
          WHERE ahead.calendar_name = c.calendar_name AND ahead.ends_at > now() ORDER BY ahead.starts_at LIMIT 4) AS s) AS next
ORDER BY c.calendar_name
$$;
COMMENT ON FUNCTION approval.list_calendars IS
    'Maintenance windows with their next openings, when each of them closes, and the types that wait for them. Definer: tables are '
    'private.';
