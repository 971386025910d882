CREATE OR REPLACE FUNCTION approval.readable_request(p_shown jsonb, p_reads_values boolean) RETURNS jsonb
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE WHEN p_reads_values THEN p_shown ELSE p_shown || jsonb_build_object(
    -- By a digest of what has few possible values these can be tried.
    'digest', '•••',
    'items', approval.hidden(p_shown -> 'items', '{value,pinned,observed,text}'),
    'groups', approval.hidden(p_shown -> 'groups', '{value,pinned,observed,text}'),
    'deviating', approval.hidden(p_shown -> 'deviating', '{value,pinned,observed,text}'),
    'plan', approval.hidden(p_shown -> 'plan', '{old,new,digest}'),
    'rollout', approval.hidden(p_shown -> 'rollout', '{reason,text,because}'),
    'left_out', approval.hidden(p_shown -> 'left_out', '{reason}'),
    'notes', approval.hidden(p_shown -> 'notes', '{note}'),
    'not_renewed', approval.hidden(p_shown, '{not_renewed}') -> 'not_renewed') END
$$;
COMMENT ON FUNCTION approval.readable_request IS
    'Internal: a request as approval.show_request has it, without its values, and what minions said of them, unless they may be '
    'read.';
