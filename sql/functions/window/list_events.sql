CREATE OR REPLACE FUNCTION approval.list_events(p_from timestamptz, p_until timestamptz, p_limit integer)
    RETURNS TABLE (kind text, name text, starts_at timestamptz, ends_at timestamptz, types text[], minion_group text, reason text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT * FROM (
    SELECT 'window' AS kind, s.calendar_name AS name, s.starts_at, s.ends_at, ARRAY(
        SELECT t.type_name FROM approval.newest_type AS t WHERE t.calendar_name = s.calendar_name ORDER BY t.type_name) AS types,
        NULL AS minion_group, '' AS reason
    FROM approval.calendar_span AS s WHERE s.starts_at < p_until AND s.ends_at > p_from
    UNION ALL
    SELECT 'freeze', f.freeze_name, f.starts_at, f.ends_at, CASE WHEN f.type_name IS NOT NULL THEN ARRAY[f.type_name] END,
        f.minion_group, f.reason
    FROM approval.freeze AS f WHERE f.starts_at < p_until AND f.ends_at > p_from) AS event
ORDER BY event.starts_at, event.kind, event.name LIMIT p_limit
$$;
COMMENT ON FUNCTION approval.list_events IS
    'Internal: the openings of calendars and the freezes that are on between two times, in their order: kind is window or freeze. '
    'types are those that wait for the calendar, or that the freeze is for; NULL: all.';
