CREATE OR REPLACE FUNCTION approval.check_site(p_site text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Everybody speaks for pg, and salt is no system of tickets.
    IF p_site IS NULL OR p_site IN ('pg', 'salt') OR approval.speaks_as(p_site) IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP002',
            MESSAGE = format('the login %s does not speak for the site %s', session_user, coalesce(p_site, 'NULL')),
            HINT = 'Which sites a login speaks for stands in the policy, under speakers.';
    END IF;
END
$$;
COMMENT ON FUNCTION approval.check_site IS
    'Internal: raises unless the session''s login speaks for this site, a system of tickets by the name that it has as a '
    'provider of identities. Raises AP002.';
