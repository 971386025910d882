CREATE OR REPLACE FUNCTION approval.readable_story(p_story jsonb, p_reads_values boolean) RETURNS jsonb
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE WHEN p_reads_values THEN p_story ELSE p_story || jsonb_build_object(
    'items', approval.hidden(p_story -> 'items', '{content}'),
    'failures', approval.hidden(p_story -> 'failures', '{text}'),
    'plan', approval.hidden(p_story -> 'plan', '{old,new,digest}'),
    'rollout', approval.hidden(p_story -> 'rollout', '{reason,text,because}'),
    'digest', '•••') END
$$;
COMMENT ON FUNCTION approval.readable_story IS
    'Internal: the story of a request, see approval.request_story, without its values, unless they may be read.';
