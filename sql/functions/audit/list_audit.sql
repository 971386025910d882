CREATE OR REPLACE FUNCTION approval.list_audit(
    p_stream bigint, p_who text, p_act text, p_from timestamptz, p_until timestamptz, p_before_at timestamptz,
    p_before_stream bigint, p_before_seq bigint, p_limit integer,
    p_groups text[])
    RETURNS TABLE (stream bigint, seq bigint, at timestamptz, actor text, assurance text, act text, detail jsonb, hash text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT e.stream, e.seq, e.at, coalesce(e.principal || ' (' || e.identity || ')', 'login ' || e.login_role), e.assurance, e.act,
    e.detail::jsonb, encode(e.hash, 'hex')
FROM approval.audit_entry AS e
WHERE (p_stream IS NULL OR e.stream = p_stream) AND (p_who IS NULL OR p_who IN (e.principal, e.identity, e.login_role))
    AND (p_act IS NULL OR e.act = p_act) AND (p_from IS NULL OR e.at >= p_from) AND (p_until IS NULL OR e.at < p_until)
    AND (p_before_at IS NULL OR (e.at, e.stream, e.seq) < (p_before_at, p_before_stream, p_before_seq))
    AND (p_groups IS NULL OR e.stream > 0 AND approval.within_groups(e.stream, p_groups))
ORDER BY e.at DESC, e.stream DESC, e.seq DESC LIMIT p_limit
$$;
COMMENT ON FUNCTION approval.list_audit IS
    'Internal: acts, newest first: of a stream (see table audit_stream), by a principal, an identity or a login, of a kind, '
    'between two times; NULL: any. p_before_at, p_before_stream, p_before_seq: only what comes behind that entry, for the next '
    'page. p_groups: only of requests that are read by who may read these groups of minions, see readable_groups.';
