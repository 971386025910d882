CREATE OR REPLACE FUNCTION approval.expected_document(
    p_minion_id text, p_revision bigint, p_published_at timestamptz, p_now timestamptz)
    RETURNS TABLE (revision bigint, digest text, evidence_key bytea, kinds text[], names text[], types text[], contents text[])
    -- Without a search_path of its own, so that it becomes part of the statement that calls it.
    LANGUAGE sql STABLE AS $$
SELECT h.revision, h.digest, h.evidence_key, h.kinds, h.names, h.types, h.contents FROM approval.document_history AS h
WHERE h.minion_id = p_minion_id AND h.valid_from <= p_now AND h.revision = coalesce(p_revision, (
    SELECT r.revision FROM approval.revision_at(p_minion_id, coalesce(p_published_at, p_now)) AS r))
LIMIT 1
$$;
COMMENT ON FUNCTION approval.expected_document IS
    'Internal: the document that a return is validated against: of the revision that it claims, or (NULL) the one in force when '
    'its job was published (NULL: nobody knows such a job; then now). No row: the minion was given none such.';
