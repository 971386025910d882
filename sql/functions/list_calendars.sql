CREATE OR REPLACE FUNCTION approval.list_calendars()
    RETURNS TABLE (calendar text, rule text, time_zone text, duration interval, starts_on timestamp, next_openings timestamptz[])
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT c.calendar_name, c.rule, c.time_zone, c.duration, c.starts_on, ARRAY(
    SELECT s.starts_at FROM approval.calendar_span AS s
    WHERE s.calendar_name = c.calendar_name AND s.ends_at > now() ORDER BY s.starts_at LIMIT 4)
FROM approval.calendar AS c ORDER BY c.calendar_name
$$;
COMMENT ON FUNCTION approval.list_calendars() IS 'Maintenance windows with their next openings. Definer: tables are private.';
