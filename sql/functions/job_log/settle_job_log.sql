CREATE OR REPLACE FUNCTION approval.settle_job_log(p_now timestamptz, p_keep_hours integer) RETURNS integer
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    settled integer;
BEGIN
    WITH open AS (
        SELECT l.published_at, l.jid, l.minion_count FROM approval.job_log AS l
        WHERE l.silent IS NULL AND l.published_at <= p_now - interval '1 hour'
        UNION ALL
        -- A minion that returns late is silent no more.
        SELECT l.published_at, l.jid, l.minion_count FROM approval.job_log AS l
        WHERE l.silent > 0 AND l.published_at <= p_now - interval '1 hour'
            AND l.published_at > p_now - least(make_interval(hours => p_keep_hours), interval '1 day')
    ), counted AS (
        SELECT s.published_at, s.jid, o.*
        FROM open AS s CROSS JOIN LATERAL approval.job_outcome(s.jid, s.published_at, s.minion_count) AS o
    )
    UPDATE approval.job_log AS l
    SET ok = c.ok, failed = c.failed, silent = c.silent, duration_s = c.duration_s
    FROM counted AS c
    WHERE l.published_at = c.published_at AND l.jid = c.jid
        AND (l.ok, l.failed, l.silent) IS DISTINCT FROM (c.ok, c.failed, c.silent);
    GET DIAGNOSTICS settled = ROW_COUNT;
    RETURN settled;
END
$$;
COMMENT ON FUNCTION approval.settle_job_log IS
    'Internal: writes into the job log how jobs ended that are an hour old; for a day again, where minions that were silent '
    'returned. Gives how many. The row of a job is written then, and not with each return.';
