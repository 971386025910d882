CREATE OR REPLACE FUNCTION approval.busy(p_minion text DEFAULT NULL) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    -- Planned for what is asked: one minion, or all.
    SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    -- As long as the minions of a job are waited for in the log.
    awaited constant interval := interval '1 hour';
    ahead constant interval := interval '7 days';
    most constant integer := 50;
    moment timestamptz := clock_timestamp();
    reader constant bigint := approval.reading_as();
    readable constant text[] := approval.readable_groups(reader, 'requests');
    voting constant text[] := approval.voting_groups(reader);
    run_on constant text[] := approval.readable_groups(reader, 'job_log');
    number integer;
    result jsonb;
BEGIN
    IF p_minion IS NOT NULL THEN
        SELECT m.minion_number INTO number FROM approval.minion_number AS m WHERE m.minion_id = p_minion;
        IF number IS NULL AND NOT EXISTS (SELECT FROM approval.minion AS m WHERE m.minion_id = p_minion)
            OR NOT approval.in_groups(p_minion, readable) THEN
            RAISE EXCEPTION USING ERRCODE = 'AP004', MESSAGE = format('unknown minion: %s', quote_literal(p_minion)),
                HINT = 'No job in the log names it. Ids are compared exactly, and not as patterns.';
        END IF;
    END IF;
    WITH running AS (
        SELECT l.jid, l.published_at, approval.covered_command(l.fun, l.command) AS command, l.fun, l.job_user AS "user",
            l.is_test AS test, l.request_id AS request, l.minion_count, o.ok, o.failed, o.silent, l.published_at + awaited AS until
        FROM approval.job_log AS l
        CROSS JOIN LATERAL approval.job_outcome(l.jid, l.published_at, l.minion_count) AS o
        WHERE l.published_at > moment - awaited AND l.published_at <= moment + interval '1 second' AND NOT l.is_claim
            AND coalesce(l.silent > 0, true) AND o.silent > 0 AND run_on IS NULL
            AND (p_minion IS NULL OR approval.log_names(l.minions, l.minion_bits, number) AND NOT EXISTS (
                SELECT FROM approval.job_return AS r
                WHERE r.jid = l.jid AND r.minion_id = p_minion AND NOT r.flags && '{untargeted}'))
        ORDER BY l.published_at DESC, l.jid DESC LIMIT most
    ), waiting AS (
        SELECT i.request_id, count(*) AS items, h.until, h.by FROM approval.item AS i
        LEFT JOIN LATERAL approval.held_back(i.minion_id, i.item_id, moment) AS h ON true
        WHERE i.minion_id = p_minion AND i.state = 'approved' AND i.outcome <> 'converged' AND i.applied_at IS NULL
        GROUP BY i.request_id, h.until, h.by
        UNION ALL
        (SELECT r.request_id, NULL, NULL, NULL FROM approval.request AS r
         JOIN approval.request_state AS s ON s.state = r.state AND s.was_approved AND NOT s.is_closed
         WHERE p_minion IS NULL ORDER BY r.request_id DESC LIMIT most)
    ), due AS (
        SELECT w.request_id AS request, r.type_name AS type, t.title, w.items, w.until, w.by, t.calendar_name AS calendar,
            CASE WHEN p_minion IS NULL THEN approval.waiting_for(w.request_id) END AS waiting_for
        FROM waiting AS w
        JOIN approval.request AS r USING (request_id)
        JOIN approval.request_type AS t USING (type_name, type_version)
        WHERE readable IS NULL OR approval.reads_request(r, reader, readable, voting)
        ORDER BY w.request_id, w.until LIMIT most
    ), frozen AS (
        SELECT f.freeze_name AS freeze, f.starts_at AS "from", f.ends_at AS until, f.type_name AS type, f.minion_group, f.reason
        FROM approval.freeze AS f
        WHERE f.ends_at > moment AND f.starts_at < moment + ahead
            AND (p_minion IS NULL OR f.minion_group IS NULL OR EXISTS (
                SELECT FROM approval.minion_group_member AS m WHERE m.group_name = f.minion_group AND m.minion_id = p_minion))
    ), opening AS (
        SELECT DISTINCT ON (s.calendar_name) s.calendar_name AS calendar, s.starts_at AS "from", s.ends_at AS until
        FROM approval.calendar_span AS s
        WHERE s.ends_at > moment AND s.calendar_name IN (SELECT d.calendar FROM due AS d)
        ORDER BY s.calendar_name, s.starts_at
    )
    SELECT jsonb_build_object(
        'as_of', moment, 'minion', p_minion,
        'running', (SELECT coalesce(jsonb_agg(to_jsonb(j) ORDER BY j.published_at DESC, j.jid DESC), '[]') FROM running AS j),
        'due', (SELECT coalesce(jsonb_agg(to_jsonb(d) ORDER BY d.request, d.until), '[]') FROM due AS d),
        'windows', (SELECT coalesce(jsonb_agg(to_jsonb(w) ORDER BY w."from", w.calendar), '[]') FROM opening AS w),
        'freezes', (SELECT coalesce(jsonb_agg(to_jsonb(f) ORDER BY f."from", f.freeze), '[]') FROM frozen AS f)) INTO result;
    RETURN result;
END
$$;
COMMENT ON FUNCTION approval.busy IS
    'What to know before something is run on a minion (NULL: on any): {as_of, minion, running, due, windows, freezes}. running: '
    'jobs of the last hour that it has not returned from, the newest 50; due: what is approved and not proven there, until when '
    'it is held back and by what (of all minions: waiting_for, as in a list of requests); windows: of these requests, open now or '
    'next; freezes: on now, or in seven days. What the login may not read is left '
    'out: jobs, unless it may read those of all minions. Raises AP004. Definer: tables are private.';
