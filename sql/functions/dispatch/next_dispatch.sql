CREATE OR REPLACE FUNCTION approval.next_dispatch(p_request_id bigint, p_minions text[]) RETURNS timestamptz
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT n.due_at FROM approval.dispatch_due(p_request_id, p_minions) AS n
$$;
COMMENT ON FUNCTION approval.next_dispatch IS
    'When something of a request is to be dispatched, or its rollout to be brought on, next, where only these minions (NULL: all) '
    'can be told; NULL: nothing is left to be. Definer: tables are private.';
