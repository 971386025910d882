CREATE OR REPLACE FUNCTION approval.item_digest(p_minion_id text, p_kind text, p_name text, p_type text, p_content text) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
SELECT sha256(approval.field('apv1-item') || approval.field(p_minion_id) || approval.field(p_kind) || approval.field(p_name)
              || approval.field(p_type) || approval.field(p_content))
$$;
COMMENT ON FUNCTION approval.item_digest(text, text, text, text, text) IS 'Digest of one item of a request.';
