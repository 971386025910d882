CREATE OR REPLACE FUNCTION approval.document_digest(
    p_minion_id text, p_revision bigint, p_kinds text[], p_names text[], p_types text[], p_contents text[]) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
SELECT 'sha256:' || encode(sha256(
    approval.field('apv1') || approval.field(p_minion_id) || approval.field(p_revision::text)
    || coalesce((
        SELECT string_agg(approval.field(kind) || approval.field(name) || approval.field(type) || approval.field(content), ''::bytea
                          ORDER BY kind COLLATE "C", name COLLATE "C")
        FROM unnest(p_kinds, p_names, p_types, p_contents) AS entry (kind, name, type, content)), ''::bytea)), 'hex')
$$;
COMMENT ON FUNCTION approval.document_digest(text, bigint, text[], text[], text[], text[]) IS
    'Digest of a document, as sha256:hex. C, the minion''s Python and this function agree by tests/vectors/digest.json.';
