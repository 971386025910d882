CREATE OR REPLACE FUNCTION approval.is_held_whole(p_request_id bigint) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT EXISTS (SELECT FROM approval.ticket_hold AS h WHERE h.request_id = p_request_id)
    AND NOT EXISTS (SELECT FROM approval.item AS i WHERE i.request_id = p_request_id AND i.applied_at IS NOT NULL)
    AND NOT EXISTS (SELECT FROM approval.dispatch AS d WHERE d.request_id = p_request_id)
$$;
COMMENT ON FUNCTION approval.is_held_whole IS
    'Internal: whether a ticket holds its request, and nothing of it was applied or begun to be sent.';
