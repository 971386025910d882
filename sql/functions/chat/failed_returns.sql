CREATE OR REPLACE FUNCTION approval.failed_returns(p_jid text, p_limit integer)
    RETURNS TABLE (minion_id text, fun text, retcode integer, success boolean, verdict text, received_at timestamptz,
                   findings jsonb, payload bytea)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT r.minion_id, r.fun, r.retcode, r.success, r.verdict, r.received_at, (
        SELECT coalesce(jsonb_agg(approval.covered(jsonb_build_object(
            'kind', f.kind, 'name', f.name, 'verdict', f.verdict, 'text', f.finding))), '[]')
        FROM (SELECT * FROM approval.findings_of(r.findings) AS every WHERE every.verdict <> 'converged' LIMIT 20) AS f),
    CASE WHEN NOT approval.is_sensitive('action', r.fun) THEN r.payload END
FROM (
    SELECT DISTINCT ON (j.minion_id) j.* FROM approval.job_return AS j
    WHERE j.jid = p_jid AND NOT j.flags && '{untargeted}' AND approval.readable_groups(0, 'job_log') IS NULL
    ORDER BY j.minion_id, j.authenticated DESC, j.attempt DESC) AS r
WHERE r.verdict IN ('failed', 'partial') OR coalesce(r.retcode, 0) <> 0 OR r.success IS false
ORDER BY r.minion_id COLLATE "C" LIMIT p_limit
$$;
COMMENT ON FUNCTION approval.failed_returns IS
    'Returns of a job that failed, as job_outcome counts them, by minion, at most so many: with up to 20 findings that are not '
    'converged, and the payload, msgpack in an LZ4 frame, which may hold secrets, and is NULL of a function with an '
    'argument that is sensitive. None, where not everybody may read '
    'the job log, as nobody knows who reads a channel. Definer: tables are private.';
