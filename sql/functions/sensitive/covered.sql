CREATE OR REPLACE FUNCTION approval.covered(p_shown jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kind constant text := CASE jsonb_typeof(p_shown) WHEN 'object' THEN p_shown ->> 'kind' END;
    name constant text := CASE jsonb_typeof(p_shown) WHEN 'object' THEN p_shown ->> 'name' END;
    -- These say what was asked for of a resource; all else is in the words of a minion.
    asked constant text[] := ARRAY['value', 'content'];
    told constant text[] := ARRAY['pinned', 'observed', 'expected', 'text', 'old', 'new'];
BEGIN
    -- Most of what is shown names nothing that is sensitive.
    IF NOT EXISTS (SELECT FROM approval.sensitive AS s WHERE strpos(p_shown::text, s.name) > 0) THEN
        RETURN p_shown;
    ELSIF kind IN ('value', 'action') AND approval.is_sensitive(kind, name) THEN
        RETURN approval.hidden(p_shown - asked, told) || (
            SELECT coalesce(jsonb_object_agg(e.key, approval.covered_content(kind, name, e.value)), '{}')
            FROM jsonb_each_text(p_shown) AS e WHERE e.key = ANY (asked));
    ELSIF kind IS NULL AND approval.is_sensitive('value', regexp_replace(name, E' \\(value\\)$', '')) THEN
        RETURN approval.hidden(p_shown, told);
    END IF;
    RETURN CASE jsonb_typeof(p_shown)
        WHEN 'object' THEN (SELECT jsonb_object_agg(e.key, approval.covered(e.value)) FROM jsonb_each(p_shown) AS e)
        WHEN 'array' THEN (
            SELECT jsonb_agg(approval.covered(e.value) ORDER BY e.place)
            FROM jsonb_array_elements(p_shown) WITH ORDINALITY AS e (value, place))
        ELSE p_shown END;
END
$$;
COMMENT ON FUNCTION approval.covered IS
    'Internal: what is shown, with ••• for the contents of resources that are sensitive, and for all that was found of them: '
    'each object that names one by its kind and name, at whatever depth. As long for any content.';
