CREATE OR REPLACE FUNCTION approval.maintain_job_log(
    p_now timestamptz, p_keep_days integer, OUT created integer, OUT dropped integer)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    today constant date := (p_now AT TIME ZONE 'UTC')::date;
    first_kept date;
BEGIN
    IF p_keep_days < 1 THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'the job log must be kept for a day at the least';
    END IF;
    UPDATE approval.setting SET content = p_keep_days::text WHERE name = 'keep_log_days' AND content <> p_keep_days::text;
    first_kept := today - (SELECT s.content::integer FROM approval.setting AS s WHERE s.name = 'keep_log_days');
    created := approval.make_partitions('job_log', 'week', greatest(today - 7, first_kept), today + 8);
    dropped := approval.drop_partitions('job_log', first_kept);
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
