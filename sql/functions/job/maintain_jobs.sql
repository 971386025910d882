CREATE OR REPLACE FUNCTION approval.maintain_jobs(p_keep_hours integer, p_keep_log_days integer DEFAULT NULL)
    RETURNS TABLE (created integer, dropped integer)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    days_ahead constant integer := 2;
    today date := (now() AT TIME ZONE 'UTC')::date;
    -- A day more than asked for, as a jid may be a day off in local time.
    first_kept date := ((now() - make_interval(hours => p_keep_hours)) AT TIME ZONE 'UTC')::date - 1;
    day date;
    parent text;
    old record;
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
    FOR day IN SELECT today + n FROM generate_series(-1, days_ahead) AS n LOOP
        FOREACH parent IN ARRAY ARRAY['job', 'job_return'] LOOP
            created := created + approval.make_partition(
                parent, day, to_char(day, 'YYYYMMDD'), to_char(day + 1, 'YYYYMMDD'))::integer;
        END LOOP;
        created := created + approval.make_partition(
            'event', day, to_char(day, 'YYYY-MM-DD"T00:00:00Z"'), to_char(day + 1, 'YYYY-MM-DD"T00:00:00Z"'))::integer;
    END LOOP;
    -- Before the returns that it is counted from are dropped.
    PERFORM approval.settle_job_log(now(), p_keep_hours);
    FOR old IN
        SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
        WHERE i.inhparent IN ('approval.job'::regclass, 'approval.job_return'::regclass, 'approval.event'::regclass)
            AND c.relname ~ '_[0-9]{8}$' AND right(c.relname, 8) < to_char(first_kept, 'YYYYMMDD')
    LOOP
        EXECUTE format('DROP TABLE approval.%I', old.relname);
        dropped := dropped + 1;
    END LOOP;
    IF dropped > 0 THEN
        PERFORM approval.audit_append(0, now(), 'jobs-dropped', NULL, NULL, NULL,
            jsonb_build_object('before', first_kept, 'partitions', dropped));
    END IF;
    log := approval.maintain_job_log(now(), p_keep_log_days);
    created := created + log.created;
    dropped := dropped + log.dropped;
    DELETE FROM approval.job_default WHERE jid < to_char(first_kept, 'YYYYMMDD');
    DELETE FROM approval.job_return_default WHERE jid < to_char(first_kept, 'YYYYMMDD');
    -- With the returns that they were seen in, and no day sooner: until then a replay is known.
    DELETE FROM approval.seen_run WHERE jid < to_char(first_kept, 'YYYYMMDD');
    DELETE FROM approval.event_default WHERE received_at < first_kept;
    PERFORM approval.drop_deliveries(now());
    PERFORM approval.drop_told(now());
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION approval.maintain_jobs IS
    'Makes the partitions of the days ahead and drops those older than p_keep_hours, and of the job log those older than '
    'p_keep_log_days (NULL: as last said); gives how many of each. A drop is recorded. Forgets the runs of returns that are gone, '
    'and drops old deliveries of tickets and what was told by chat, too. Raises AP005. Definer: callers may not make or drop '
    'tables otherwise.';
