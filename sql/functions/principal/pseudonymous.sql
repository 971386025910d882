CREATE OR REPLACE FUNCTION approval.pseudonymous(p_content jsonb, p_words jsonb, p_is_person boolean DEFAULT false) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    of_people constant text[] := ARRAY['address', 'by', 'counts_for', 'decided_by', 'editors', 'identity', 'in_stead_of', 'login',
        'on_behalf_of', 'paused_by', 'planned_by', 'principal', 'requester', 'subject', 'to', 'user', 'users', 'who'];
BEGIN
    CASE jsonb_typeof(p_content)
    WHEN 'object' THEN
        RETURN (SELECT coalesce(jsonb_object_agg(e.key, approval.pseudonymous(e.value, p_words, e.key = ANY (of_people))), '{}')
                FROM jsonb_each(p_content) AS e);
    WHEN 'array' THEN
        RETURN (SELECT coalesce(jsonb_agg(approval.pseudonymous(e.value, p_words, p_is_person) ORDER BY e.place), '[]')
                FROM jsonb_array_elements(p_content) WITH ORDINALITY AS e (value, place));
    WHEN 'string' THEN
        RETURN CASE WHEN p_is_person THEN coalesce(p_words -> (p_content #>> '{}'), p_content) ELSE p_content END;
    ELSE
        RETURN p_content;
    END CASE;
END
$$;
COMMENT ON FUNCTION approval.pseudonymous IS
    'Internal: the content of an act or a message with these words ({word: replacement}) replaced, where they are the whole value '
    'of a key that is about people. Other keys keep theirs: a machine or a group may be named like somebody.';
