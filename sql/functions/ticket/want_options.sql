CREATE OR REPLACE FUNCTION approval.want_options(p_site text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM approval.check_site(p_site);
    NOTIFY approval_options;
END
$$;
COMMENT ON FUNCTION approval.want_options IS
    'Has what the fields of a site offer brought in line with the inventory soon. Raises AP002. Definer: tables are private.';
