CREATE OR REPLACE FUNCTION approval.hidden_plan(p_shown jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
-- In an answer a change has whatever form its state gives it.
SELECT approval.hidden(p_shown, '{old,new,comment,digest}') || jsonb_build_object('answers', (
    SELECT coalesce(jsonb_agg(a.answer || jsonb_build_object('comment', '•••', 'changes', (
        SELECT coalesce(jsonb_object_agg(c.name, '{"old": "•••", "new": "•••"}'::jsonb), '{}')
        FROM jsonb_object_keys(CASE jsonb_typeof(a.answer -> 'changes') WHEN 'object' THEN a.answer -> 'changes' ELSE '{}' END)
            AS c (name))) ORDER BY a.place), '[]')
    FROM jsonb_array_elements(p_shown -> 'answers') WITH ORDINALITY AS a (answer, place)))
$$;
COMMENT ON FUNCTION approval.hidden_plan IS
    'Internal: a plan as approval.show_plan has it, for somebody who may not read values: which resources of which minions would '
    'change, and neither from what nor to what.';
