CREATE OR REPLACE FUNCTION approval.post_notice(p_topic text, p_thread text, p_request_id bigint, p_body jsonb, p_now timestamptz)
    RETURNS integer
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    told integer := 0;
    receiver record;
    body constant jsonb := approval.readable_notice(p_topic, p_body);
BEGIN
    FOR receiver IN
        SELECT * FROM approval.receivers(p_topic, p_thread, p_request_id, p_body, p_now)
    LOOP
        PERFORM approval.post_message(
            receiver.destination, p_topic, p_thread, p_request_id, body, p_now, receiver.due_at);
        told := told + 1;
    END LOOP;
    RETURN told;
END
$$;
COMMENT ON FUNCTION approval.post_notice IS
    'Internal: tells each destination that a route leads to; gives how many. A destination with several routes that match gets one '
    'message. What not everybody may read is ••• there, see readable_notice.';
