CREATE OR REPLACE FUNCTION approval.audit_hash(
    p_stream bigint, p_seq bigint, p_at timestamptz, p_act text, p_principal text, p_identity text, p_login_role text,
    p_assurance text, p_detail text, p_previous_hash bytea) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
SELECT sha256(
    approval.field('apv1-audit') || approval.field(p_stream::text) || approval.field(p_seq::text)
    || approval.field(to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
    || approval.field(p_act) || approval.field(p_principal) || approval.field(p_identity) || approval.field(p_login_role)
    || approval.field(p_assurance) || approval.field(p_detail) || approval.field(encode(p_previous_hash, 'hex')))
$$;
COMMENT ON FUNCTION approval.audit_hash IS
    'Hash of one audit entry: every column, and the hash of the entry before it (empty for the first).';
