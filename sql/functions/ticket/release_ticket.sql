CREATE OR REPLACE FUNCTION approval.release_ticket(p_site text, p_ticket_id text, p_digest text) RETURNS bigint[]
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    held bigint;
    released bigint[] := '{}'::bigint[];
BEGIN
    PERFORM approval.check_site(p_site);
    PERFORM approval.lock_ticket(p_site, p_ticket_id);
    FOR held IN
        SELECT t.request_id FROM approval.ticket_request AS t JOIN approval.ticket_hold AS h USING (request_id)
        WHERE t.provider = p_site AND t.ticket_id = p_ticket_id AND t.digest = p_digest
        ORDER BY t.request_id
    LOOP
        PERFORM approval.lock_request(held);
        IF approval.release_request(held, clock_timestamp()) THEN
            released := released || held;
        END IF;
    END LOOP;
    RETURN released;
END
$$;
COMMENT ON FUNCTION approval.release_ticket IS
    'Lets the held requests of a ticket go on that were approved with this digest, which is the one that the ticket has now; '
    'gives them. Raises AP002. Definer: tables are private.';
