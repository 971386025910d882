CREATE OR REPLACE FUNCTION approval.audit_trail(p_request_id bigint)
    RETURNS TABLE (seq bigint, at timestamptz, actor text, assurance text, act text, detail jsonb, hash text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT e.seq, e.at, coalesce(e.principal || ' (' || e.identity || ')', 'login ' || e.login_role), e.assurance, e.act,
    e.detail::jsonb, encode(e.hash, 'hex')
FROM (SELECT approval.readable_groups(approval.reading_as(), 'audit') AS readable) AS r
CROSS JOIN approval.audit_entry AS e
WHERE e.stream = p_request_id
    AND (r.readable IS NULL OR e.stream > 0 AND approval.within_groups(e.stream, r.readable))
ORDER BY e.seq
$$;
COMMENT ON FUNCTION approval.audit_trail IS
    'Every act on a request, in order; 0: on policy and inventory. None, where the login may not read them. Definer: tables are '
    'private.';
