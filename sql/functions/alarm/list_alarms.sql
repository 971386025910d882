CREATE OR REPLACE FUNCTION approval.list_alarms(
    p_state text, p_kind text, p_minion_id text, p_since timestamptz, p_before bigint, p_limit integer)
    RETURNS TABLE (alarm bigint, state text, kind text, severity text, minions text[], minion_count integer, who text, what text,
                   jid text, request bigint, first_at timestamptz, last_at timestamptz, count bigint, muted_until timestamptz,
                   acknowledged_at timestamptz, decided_by text, comment text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    readable constant text[] := approval.readable_groups(approval.reading_as(), 'job_log');
BEGIN
    IF p_state NOT IN ('open', 'muted', 'acknowledged') THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005',
            MESSAGE = format('%s is none of open, muted, acknowledged', quote_literal(p_state));
    END IF;
    IF p_kind IS NOT NULL AND NOT EXISTS (SELECT FROM approval.alarm_kind AS k WHERE k.kind = p_kind) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('%s is no kind of alarm', quote_literal(p_kind)),
            HINT = 'Kinds are: ' || (SELECT string_agg(k.kind, ', ' ORDER BY k.kind) FROM approval.alarm_kind AS k);
    END IF;
    RETURN QUERY
    SELECT a.alarm_id, s.state, a.kind, a.severity, a.minions, a.minion_count, a.who, a.what, a.jid, a.request_id, a.first_at,
        a.last_at, a.count, a.muted_until, a.acknowledged_at, a.decided_by, a.comment
    FROM approval.alarm AS a
    CROSS JOIN LATERAL (SELECT CASE WHEN a.acknowledged_at IS NOT NULL THEN 'acknowledged'
                                    WHEN a.muted_until > now() THEN 'muted' ELSE 'open' END AS state) AS s
    WHERE approval.reads_alarm(a, readable)
        AND CASE WHEN p_state IS NULL OR p_state <> 'acknowledged' THEN a.acknowledged_at IS NULL
               ELSE a.acknowledged_at IS NOT NULL END
        AND (p_state IS NULL OR s.state = p_state) AND (p_kind IS NULL OR a.kind = p_kind)
        AND (p_minion_id IS NULL OR p_minion_id = ANY (a.minions)) AND (p_since IS NULL OR a.last_at >= p_since)
        AND (p_before IS NULL OR a.alarm_id < p_before)
    ORDER BY a.alarm_id DESC
    LIMIT p_limit;
END
$$;
COMMENT ON FUNCTION approval.list_alarms IS
    'Alarms that the login may read, newest first: of a state (NULL: all that nobody acknowledged), of a kind, that name a '
    'minion, last seen since a time. p_before: only those with a lower number, for the next page. Raises AP005. Definer: tables '
    'are private.';
