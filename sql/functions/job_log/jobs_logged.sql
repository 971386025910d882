CREATE OR REPLACE FUNCTION approval.jobs_logged(
    p_from timestamptz, p_until timestamptz, p_fun text, p_user text, p_request_id bigint, p_before timestamptz, p_before_jid text)
    RETURNS SETOF approval.job_log
    -- Without a search_path of its own, so that it is inlined.
    LANGUAGE sql STABLE AS $$
SELECT * FROM approval.job_log AS l
WHERE l.published_at >= coalesce(p_from, '-infinity') AND l.published_at < coalesce(p_until, 'infinity')
    AND l.published_at <= coalesce(p_before, 'infinity')
    AND (p_before IS NULL OR (l.published_at, l.jid) < (p_before, p_before_jid COLLATE "C"))
    AND (p_fun IS NULL OR l.fun LIKE p_fun) AND (p_user IS NULL OR l.job_user = p_user)
    AND (p_request_id IS NULL OR l.request_id = p_request_id)
$$;
COMMENT ON FUNCTION approval.jobs_logged IS
    'Internal: rows of the job log; p_fun is a pattern of LIKE, and what is NULL makes no difference. See approval.list_jobs.';
