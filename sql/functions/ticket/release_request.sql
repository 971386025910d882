CREATE OR REPLACE FUNCTION approval.release_request(p_request_id bigint, p_now timestamptz) RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM approval.ticket_hold AS h WHERE h.request_id = p_request_id;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM approval.audit_append(p_request_id, p_now, 'ticket-released', NULL, NULL, NULL, '{}');
    PERFORM approval.refresh_documents(ARRAY(
        SELECT DISTINCT i.minion_id FROM approval.item AS i
        WHERE i.request_id = p_request_id AND i.state = 'approved' AND i.applied_at IS NULL));
    RETURN true;
END
$$;
COMMENT ON FUNCTION approval.release_request IS
    'Internal: ends what approval.hold_request began; gives whether there was a hold. The caller holds the request''s lock.';
