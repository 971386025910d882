CREATE OR REPLACE FUNCTION approval.list_returns(
    p_minion_id text, p_verdict text, p_flagged boolean, p_since timestamptz, p_before text[], p_limit integer,
    p_every boolean DEFAULT false, p_reader bigint DEFAULT NULL)
    RETURNS TABLE (jid text, minion text, attempt integer, fun text, job_user text, request bigint, verdict text,
                   authenticated boolean, flags text[], revision bigint, retcode integer, success boolean,
                   received_at timestamptz, findings jsonb)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    reader constant bigint := approval.reading_as(p_reader);
    readable constant text[] := approval.readable_groups(reader, 'job_log');
    valued constant text[] := approval.readable_groups(reader, 'values');
    is_clear constant boolean := approval.sees_sensitive(p_reader);
    -- What functions of other modules return can prove nothing, unless a request sent them.
    modules constant text[] := ARRAY['state', 'pkg', 'pkg_resource', 'chocolatey', 'service', 'approval'];
    verdicts constant text[] := ARRAY['converged', 'partial', 'failed', 'not-applied', 'drift', 'invalid', 'unproven'];
BEGIN
    IF p_minion_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM approval.minion AS m WHERE m.minion_id = p_minion_id AND approval.in_groups(m.minion_id, readable)) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP004', MESSAGE = format('unknown minion: %s', quote_literal(p_minion_id)),
            HINT = 'Minions are registered by salt-run approval.sync_minions or salt-approval minion add.';
    END IF;
    IF p_verdict <> ALL (verdicts) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('%L is not a verdict', p_verdict),
            HINT = 'Verdicts are: ' || array_to_string(verdicts, ', ');
    END IF;
    IF cardinality(p_before) <> 3 OR array_position(p_before, NULL) IS NOT NULL OR p_before[3] !~ '^[0-9]{1,9}$' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'returns are listed from behind a job, a minion and an attempt';
    END IF;
    RETURN QUERY
    SELECT r.jid, r.minion_id, r.attempt, r.fun, j.job_user, (
            SELECT d.request_id FROM approval.dispatch AS d WHERE d.minion_id = r.minion_id
                AND r.jid IN (d.jid, d.observe_jid) LIMIT 1),
        r.verdict, r.authenticated, r.flags, r.revision, r.retcode, r.success, r.received_at, (
            -- Of what is as approved nothing needs to be told.
            SELECT coalesce(jsonb_agg(CASE WHEN approval.in_groups(r.minion_id, valued)
                    AND (is_clear OR NOT approval.is_sensitive(told.finding ->> 'kind', told.finding ->> 'name')) THEN told.finding
                ELSE approval.hidden(told.finding, '{expected,observed,text}') END), '[]')
            FROM (SELECT jsonb_build_object(
                'kind', f.kind, 'name', f.name, 'verdict', f.verdict, 'reason', f.reason, 'expected', f.expected,
                'observed', f.observed, 'text', f.finding) AS finding
                  FROM approval.findings_of(r.findings) AS f WHERE f.verdict <> 'converged') AS told)
    FROM approval.job_return AS r
    LEFT JOIN approval.job AS j ON j.jid = r.jid
    WHERE approval.in_groups(r.minion_id, readable) AND (p_minion_id IS NULL OR r.minion_id = p_minion_id)
        AND (p_verdict IS NULL OR r.verdict = p_verdict)
        AND (p_flagged IS NULL OR p_flagged = (cardinality(r.flags) > 0)) AND (p_since IS NULL OR r.received_at >= p_since)
        AND (p_before IS NULL OR (r.jid, r.minion_id, r.attempt) < (p_before[1] COLLATE "C", p_before[2], p_before[3]::integer))
        AND (p_every OR p_verdict IS NOT NULL OR r.verdict <> 'invalid' OR cardinality(r.flags) > 0
             OR split_part(r.fun, '.', 1) = ANY (modules) OR EXISTS (
                SELECT FROM approval.dispatch AS d WHERE d.minion_id = r.minion_id AND r.jid IN (d.jid, d.observe_jid)))
    ORDER BY r.jid DESC, r.minion_id DESC, r.attempt DESC
    LIMIT p_limit;
END
$$;
COMMENT ON FUNCTION approval.list_returns IS
    'What minions returned, newest job first, with verdict and flags, who published the job and for which request, and the '
    'findings that are not converged: of a minion, with a verdict, flagged or not, received since a time. Without a verdict '
    'those of functions that can prove nothing, such as test.ping, are listed only where flagged or sent for a request, or if '
    'p_every. p_before (job, minion, attempt): only what comes behind it, for the next page. p_reader: see reading_as. Raises '
    'AP004, AP005. Definer: tables are private.';
