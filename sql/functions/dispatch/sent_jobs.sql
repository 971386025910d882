CREATE OR REPLACE FUNCTION approval.sent_jobs(p_request_id bigint, p_limit integer)
    RETURNS TABLE (jid text, at timestamptz, minions bigint)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
-- From each job to the next one by the index: few jobs are sent to many minions.
WITH RECURSIVE job AS (
    (SELECT d.jid FROM approval.dispatch AS d WHERE d.request_id = p_request_id AND d.jid IS NOT NULL ORDER BY d.jid LIMIT 1)
    UNION ALL
    SELECT following.jid FROM job AS j
    CROSS JOIN LATERAL (
        SELECT d.jid FROM approval.dispatch AS d
        WHERE d.request_id = p_request_id AND d.jid > j.jid ORDER BY d.jid LIMIT 1) AS following
)
SELECT j.jid, one.sent_at, (
    SELECT count(*) FROM (SELECT DISTINCT d.minion_id FROM approval.dispatch AS d
                          WHERE d.request_id = p_request_id AND d.jid = j.jid) AS reached)
FROM (SELECT e.jid FROM job AS e LIMIT p_limit) AS j
-- All minions of a job are sent it at once.
CROSS JOIN LATERAL (
    SELECT d.sent_at FROM approval.dispatch AS d
    WHERE d.request_id = p_request_id AND d.jid = j.jid ORDER BY d.minion_id LIMIT 1) AS one
$$;
COMMENT ON FUNCTION approval.sent_jobs IS
    'Internal: the first p_limit jobs that a request was sent with: when, NULL where that is not known yet, and to how many '
    'minions.';
