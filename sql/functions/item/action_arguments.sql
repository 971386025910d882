CREATE OR REPLACE FUNCTION approval.action_arguments(p_type_name text, p_type_version integer, p_content text) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
-- The type's own arguments cannot be replaced.
SELECT approval.canonical_json(
    format('the arguments of %s', t.action ->> 'function'), (p_content::jsonb || coalesce(t.action -> 'kwarg', '{}'))::json)
FROM approval.request_type AS t WHERE t.type_name = p_type_name AND t.type_version = p_type_version
$$;
COMMENT ON FUNCTION approval.action_arguments IS
    'Internal: all arguments of an action as canonical JSON: what was asked for (p_content) and what this version of its type '
    'fixes. The one place where they are put together.';
