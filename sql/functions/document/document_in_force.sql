CREATE OR REPLACE FUNCTION approval.document_in_force(p_at timestamptz) RETURNS SETOF approval.document
    -- Without a search_path of its own, so that it becomes part of the statement that calls it, as a view would.
    LANGUAGE sql STABLE AS $$
SELECT d.* FROM approval.document AS d WHERE d.valid_from <= p_at AND d.valid_until > p_at
$$;
COMMENT ON FUNCTION approval.document_in_force IS
    'Internal: of each minion that something was ever approved for, the document that holds at p_at; it may be empty.';
