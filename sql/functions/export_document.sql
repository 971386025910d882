CREATE OR REPLACE FUNCTION approval.export_document(p_minion_id text)
    RETURNS TABLE (revision bigint, digest text, evidence_key bytea, valid_until timestamptz, as_of timestamptz,
                   kinds text[], names text[], types text[], contents text[])
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- plpgsql, as it keeps the plan for the session; one descending step on the primary key.
    RETURN QUERY
    SELECT d.revision, d.digest, d.evidence_key, d.valid_until, now(), d.kinds, d.names, d.types, d.contents
    FROM approval.document AS d
    WHERE d.minion_id = p_minion_id AND d.valid_from <= now()
    ORDER BY d.valid_from DESC
    LIMIT 1;
END
$$;
COMMENT ON FUNCTION approval.export_document(text) IS
    'The document in force for exactly this minion id, with its key. No row: nothing was ever approved for it. '
    'Definer: the exporter reads one minion''s document at a time and nothing else.';
