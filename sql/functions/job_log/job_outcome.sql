CREATE OR REPLACE FUNCTION approval.job_outcome(p_jid text, p_published_at timestamptz, p_minion_count integer)
    RETURNS TABLE (ok integer, failed integer, silent integer, duration_s real)
    -- Without a search_path of its own, so that it is inlined.
    LANGUAGE sql STABLE AS $$
SELECT t.ok, t.failed, greatest(p_minion_count - t.ok - t.failed, 0),
    CASE WHEN t.last_return > p_published_at THEN extract(epoch FROM t.last_return - p_published_at)::real
        WHEN t.last_return IS NOT NULL THEN 0 END
FROM (
    SELECT (count(*) FILTER (WHERE r.is_ok))::integer AS ok, (count(*) FILTER (WHERE NOT r.is_ok))::integer AS failed,
        max(r.received_at) AS last_return
    FROM (
        -- Salt's word alone is not enough: it calls a run a success in which states failed.
        SELECT DISTINCT ON (j.minion_id) j.received_at,
            j.verdict NOT IN ('failed', 'partial') AND coalesce(j.retcode, 0) = 0 AND j.success IS NOT false AS is_ok
        FROM approval.job_return AS j
        WHERE j.jid = p_jid AND NOT j.flags && '{untargeted}'
        ORDER BY j.minion_id, j.authenticated DESC, j.attempt DESC) AS r) AS t
$$;
COMMENT ON FUNCTION approval.job_outcome IS
    'Internal: how many of the minions of a job did it, failed in it, and did not return, as far as its returns are kept, and '
    'the seconds until the last one. One row.';
