CREATE OR REPLACE FUNCTION approval.put_contact(
    p_provider text, p_subject text, p_principal text, p_channel text, p_address text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner record;
BEGIN
    owner := approval.contact_owner(p_provider, p_subject, p_principal);
    INSERT INTO approval.contact AS c (principal_id, channel, address) VALUES (owner.principal_id, p_channel, p_address)
    ON CONFLICT (principal_id, channel) DO UPDATE SET address = excluded.address WHERE c.address <> excluded.address;
    IF FOUND THEN
        PERFORM approval.audit_append(0, now(), 'contact-put', owner.name, owner.identity, owner.assurance, jsonb_build_object(
            'principal', coalesce(p_principal, owner.name), 'channel', p_channel, 'address', p_address));
    END IF;
    RETURN FOUND;
EXCEPTION WHEN check_violation OR not_null_violation THEN
    RAISE EXCEPTION USING ERRCODE = 'AP017',
        MESSAGE = 'a contact is a channel (small letters, digits, - and _) and an address of at most 255 characters in one line';
END
$$;
COMMENT ON FUNCTION approval.put_contact IS
    'Has somebody told by a channel, at an address, of what waits for them: oneself, or (no identity: a policy administrator) '
    'anybody. Gives whether anything changed. Raises AP001, AP002, AP017, AP020. Definer: tables are private.';
