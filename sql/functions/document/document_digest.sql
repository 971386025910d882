-- Without a search_path of its own, so that the planner inlines it.
CREATE OR REPLACE FUNCTION approval.document_digest(p_minion_id text, p_revision bigint, p_items bytea) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT 'sha256:' OPERATOR(pg_catalog.||) pg_catalog.encode(pg_catalog.sha256(
    approval.field('apv1') OPERATOR(pg_catalog.||) approval.field(p_minion_id)
    OPERATOR(pg_catalog.||) approval.field(p_revision::pg_catalog.text)
    OPERATOR(pg_catalog.||) COALESCE(p_items, E'\\x'::pg_catalog.bytea)), 'hex')
$$;
COMMENT ON FUNCTION approval.document_digest IS
    'Digest of a document, as sha256:hex. p_items: item_fields of its resources joined in bytewise order of kind and name; NULL: '
    'none. C, the minion''s Python and this function agree by tests/vectors/digest.json.';
