CREATE OR REPLACE FUNCTION approval.findings_of(p_findings json)
    RETURNS TABLE (kind text, name text, verdict text, reason text, expected text, observed text, source text, finding text,
        is_signed boolean)
    -- Without a search_path of its own, so that it becomes part of the statement that calls it.
    LANGUAGE sql STABLE AS $$
SELECT f.entry ->> 0, f.entry ->> 1, f.entry ->> 2, f.entry ->> 3, f.entry ->> 4, f.entry ->> 5, f.entry ->> 6, f.entry ->> 7,
    -- Of all that a return says only this is signed.
    coalesce(f.entry ->> 6 IN ('evidence', 'observation'), false)
FROM json_array_elements(p_findings) AS f (entry)
$$;
COMMENT ON FUNCTION approval.findings_of IS
    'Internal: the validator''s answers of one return, see column findings of job_return, one row for each resource.';
