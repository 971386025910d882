CREATE OR REPLACE FUNCTION approval.show_health_by_session(p_token bytea) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor record;
    reader bigint;
BEGIN
    actor := approval.acting_by_session(p_token);
    reader := approval.reading_as(actor.principal_id);
    RETURN jsonb_build_object(
        'findings', (
            SELECT coalesce(jsonb_agg(to_jsonb(f) ORDER BY f.severity, f.subject, f.problem), '[]')
            FROM (SELECT * FROM approval.check_policy(reader) UNION ALL SELECT * FROM approval.check_work(reader)
                  UNION ALL SELECT * FROM approval.check_job_log() AS l
                  WHERE approval.readable_groups(reader, 'job_log') IS NULL
                  UNION ALL SELECT * FROM approval.check_alarms(reader)) AS f),
        'numbers', (SELECT jsonb_agg(to_jsonb(m) ORDER BY m.name, m.labels) FROM approval.metrics() AS m));
END
$$;
COMMENT ON FUNCTION approval.show_health_by_session IS
    'For a person with a session, as far as they may read that: {findings: of approval.check_policy, check_work, check_job_log '
    'and check_alarms, numbers: see approval.metrics}. Raises AP001, AP002, AP020, AP021. Definer: tables are private.';
