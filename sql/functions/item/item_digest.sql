-- Without a search_path of its own, so that the planner inlines it.
CREATE OR REPLACE FUNCTION approval.item_digest(p_minion_id text, p_kind text, p_name text, p_type text, p_content text)
    RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT pg_catalog.sha256(approval.field('apv1-item') OPERATOR(pg_catalog.||) approval.field(p_minion_id)
    OPERATOR(pg_catalog.||) approval.item_fields(p_kind, p_name, p_type, p_content))
$$;
COMMENT ON FUNCTION approval.item_digest IS 'Digest of one item of a request.';
