CREATE OR REPLACE FUNCTION approval.poll_mark(p_site text) RETURNS timestamptz
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM approval.check_site(p_site);
    RETURN (SELECT p.mark FROM approval.ticket_poll AS p WHERE p.provider = p_site);
END
$$;
COMMENT ON FUNCTION approval.poll_mark IS
    'Until when the changes of the tickets of a site were looked through; NULL: never. Raises AP002. Definer: tables are private.';
