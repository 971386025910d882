CREATE OR REPLACE FUNCTION approval.revision_at(p_minion_id text, p_at timestamptz) RETURNS TABLE (revision bigint)
    -- Without a search_path of its own, so that it becomes part of the statement that calls it.
    LANGUAGE sql STABLE AS $$
SELECT h.revision FROM approval.document_history AS h
WHERE h.minion_id = p_minion_id AND h.written_at <= p_at AND h.valid_from <= p_at
ORDER BY h.revision DESC
LIMIT 1
$$;
COMMENT ON FUNCTION approval.revision_at IS
    'Internal: the revision of the document that was in force for a minion at a time, as far as it was written then; no row: none.';
