CREATE OR REPLACE FUNCTION approval.hold_ticket(p_site text, p_ticket_id text, p_reason text, p_gone boolean DEFAULT false)
    RETURNS bigint[]
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    open bigint;
    held bigint[] := '{}'::bigint[];
BEGIN
    PERFORM approval.check_site(p_site);
    IF coalesce(p_reason, '') = '' OR length(p_reason) > 1000 THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'a ticket is held for a reason of 1 to 1000 characters';
    END IF;
    PERFORM approval.lock_ticket(p_site, p_ticket_id);
    FOR open IN
        SELECT t.request_id FROM approval.ticket_request AS t JOIN approval.request AS r USING (request_id)
        WHERE t.provider = p_site AND t.ticket_id = p_ticket_id AND r.closed_at IS NULL
        ORDER BY t.request_id
    LOOP
        PERFORM approval.lock_request(open);
        IF approval.hold_request(open, CASE WHEN p_gone THEN 'gone' ELSE 'edited' END, p_reason, clock_timestamp()) THEN
            held := held || open;
        END IF;
    END LOOP;
    RETURN held;
END
$$;
COMMENT ON FUNCTION approval.hold_ticket IS
    'Keeps all open requests of a ticket from taking effect and from being sent where they were not yet, with an alarm: it does '
    'not say any more what was approved, or (p_gone) cannot be read any more. Breaking the glass does not lift it. Gives the '
    'requests that were not held before. Raises AP002, AP005. Definer: tables are private.';
