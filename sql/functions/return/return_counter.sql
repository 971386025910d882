CREATE OR REPLACE FUNCTION approval.return_counter(p_verdict text) RETURNS regclass
    -- Without a search_path of its own, so that it is inlined. Names that are found once cost less than a search for each return.
    LANGUAGE sql STABLE AS $$
SELECT CASE p_verdict
    WHEN 'converged' THEN 'approval.returns_converged'::regclass
    WHEN 'partial' THEN 'approval.returns_partial'::regclass
    WHEN 'failed' THEN 'approval.returns_failed'::regclass
    WHEN 'not-applied' THEN 'approval.returns_not_applied'::regclass
    WHEN 'drift' THEN 'approval.returns_drift'::regclass
    WHEN 'invalid' THEN 'approval.returns_invalid'::regclass
    WHEN 'unproven' THEN 'approval.returns_unproven'::regclass END
$$;
COMMENT ON FUNCTION approval.return_counter IS 'Internal: the sequence that counts the returns with a verdict.';
