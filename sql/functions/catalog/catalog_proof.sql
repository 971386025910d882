CREATE OR REPLACE FUNCTION approval.catalog_proof(p_minion_id text, p_nonce text, p_report jsonb) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE
    WHEN EXISTS (
        SELECT FROM approval.document_history AS h
        WHERE h.minion_id = p_minion_id AND h.revision::text = p_report ->> 'revision'
            AND encode(approval.hmac(h.evidence_key,
                approval.field('apv1-catalog') || approval.field(p_minion_id) || approval.field(h.revision::text)
                || approval.field(p_nonce) || approval.field(p_report ->> 'system') || approval.field(p_report ->> 'release')
                || approval.field(p_report ->> 'complete') || approval.field(p_report ->> 'sources')
                || approval.field(p_report ->> 'content')), 'hex') = p_report ->> 'mac')
        THEN true
    WHEN EXISTS (SELECT FROM approval.document_history AS h WHERE h.minion_id = p_minion_id) THEN false END
$$;
COMMENT ON FUNCTION approval.catalog_proof IS
    'Internal: whether a report was made by this minion for this nonce: under the key of a document that only it was given. NULL: '
    'it was never given any, so nobody can tell.';
