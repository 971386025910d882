CREATE OR REPLACE FUNCTION approval.move_request(p_request_id bigint, p_from text, p_to text, p_now timestamptz) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target approval.request_state;
BEGIN
    SELECT * INTO STRICT target FROM approval.request_state WHERE state = p_to;
    -- The history's foreign key into transition refuses an edge that is not legal.
    INSERT INTO approval.request_history
    SELECT p_request_id, coalesce(max(seq), 0) + 1, p_from, p_to, p_now FROM approval.request_history
        WHERE request_id = p_request_id;
    UPDATE approval.request
    SET state = p_to,
        approved_at = CASE WHEN target.was_approved THEN coalesce(approved_at, p_now) END,
        closed_at = CASE WHEN target.is_closed THEN p_now END
    WHERE request_id = p_request_id AND state = p_from;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'AP006', MESSAGE = format('request %s is no longer %s', p_request_id, p_from);
    END IF;
EXCEPTION WHEN foreign_key_violation THEN
    RAISE EXCEPTION USING ERRCODE = 'AP006', MESSAGE = format('request %s cannot go from %s to %s', p_request_id, p_from, p_to);
END
$$;
COMMENT ON FUNCTION approval.move_request IS
    'Internal: takes one edge of the state machine; raises AP006 where there is no such edge, or the request was elsewhere.';
