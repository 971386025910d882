CREATE OR REPLACE FUNCTION approval.list_contacts(p_provider text, p_subject text)
    RETURNS TABLE (principal text, channel text, address text, muted_until timestamptz)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor record;
BEGIN
    actor := approval.acting_principal(p_provider, p_subject);
    RETURN QUERY
    SELECT actor.name, c.channel, c.address, CASE WHEN c.muted_until > now() THEN c.muted_until END
    FROM approval.contact AS c WHERE c.principal_id = actor.principal_id ORDER BY c.channel;
END
$$;
COMMENT ON FUNCTION approval.list_contacts IS
    'Where the caller is told of what waits for them, and until when they muted it. Raises AP001, AP002, AP020. Definer: tables '
    'are private.';
