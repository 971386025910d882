CREATE OR REPLACE FUNCTION approval.show_health_by_session(p_token bytea) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM approval.acting_by_session(p_token);
    RETURN jsonb_build_object(
        'findings', (
            SELECT coalesce(jsonb_agg(to_jsonb(f) ORDER BY f.severity, f.subject, f.problem), '[]')
            FROM (SELECT * FROM approval.check_policy() UNION ALL SELECT * FROM approval.check_work()
                  UNION ALL SELECT * FROM approval.check_job_log() UNION ALL SELECT * FROM approval.check_alarms()) AS f),
        'numbers', (SELECT jsonb_agg(to_jsonb(m) ORDER BY m.name, m.labels) FROM approval.metrics() AS m));
END
$$;
COMMENT ON FUNCTION approval.show_health_by_session IS
    'For a person with a session: {findings: of approval.check_policy, check_work, check_job_log and check_alarms, numbers: see '
    'approval.metrics}. Raises AP001, AP002, AP020, AP021. Definer: tables are private.';
