CREATE OR REPLACE FUNCTION approval.hidden(p_shown jsonb, p_names text[]) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE jsonb_typeof(p_shown)
        WHEN 'object' THEN (
            SELECT coalesce(jsonb_object_agg(e.key, CASE
                -- Absence before says what it was, too.
                WHEN e.key = 'before' AND e.value <> 'null' THEN '{"value": "•••"}'
                WHEN e.key = ANY (p_names) AND e.value <> 'null' THEN '"•••"'
                ELSE approval.hidden(e.value, p_names) END), '{}')
            FROM jsonb_each(p_shown) AS e)
        WHEN 'array' THEN (
            SELECT coalesce(jsonb_agg(approval.hidden(e.value, p_names) ORDER BY e.place), '[]')
            FROM jsonb_array_elements(p_shown) WITH ORDINALITY AS e (value, place))
        ELSE p_shown END;
END
$$;
COMMENT ON FUNCTION approval.hidden IS
    'Internal: what is shown to somebody who may not read values: everything under these names, at whatever depth, is •••, '
    'as long for any content, as is what was there before.';
