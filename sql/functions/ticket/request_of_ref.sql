CREATE OR REPLACE FUNCTION approval.request_of_ref(p_source text, p_ref text) RETURNS bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    PERFORM approval.check_site(p_source);
    SELECT r.request_id INTO found_id FROM approval.request AS r WHERE r.source = p_source AND r.external_ref = p_ref;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION approval.request_of_ref IS
    'The request that a site knows by this reference, as 10001#1: the id of the ticket, and its generation; NULL: '
    'none. Raises AP002. Definer: tables are private.';
