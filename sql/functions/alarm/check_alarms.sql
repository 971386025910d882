CREATE OR REPLACE FUNCTION approval.check_alarms(p_reader bigint DEFAULT NULL)
    RETURNS TABLE (severity text, subject text, problem text, remedy text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
-- Muted ones are known to somebody.
SELECT 'warning', 'alarms', format('%s: %s not acknowledged (%s%s); the last: %s', a.kind, count(*),
        array_to_string((array_agg(a.alarm_id ORDER BY a.alarm_id DESC))[:5], ', '), CASE WHEN count(*) > 5 THEN ', ...' END,
        (array_agg(a.what ORDER BY a.alarm_id DESC))[1]),
    'Look at them, and acknowledge or mute each: salt-approval alarms'
FROM (SELECT approval.readable_groups(approval.reading_as(p_reader), 'job_log') AS readable) AS r CROSS JOIN approval.alarm AS a
WHERE a.acknowledged_at IS NULL AND coalesce(a.muted_until <= now(), true)
    AND approval.reads_alarm(a, r.readable)
GROUP BY a.kind ORDER BY a.kind
$$;
COMMENT ON FUNCTION approval.check_alarms IS
    'The kinds of alarms that nobody has acknowledged or muted, with their numbers, as findings of the check: see '
    'approval.check_policy; of those that the login, or p_reader (see reading_as), may read. Definer: tables are private.';
