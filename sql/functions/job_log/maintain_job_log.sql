CREATE OR REPLACE FUNCTION approval.maintain_job_log(
    p_now timestamptz, p_keep_days integer, OUT created integer, OUT dropped integer)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    this_week date := date_trunc('week', p_now AT TIME ZONE 'UTC')::date;
    week date;
    old record;
    first_kept date;
BEGIN
    IF p_keep_days < 1 THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'the job log must be kept for a day at the least';
    END IF;
    UPDATE approval.setting SET content = p_keep_days::text WHERE name = 'keep_log_days' AND content <> p_keep_days::text;
    first_kept := (p_now AT TIME ZONE 'UTC')::date
        - (SELECT s.content::integer FROM approval.setting AS s WHERE s.name = 'keep_log_days');
    created := 0;
    dropped := 0;
    FOR week IN SELECT this_week + 7 * n FROM generate_series(-1, 1) AS n WHERE this_week + 7 * n + 7 > first_kept LOOP
        created := created + approval.make_partition(
            'job_log', week, to_char(week, 'YYYY-MM-DD"T00:00:00Z"'), to_char(week + 7, 'YYYY-MM-DD"T00:00:00Z"'))::integer;
    END LOOP;
    FOR old IN
        SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'approval.job_log'::regclass AND c.relname ~ '_[0-9]{8}$'
            AND to_date(right(c.relname, 8), 'YYYYMMDD') + 7 <= first_kept
    LOOP
        EXECUTE format('DROP TABLE approval.%I', old.relname);
        dropped := dropped + 1;
    END LOOP;
    DELETE FROM approval.job_log_default WHERE published_at < first_kept;
    IF dropped > 0 THEN
        PERFORM approval.audit_append(0, p_now, 'job-log-dropped', NULL, NULL, NULL,
            jsonb_build_object('before', first_kept, 'partitions', dropped));
    END IF;
END
$$;
COMMENT ON FUNCTION approval.maintain_job_log IS
    'Internal: makes the partitions of the weeks around now and drops those of which no day is younger than p_keep_days (NULL: as '
    'last said); gives how many of each. A drop is recorded. Raises AP005.';
