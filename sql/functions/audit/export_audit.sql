CREATE OR REPLACE FUNCTION approval.export_audit(p_reader bigint DEFAULT NULL) RETURNS SETOF text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT approval.check_audit_reader(approval.reading_as(p_reader));
SELECT line FROM (
    SELECT 1 AS part, e.stream, e.seq, jsonb_build_object(
        'record', 'entry', 'stream', e.stream, 'seq', e.seq,
        'at', to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'act', e.act, 'principal', e.principal, 'identity', e.identity, 'login_role', e.login_role, 'assurance', e.assurance,
        'detail', e.detail, 'previous_hash', encode(e.previous_hash, 'hex'), 'hash', encode(e.hash, 'hex'))::text AS line
    FROM approval.audit_entry AS e
    UNION ALL
    SELECT 2, s.seal_no, 0, jsonb_build_object(
        'record', 'seal', 'seal', s.seal_no, 'at', to_char(s.sealed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'heads', (SELECT jsonb_agg(jsonb_build_array(h.stream, h.seq, encode(h.hash, 'hex')) ORDER BY h.stream)
                  FROM approval.audit_sealed_head AS h WHERE h.seal_no = s.seal_no),
        'previous_hash', encode(s.previous_hash, 'hex'), 'hash', encode(s.hash, 'hex'))::text
    FROM approval.audit_seal AS s) AS records
ORDER BY part, stream, seq
$$;
COMMENT ON FUNCTION approval.export_audit IS
    'The whole audit trail as JSON lines: every entry in the order of its chain, then the seals; salt-approval audit verify FILE '
    'checks it without the database. p_reader: see reading_as. Raises AP025. Definer: tables are private.';
