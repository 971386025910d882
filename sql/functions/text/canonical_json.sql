CREATE OR REPLACE FUNCTION approval.canonical_json(p_what text, p_value json, p_depth integer DEFAULT 1) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    deepest constant integer := 100;
    whole record;
BEGIN
    IF p_depth > deepest AND json_typeof(p_value) IN ('object', 'array') THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005',
            MESSAGE = format('%s is nested more than %s deep', split_part(p_what, ' at ', 1), deepest),
            HINT = 'Give it with fewer levels, or as text, in quotes.';
    END IF;
    CASE json_typeof(p_value)
        WHEN 'object' THEN
            SELECT coalesce(string_agg(
                       to_json(key)::text || ':' || approval.canonical_json(
                           p_what || CASE WHEN p_depth = 1 THEN ' at ' ELSE '.' END || key, value, p_depth + 1),
                       ',' ORDER BY key COLLATE "C"), '') AS content,
                count(*) AS keys, count(DISTINCT key COLLATE "C") AS different
            INTO whole FROM json_each(p_value);
            IF whole.keys <> whole.different THEN
                RAISE EXCEPTION USING ERRCODE = 'AP005',
                    MESSAGE = format('%s has a key twice', p_what), HINT = 'Give the key once.';
            END IF;
            RETURN '{' || whole.content || '}';
        WHEN 'array' THEN
            SELECT coalesce(string_agg(
                       approval.canonical_json(
                           p_what || CASE WHEN p_depth = 1 THEN ' at ' ELSE '' END || format('[%s]', place - 1),
                               value, p_depth + 1),
                       ',' ORDER BY place), '') AS content
            INTO whole FROM json_array_elements(p_value) WITH ORDINALITY AS e (value, place);
            RETURN '[' || whole.content || ']';
        WHEN 'string' THEN
            RETURN to_json(p_value #>> '{}')::text;
        WHEN 'number' THEN
            RETURN approval.json_number(p_what, btrim(p_value::text, E' \t\n\r'));
        WHEN 'null' THEN
            RETURN 'null';
        ELSE
            RETURN btrim(p_value::text, E' \t\n\r');
    END CASE;
END
$$;
COMMENT ON FUNCTION approval.canonical_json IS
    'Internal: the one text of a JSON value: what Python''s json.dumps(sort_keys=True, separators=(",", ":"), ensure_ascii=False) '
    'writes after reading it. p_what names it in errors, p_depth is how deep it lies. Raises AP005 where it cannot reach a minion '
    'unchanged: a number that Salt cannot carry, a key twice, nested too deep.';
