CREATE OR REPLACE FUNCTION approval.seal_hash(p_seal_no bigint, p_sealed_at timestamptz, p_previous_hash bytea) RETURNS bytea
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT sha256(
    approval.field('apv1-seal') || approval.field(p_seal_no::text)
    || approval.field(to_char(p_sealed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
    || approval.field(encode(p_previous_hash, 'hex'))
    || coalesce((
        SELECT string_agg(approval.field(stream::text) || approval.field(seq::text)
            || approval.field(encode(hash, 'hex')), ''::bytea
                          ORDER BY stream)
        FROM approval.audit_sealed_head WHERE seal_no = p_seal_no), ''::bytea))
$$;
COMMENT ON FUNCTION approval.seal_hash IS
    'Hash of a seal: its number, time, the seal before, and the heads that it covers, in order of stream.';
