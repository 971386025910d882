CREATE OR REPLACE FUNCTION approval.newest_of_ticket(p_site text, p_ticket_id text) RETURNS approval.ticket_request
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT t FROM approval.ticket_request AS t
WHERE t.provider = p_site AND t.ticket_id = p_ticket_id AND t.revert_no = 0
ORDER BY t.generation DESC LIMIT 1
$$;
COMMENT ON FUNCTION approval.newest_of_ticket IS
    'Internal: the newest request that a ticket asked for, not one that takes it back; NULL: there is none.';
