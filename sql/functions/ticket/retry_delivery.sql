CREATE OR REPLACE FUNCTION approval.retry_delivery(p_site text, p_key text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    retried integer;
BEGIN
    PERFORM approval.check_site(p_site);
    UPDATE approval.ticket_delivery AS d
    SET state = 'waiting', attempts = 0, settled_at = NULL, due_at = clock_timestamp()
    WHERE d.provider = p_site AND d.state = 'dead' AND (p_key IS NULL OR d.key = p_key);
    GET DIAGNOSTICS retried = ROW_COUNT;
    NOTIFY approval_itsm;
    RETURN retried;
END
$$;
COMMENT ON FUNCTION approval.retry_delivery IS
    'Has the delivery of a site that was given up (NULL: all of them) worked off again; gives how many there were. Raises AP002. '
    'Definer: tables are private.';
