CREATE OR REPLACE FUNCTION approval.matches_any(p_text text, p_patterns text[]) RETURNS boolean
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT EXISTS (
    SELECT FROM unnest(p_patterns) AS given (pattern)
    WHERE p_text LIKE replace(replace(replace(replace(given.pattern, '\', '\\'), '_', '\_'), '%', '\%'), '*', '%'))
$$;
COMMENT ON FUNCTION approval.matches_any IS
    'Internal: whether a text is like any of these patterns, in which * stands for any text and all else for itself.';
