CREATE OR REPLACE FUNCTION approval.is_sensitive(p_kind text, p_name text) RETURNS boolean
    -- Without a search_path of its own, so that it becomes part of the statement that calls it.
    LANGUAGE sql STABLE AS $$
SELECT EXISTS (SELECT FROM approval.sensitive AS s WHERE s.kind = p_kind AND s.name = p_name)
$$;
COMMENT ON FUNCTION approval.is_sensitive IS
    'Internal: whether the policy marks a value, or some argument of the function of an action, as sensitive.';
