CREATE OR REPLACE FUNCTION approval.list_jobs(
    p_minion_id text, p_from timestamptz, p_until timestamptz, p_fun text, p_user text, p_request_id bigint,
    p_before timestamptz, p_before_jid text, p_limit integer,
    p_reader bigint DEFAULT NULL)
    RETURNS TABLE (jid text, published_at timestamptz, job_user text, command text, fun text, tgt text, tgt_type text, test boolean,
                   claim boolean, request bigint, minions text[], minion_count integer, ok integer, failed integer, silent integer,
                   duration_s real)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    -- Planned for what is asked: which partitions, and whether a minion's own jobs or those of all.
    SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    readable constant text[] := approval.readable_groups(approval.reading_as(p_reader), 'job_log');
    is_clear constant boolean := approval.sees_sensitive(p_reader);
    -- NULL: all of them.
    mask constant bytea := approval.log_mask(readable);
    named integer;
    oldest timestamptz := greatest(p_from, (
        SELECT now() - make_interval(days => s.content::integer + 7) FROM approval.setting AS s WHERE s.name = 'keep_log_days'));
    upper_end timestamptz := least(p_until, p_before + interval '1 microsecond', now() + interval '1 second');
    lower_end timestamptz;
    span interval := interval '28 days';
    given integer := 0;
    found integer;
    -- * and ? as Salt's globs have them.
    pattern text := translate(replace(replace(replace(p_fun, E'\\', E'\\\\'), '%', E'\\%'), '_', E'\\_'), '*?', '%_');
BEGIN
    IF (p_before IS NULL) <> (p_before_jid IS NULL) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'jobs are listed from behind a time and a job';
    END IF;
    IF p_minion_id IS NOT NULL THEN
        SELECT m.minion_number INTO named FROM approval.minion_number AS m WHERE m.minion_id = p_minion_id;
        IF named IS NULL AND NOT EXISTS (SELECT FROM approval.minion AS m WHERE m.minion_id = p_minion_id)
            OR NOT approval.in_groups(p_minion_id, readable) THEN
            RAISE EXCEPTION USING ERRCODE = 'AP004', MESSAGE = format('unknown minion: %s', quote_literal(p_minion_id)),
                HINT = 'No job in the log names it. Ids are compared exactly, and not as patterns.';
        END IF;
    END IF;
    -- A few weeks at first, as to plan for all partitions takes longer than to read some; more and more where few are found.
    WHILE upper_end > oldest AND given < p_limit LOOP
        lower_end := greatest(oldest, upper_end - span);
        RETURN QUERY
        WITH page AS MATERIALIZED (
            (SELECT l.* FROM approval.jobs_logged(lower_end, upper_end, pattern, p_user, p_request_id, p_before, p_before_jid) AS l
             WHERE p_minion_id IS NULL AND (mask IS NULL OR approval.log_overlap(l.minions, l.minion_bits, mask) > 0)
             ORDER BY l.published_at DESC, l.jid DESC LIMIT p_limit - given)
            UNION ALL
            (SELECT l.* FROM approval.jobs_logged(lower_end, upper_end, pattern, p_user, p_request_id, p_before, p_before_jid) AS l
             WHERE p_minion_id IS NOT NULL AND l.minion_count <= 16 AND l.minions @> ARRAY[named]
             ORDER BY l.published_at DESC, l.jid DESC LIMIT p_limit - given)
            UNION ALL
            (SELECT l.* FROM approval.jobs_logged(lower_end, upper_end, pattern, p_user, p_request_id, p_before, p_before_jid) AS l
             WHERE p_minion_id IS NOT NULL AND l.minion_count > 16 AND approval.log_names(l.minions, l.minion_bits, named)
             ORDER BY l.published_at DESC, l.jid DESC LIMIT p_limit - given)
            ORDER BY published_at DESC, jid DESC
            LIMIT p_limit - given
        )
        SELECT l.jid, l.published_at, l.job_user, CASE
                WHEN NOT h.is_told THEN l.fun || ' •••'
                WHEN is_clear THEN l.command
                -- One that was logged before its argument was marked.
                ELSE approval.covered_command(l.fun, l.command) END, l.fun,
            CASE WHEN h.is_told THEN l.tgt ELSE '•••' END, l.tgt_type, l.is_test, l.is_claim, l.request_id,
            CASE WHEN l.minion_count <= 16 THEN ARRAY(
                SELECT m.minion_id FROM approval.minion_number AS m WHERE m.minion_number = ANY (l.minions)
                    AND approval.in_groups(m.minion_id, readable)
                ORDER BY m.minion_id COLLATE "C") END,
            l.minion_count, coalesce(l.ok, o.ok), coalesce(l.failed, o.failed), coalesce(l.silent, o.silent),
            coalesce(l.duration_s, o.duration_s)
        FROM page AS l
        -- The target names minions that may not be read, unless it is all, and the arguments may be meant for them.
        CROSS JOIN LATERAL (
            SELECT mask IS NULL OR l.tgt = '*' AND l.tgt_type = 'glob'
                OR approval.log_overlap(l.minions, l.minion_bits, mask) = l.minion_count AS is_told) AS h
        LEFT JOIN LATERAL approval.job_outcome(l.jid, l.published_at, l.minion_count) AS o ON l.silent IS NULL
        ORDER BY l.published_at DESC, l.jid DESC;
        GET DIAGNOSTICS found = ROW_COUNT;
        given := given + found;
        upper_end := lower_end;
        span := span * 2;
    END LOOP;
END
$$;
COMMENT ON FUNCTION approval.list_jobs IS
    'Jobs of the log, newest first: that name a minion, published from one time until before another, of a function (* and ? '
    'stand for any characters, and any one), by a user, for a request. minions: the names of up to 16. ok, failed, silent: how '
    'many minions, of recent jobs as they returned so far. p_before, p_before_jid: only what comes behind it, for the next page. '
    'p_reader: see reading_as; jobs of which no minion may be read are left out, and of one that was for others as well, not for '
    '*, target and arguments are •••, as are those that are sensitive. Raises AP004, AP005. Definer: tables are private.';
