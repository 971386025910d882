CREATE OR REPLACE FUNCTION approval.maintain_jobs(p_keep_hours integer, p_keep_log_days integer DEFAULT NULL)
    RETURNS TABLE (created integer, dropped integer)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    days_ahead constant integer := 2;
    -- A partition spans more where jobs are kept for longer: each statement that may read any of them locks them all.
    unit constant text := CASE WHEN p_keep_hours <= 60 * 24 THEN 'day'
                               WHEN p_keep_hours <= 60 * 7 * 24 THEN 'week' ELSE 'month' END;
    today constant date := (now() AT TIME ZONE 'UTC')::date;
    -- A day more than asked for, as a jid may be a day off in local time; and the whole unit, as partitions go whole.
    first_kept constant date := date_trunc(
        unit, (now() - make_interval(hours => p_keep_hours)) AT TIME ZONE 'UTC' - interval '1 day')::date;
    parent text;
    log record;
BEGIN
    created := 0;
    dropped := 0;
    IF p_keep_hours IS NULL OR p_keep_hours < 1 THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'jobs must be kept for an hour at the least';
    END IF;
    IF NOT pg_try_advisory_xact_lock(hashtextextended('approval.maintain_jobs', 0)) THEN
        RETURN NEXT;
        RETURN;
    END IF;
    UPDATE approval.setting SET content = p_keep_hours::text WHERE name = 'keep_jobs_hours' AND content <> p_keep_hours::text;
    -- Before the returns that it is counted from are dropped.
    PERFORM approval.settle_job_log(now(), p_keep_hours);
    FOREACH parent IN ARRAY ARRAY['job', 'job_return', 'event'] LOOP
        created := created + approval.make_partitions(parent, unit, today - 1, today + days_ahead + 1);
        dropped := dropped + approval.drop_partitions(parent, first_kept);
    END LOOP;
    IF dropped > 0 THEN
        PERFORM approval.audit_append(0, now(), 'jobs-dropped', NULL, NULL, NULL,
            jsonb_build_object('before', first_kept, 'partitions', dropped));
    END IF;
    log := approval.maintain_job_log(now(), p_keep_log_days);
    created := created + log.created;
    dropped := dropped + log.dropped;
    -- The default partitions, and one of which some days are not kept any more, as jobs were kept for longer when it was made.
    DELETE FROM approval.job WHERE jid < to_char(first_kept, 'YYYYMMDD');
    DELETE FROM approval.job_return WHERE jid < to_char(first_kept, 'YYYYMMDD');
    DELETE FROM approval.event WHERE received_at < first_kept::timestamp AT TIME ZONE 'UTC';
    -- With the returns that they were seen in, and no day sooner: until then a replay is known.
    DELETE FROM approval.seen_run WHERE jid < to_char(first_kept, 'YYYYMMDD');
    PERFORM approval.drop_deliveries(now());
    PERFORM approval.drop_told(now());
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION approval.maintain_jobs IS
    'Makes the partitions of the days ahead and drops those older than p_keep_hours, and of the job log those older than '
    'p_keep_log_days (NULL: as last said); gives how many of each. A partition spans a day, a week where jobs are kept for more '
    'than 60 days, and a month where they are kept for more than 60 weeks. A drop is recorded. Forgets the runs of returns that '
    'are gone, and drops old deliveries of tickets and what was told by chat, too. Raises AP005. Definer: callers may not make or '
    'drop tables otherwise.';
