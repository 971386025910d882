CREATE OR REPLACE FUNCTION approval.list_jobs_by_session(
    p_token bytea, p_minion_id text, p_from timestamptz, p_until timestamptz, p_fun text, p_user text, p_request_id bigint,
    p_before timestamptz, p_before_jid text, p_limit integer)
    RETURNS TABLE (jid text, published_at timestamptz, job_user text, command text, fun text, tgt text, tgt_type text, test boolean,
                   claim boolean, request bigint, minions text[], minion_count integer, ok integer, failed integer, silent integer,
                   duration_s real)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT j.* FROM approval.acting_by_session(p_token, 'read') AS actor
CROSS JOIN LATERAL approval.list_jobs(
    p_minion_id, p_from, p_until, p_fun, p_user, p_request_id, p_before, p_before_jid, p_limit, actor.principal_id) AS j
$$;
COMMENT ON FUNCTION approval.list_jobs_by_session IS
    'Jobs of the log, for a person with a session: see approval.list_jobs. Raises AP001, AP002, AP004, AP005, AP020-AP022. '
    'Definer: tables are private.';
