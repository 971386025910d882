CREATE OR REPLACE FUNCTION approval.job_story(p_jid text) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT jsonb_build_object(
    'kind', 'job', 'jid', l.jid, 'published_at', l.published_at, 'command',
    approval.covered_command(l.fun, l.command), 'fun', l.fun, 'user', l.job_user,
    'target', l.tgt, 'target_type', l.tgt_type, 'test', l.is_test, 'claim', l.is_claim, 'request', l.request_id,
    'minion_count', l.minion_count, 'minions', (
        SELECT jsonb_agg(n.minion_id ORDER BY n.minion_id COLLATE "C") FROM approval.minion_number AS n
        WHERE l.minion_count <= 16 AND n.minion_number = ANY (l.minions)),
    'ok', o.ok, 'failed', o.failed, 'silent', o.silent, 'duration_s', o.duration_s, 'failures', (
        SELECT coalesce(jsonb_agg(to_jsonb(f) - 'payload'), '[]') FROM approval.failed_returns(p_jid, 20) AS f))
FROM approval.job AS j
JOIN approval.job_log AS l ON l.published_at = j.published_at AND l.jid = j.jid
CROSS JOIN LATERAL approval.job_outcome(l.jid, l.published_at, l.minion_count) AS o
WHERE j.jid = p_jid
$$;
COMMENT ON FUNCTION approval.job_story IS
    'Internal: see chat_story; of a job that the job cache still has. failures: up to 20 minions that failed.';
