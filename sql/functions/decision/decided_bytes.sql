CREATE OR REPLACE FUNCTION approval.decided_bytes(
    p_request_id bigint, p_item_set_version integer, p_digest text, p_stage_no integer, p_decision text, p_principal text,
    p_comment text, p_decided_at timestamptz) RETURNS bytea
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT approval.field('apv1-decision') || approval.field(p_request_id::text) || approval.field(p_item_set_version::text)
    || approval.field(p_digest) || approval.field(p_stage_no::text) || approval.field(p_decision)
    || approval.field(p_principal) || approval.field(p_comment)
    || approval.field(to_char(p_decided_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
$$;
COMMENT ON FUNCTION approval.decided_bytes IS 'Internal: what was decided on, as decision.decided_bytes has it.';
