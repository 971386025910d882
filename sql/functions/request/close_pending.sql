CREATE OR REPLACE FUNCTION approval.close_pending(p_request_id bigint, p_state text, p_now timestamptz) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM approval.move_request(p_request_id, 'pending', p_state, p_now);
    UPDATE approval.item SET state = 'void' WHERE request_id = p_request_id AND state = 'proposed';
END
$$;
COMMENT ON FUNCTION approval.close_pending IS
    'Internal: ends a pending request as rejected, cancelled or expired; its items are void. The caller holds its lock.';
