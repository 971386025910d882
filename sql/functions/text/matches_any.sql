CREATE OR REPLACE FUNCTION approval.matches_any(p_text text, p_patterns text[]) RETURNS boolean
    -- Without a search_path of its own, and without a query in it, so that it becomes part of the statement that calls it. Nor
    -- is it said to be immutable, which array_to_string() is not: then it would not.
    LANGUAGE sql STABLE AS $$
SELECT p_text LIKE ANY (string_to_array(replace(replace(replace(replace(
    array_to_string(p_patterns, E'\n'), E'\\', E'\\\\'), '_', E'\\_'), '%', E'\\%'), '*', '%'), E'\n'))
$$;
COMMENT ON FUNCTION approval.matches_any IS
    'Internal: whether a text is like any of these patterns, in which * stands for any text and all else for itself.';
