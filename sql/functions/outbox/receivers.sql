CREATE OR REPLACE FUNCTION approval.receivers(p_topic text, p_thread text, p_request_id bigint, p_body jsonb, p_now timestamptz)
    RETURNS TABLE (destination text, due_at timestamptz)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT r.destination, min(coalesce(quiet.ends_at, '-infinity'))
FROM approval.route AS r
LEFT JOIN LATERAL (
    SELECT max(s.ends_at) AS ends_at FROM approval.calendar_span AS s
    WHERE s.calendar_name = r.quiet_hours AND s.starts_at <= p_now AND s.ends_at > p_now
        AND p_body ->> 'severity' IS DISTINCT FROM 'critical' AND p_body ->> 'act' IS DISTINCT FROM 'glass-broken') AS quiet ON true
WHERE r.topic = p_topic AND p_body @> r.filter
    AND (r.types = '{}' OR p_body ->> 'type' = ANY (r.types))
    AND (r.outcomes = '{}' OR p_body ->> 'outcome' = ANY (r.outcomes))
    AND (r.severities = '{}' OR p_body ->> 'severity' = ANY (r.severities))
    AND (r.users = '{}' OR approval.matches_any(p_body ->> 'user', r.users))
    AND (r.functions = '{}' OR EXISTS (
        SELECT FROM string_to_table(p_body ->> 'fun', ',') AS f WHERE approval.matches_any(f, r.functions)))
    AND (r.groups = '{}' OR approval.is_about_groups(p_thread, p_request_id, p_body, r.groups))
GROUP BY r.destination
ORDER BY r.destination
$$;
COMMENT ON FUNCTION approval.receivers IS
    'Internal: the destinations that routes lead a notice to, and from when on it is to be delivered there: at once, or when the '
    'quiet hours of all these routes are over.';
