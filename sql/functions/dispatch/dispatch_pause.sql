CREATE OR REPLACE FUNCTION approval.dispatch_pause(p_request_id bigint, p_minions text[]) RETURNS interval
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE WHEN n.is_for_others THEN greatest(n.due_at - clock_timestamp(), interval '0') ELSE interval '0' END
FROM approval.dispatch_due(p_request_id, p_minions) AS n
$$;
COMMENT ON FUNCTION approval.dispatch_pause IS
    'For how long a master that can tell these minions alone leaves the message of a request to masters that can tell others; 0: '
    'it has something to do on one of its own now, or nothing is to be done anywhere yet, or any more. Definer: tables are '
    'private.';
