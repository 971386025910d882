CREATE OR REPLACE FUNCTION approval.lock_ticket(p_site text, p_ticket_id text) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
SELECT pg_advisory_xact_lock(hashtextextended('approval.ticket/' || p_site || '/' || p_ticket_id, 0))
$$;
COMMENT ON FUNCTION approval.lock_ticket IS
    'Internal: nobody else makes, amends or holds requests of this ticket until the transaction ends. Taken before the locks of '
    'its requests.';
