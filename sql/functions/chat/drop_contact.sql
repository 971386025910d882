CREATE OR REPLACE FUNCTION approval.drop_contact(p_provider text, p_subject text, p_principal text, p_channel text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner record;
BEGIN
    owner := approval.contact_owner(p_provider, p_subject, p_principal);
    DELETE FROM approval.contact AS c WHERE c.principal_id = owner.principal_id AND c.channel = p_channel;
    IF FOUND THEN
        PERFORM approval.audit_append(0, now(), 'contact-dropped', owner.name, owner.identity, owner.assurance, jsonb_build_object(
            'principal', coalesce(p_principal, owner.name), 'channel', p_channel));
    END IF;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION approval.drop_contact IS
    'Takes a contact away, as put_contact made it; gives whether there was one. Raises AP001, AP002, AP020. Definer: tables are '
    'private.';
