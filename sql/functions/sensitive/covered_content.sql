CREATE OR REPLACE FUNCTION approval.covered_content(p_kind text, p_name text, p_content text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    covered text[];
BEGIN
    IF p_content IS NULL OR NOT approval.is_sensitive(p_kind, p_name) THEN
        RETURN p_content;
    ELSIF p_kind = 'value' OR NOT starts_with(p_content, '{') THEN
        RETURN '•••';
    END IF;
    covered := ARRAY(SELECT s.argument FROM approval.sensitive AS s WHERE s.kind = p_kind AND s.name = p_name);
    RETURN approval.canonical_json(p_name, (
        SELECT json_object_agg(a.key, CASE WHEN a.key = ANY (covered) THEN '"•••"' ELSE a.value END)
        FROM json_each(p_content::json) AS a));
END
$$;
COMMENT ON FUNCTION approval.covered_content IS
    'Internal: the content of an item with ••• in place of what is sensitive: a value as a whole, of an action these '
    'arguments.';
