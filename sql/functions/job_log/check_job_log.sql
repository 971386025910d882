CREATE OR REPLACE FUNCTION approval.check_job_log() RETURNS TABLE (severity text, subject text, problem text, remedy text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
WITH unpublished AS (
    SELECT DISTINCT r.jid FROM approval.job_return AS r
    LEFT JOIN approval.job AS j ON j.jid = r.jid
    WHERE r.flags && '{unknown-job,untargeted}' AND r.received_at > now() - interval '1 day' AND (j.jid IS NULL OR j.claimed)
)
SELECT 'warning', 'job log',
    format('%s that minions returned from in the last day lack there: none was published here', approval.counted(count(*), 'job')),
    format('One is %s. Look for a master whose job cache is another, and set master_job_cache: approval there.', min(u.jid))
FROM unpublished AS u HAVING count(*) > 0
$$;
COMMENT ON FUNCTION approval.check_job_log IS
    'Gaps of the job log, as findings of the check: jobs of the last day that minions returned from, and that nobody published '
    'here. What a minion says alone of itself (salt-call, a schedule) is none. Definer: tables are private.';
