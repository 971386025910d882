-- Without a search_path of its own, so that the planner inlines it: documents are digested by the hundred thousand.
CREATE OR REPLACE FUNCTION approval.item_fields(p_kind text, p_name text, p_type text, p_content text) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT approval.field(p_kind) OPERATOR(pg_catalog.||) approval.field(p_name) OPERATOR(pg_catalog.||) approval.field(p_type)
    OPERATOR(pg_catalog.||) approval.field(p_content)
$$;
COMMENT ON FUNCTION approval.item_fields IS 'One resource as digests take it: its fields, one behind the other.';
