CREATE OR REPLACE FUNCTION approval.begin_dispatch(p_minion_id text, p_item_id bigint, p_step text, p_jid text) RETURNS boolean
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT count(*) > 0
FROM approval.item AS i, approval.begin_dispatches(i.request_id, ARRAY[p_minion_id], ARRAY[p_item_id], p_step, p_jid) AS begun
WHERE i.minion_id = p_minion_id AND i.item_id = p_item_id
$$;
COMMENT ON FUNCTION approval.begin_dispatch IS
    'The same as begin_dispatches for one item. False: its job must not be published. Definer: tables are private.';
