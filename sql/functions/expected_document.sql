CREATE OR REPLACE FUNCTION approval.expected_document(p_minion_id text, p_revision bigint, p_jid text)
    RETURNS TABLE (revision bigint, digest text, evidence_key bytea, kinds text[], names text[], types text[], contents text[])
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ran_at timestamptz;
BEGIN
    -- What a minion's own login stores is a claim whatever it is compared with, and each document holds a key.
    IF NOT pg_has_role(session_user, 'approval_returner', 'MEMBER') THEN
        RETURN;
    END IF;
    IF p_revision IS NOT NULL THEN
        RETURN QUERY
        SELECT h.revision, h.digest, h.evidence_key, h.kinds, h.names, h.types, h.contents
        FROM approval.document_history AS h
        WHERE h.minion_id = p_minion_id AND h.revision = p_revision AND h.valid_from <= clock_timestamp();
        RETURN;
    END IF;
    -- A jid's digits are the master's local time; when the master published it, is sure.
    ran_at := coalesce((SELECT j.published_at FROM approval.job AS j WHERE j.jid = p_jid), clock_timestamp());
    RETURN QUERY
    SELECT h.revision, h.digest, h.evidence_key, h.kinds, h.names, h.types, h.contents
    FROM approval.document_history AS h
    WHERE h.minion_id = p_minion_id AND h.written_at <= ran_at AND h.valid_from <= ran_at
    ORDER BY h.revision DESC
    LIMIT 1;
END
$$;
COMMENT ON FUNCTION approval.expected_document(text, bigint, text) IS
    'The document that a return is validated against: the revision it claims, or (p_revision NULL) the one in force when the job was '
    'published. No row: the minion was given none such, or the caller is a minion''s own login. Definer: the recorder needs the key to check the evidence, and nothing else.';
