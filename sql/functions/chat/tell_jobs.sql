CREATE OR REPLACE FUNCTION approval.tell_jobs(p_limit integer DEFAULT 1000) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- As long as its minions are waited for in the log.
    awaited constant interval := interval '1 hour';
    moment timestamptz := clock_timestamp();
    job record;
    body jsonb;
    is_over boolean;
    looked integer := 0;
    told integer;
    receiver record;
BEGIN
    FOR job IN
        SELECT t.jid, t.published_at, t.ok AS told_ok, t.failed AS told_failed, l.fun, l.job_user,
            approval.covered_command(l.fun, l.command) AS command, l.tgt, l.tgt_type, l.is_test, l.is_claim, l.minion_count,
            l.request_id, o.ok, o.failed, o.silent, o.duration_s
        FROM (SELECT * FROM approval.job_told AS next WHERE next.look_at <= moment ORDER BY next.look_at LIMIT p_limit
              FOR UPDATE SKIP LOCKED) AS t
        JOIN approval.job_log AS l ON l.published_at = t.published_at AND l.jid = t.jid
        CROSS JOIN LATERAL approval.job_outcome(l.jid, l.published_at, l.minion_count) AS o
        ORDER BY t.published_at, t.jid
    LOOP
        looked := looked + 1;
        is_over := job.silent = 0 OR job.published_at + awaited <= moment;
        body := jsonb_build_object(
            'jid', job.jid, 'published_at', job.published_at, 'fun', job.fun, 'user', job.job_user, 'command', job.command,
            'target', job.tgt, 'target_type', job.tgt_type, 'test', job.is_test, 'claim', job.is_claim,
            'minion_count', job.minion_count, 'ok', job.ok, 'failed', job.failed, 'silent', job.silent,
            'duration_s', job.duration_s, 'outcome', CASE WHEN job.failed > 0 THEN 'failed' WHEN job.silent = 0 THEN 'ok'
                WHEN is_over THEN 'silent' ELSE 'running' END);
        told := 0;
        IF job.request_id IS NULL AND (is_over OR job.told_ok IS NULL
                                       OR (job.ok, job.failed) IS DISTINCT FROM (job.told_ok, job.told_failed)) THEN
            FOR receiver IN
                SELECT * FROM approval.receivers('jobs', 'job/' || job.jid, NULL, body, moment)
            LOOP
                told := told + 1;
                IF job.told_ok IS NOT NULL AND NOT is_over THEN
                    PERFORM approval.post_update(
                        receiver.destination, 'job/' || job.jid, NULL, body, moment, receiver.due_at);
                ELSE
                    PERFORM approval.post_message(
                        receiver.destination, CASE WHEN job.told_ok IS NULL THEN 'jobs' ELSE 'verdict' END, 'job/' || job.jid,
                        NULL, body, moment, receiver.due_at);
                END IF;
            END LOOP;
        END IF;
        IF is_over OR job.request_id IS NOT NULL THEN
            DELETE FROM approval.job_told AS t WHERE t.jid = job.jid;
        ELSE
            UPDATE approval.job_told AS t
            SET ok = CASE WHEN told > 0 THEN job.ok ELSE t.ok END, failed = CASE WHEN told > 0 THEN job.failed ELSE t.failed END,
                -- Seldomer, the longer it runs.
                look_at = moment + least(greatest(interval '5 seconds', (moment - job.published_at) / 20), interval '1 minute')
            WHERE t.jid = job.jid;
        END IF;
    END LOOP;
    -- The log has dropped them, or they were written anew with another time.
    DELETE FROM approval.job_told AS t
    WHERE t.look_at <= moment AND NOT EXISTS (
        SELECT FROM approval.job_log AS l WHERE l.published_at = t.published_at AND l.jid = t.jid);
    RETURN looked;
END
$$;
COMMENT ON FUNCTION approval.tell_jobs IS
    'Tells those whom routes of topic jobs lead to of jobs in the log, at most so many: one message when a job is published, how '
    'it stands (topic update) as its minions return, and its end (topic verdict), when all have or after an hour. Jobs of '
    'requests are told with these. Gives how many were looked at. Definer: tables are private.';
