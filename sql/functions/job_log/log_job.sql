CREATE OR REPLACE FUNCTION approval.log_job(
    p_jid text, p_published_at timestamptz, p_fun text, p_tgt text, p_tgt_type text, p_user text, p_minions text[],
    p_command text, p_is_test boolean, p_is_claim boolean) RETURNS void
    -- Planned once for a session, since planning takes longer than writing the row.
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    INSERT INTO approval.job_log
        (jid, published_at, fun, job_user, tgt, tgt_type, command, is_test, is_claim, request_id, minion_count, minions,
         minion_bits)
    SELECT approval.shortened(p_jid, 96), p_published_at, approval.shortened(p_fun, 96), approval.shortened(p_user, 64),
        approval.shortened(p_tgt, 96), approval.shortened(p_tgt_type, 16), approval.shortened(p_command, 512), p_is_test,
        p_is_claim,
        coalesce((SELECT d.request_id FROM approval.dispatch AS d WHERE d.jid = p_jid AND NOT p_is_claim LIMIT 1),
                 (SELECT d.request_id FROM approval.dispatch AS d WHERE d.observe_jid = p_jid AND NOT p_is_claim LIMIT 1)),
        m.minion_count, m.minions, m.minion_bits
    FROM approval.packed_minions(p_minions) AS m
    -- A job that the master published displaces what a minion claimed.
    ON CONFLICT (published_at, jid) DO UPDATE
    SET fun = excluded.fun, job_user = excluded.job_user, tgt = excluded.tgt, tgt_type = excluded.tgt_type,
        command = excluded.command, is_test = excluded.is_test, is_claim = excluded.is_claim, request_id = excluded.request_id,
        minion_count = excluded.minion_count, minions = excluded.minions, minion_bits = excluded.minion_bits,
        ok = NULL, failed = NULL, silent = NULL, duration_s = NULL;
    -- Those whom routes may lead to are told within seconds, by approval.tell_jobs. Older ones come out of a spool, and are no
    -- news.
    INSERT INTO approval.job_told AS t (jid, published_at, look_at)
    SELECT approval.shortened(p_jid, 96), p_published_at, clock_timestamp()
    WHERE p_published_at > now() - interval '1 day' AND EXISTS (SELECT FROM approval.route AS r WHERE r.topic = 'jobs')
    ON CONFLICT (jid) DO UPDATE SET published_at = excluded.published_at, look_at = excluded.look_at;
END
$$;
COMMENT ON FUNCTION approval.log_job IS
    'Internal: writes a job into the job log, or writes it anew; and has it told, where a route of topic jobs leads to '
    'somebody. Texts are cut, so that a row stays small.';
