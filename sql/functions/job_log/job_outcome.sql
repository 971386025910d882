CREATE OR REPLACE FUNCTION approval.job_outcome(p_jid text, p_minion_count integer)
    RETURNS TABLE (ok integer, failed integer, silent integer, last_return timestamptz)
    -- Without a search_path of its own, so that it is inlined.
    LANGUAGE sql STABLE AS $$
SELECT t.ok, t.failed, greatest(p_minion_count - t.ok - t.failed, 0), t.last_return
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
    'Internal: how many of the minions of a job did it, failed in it, and did not return, as far as its returns are kept. One row.';
