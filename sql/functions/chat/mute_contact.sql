CREATE OR REPLACE FUNCTION approval.mute_contact(p_provider text, p_subject text, p_channel text, p_until timestamptz) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor record;
BEGIN
    actor := approval.acting_principal(p_provider, p_subject);
    IF p_until <= now() OR p_until = 'infinity' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'a contact is muted until a time to come';
    END IF;
    UPDATE approval.contact AS c SET muted_until = p_until WHERE c.principal_id = actor.principal_id AND c.channel = p_channel;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'AP006', MESSAGE = format('%s is not told by %s', actor.name, coalesce(p_channel, 'NULL')),
            HINT = 'salt-approval contact list has the contacts.';
    END IF;
    PERFORM approval.audit_append(0, now(), 'contact-muted', actor.name, p_provider || ':' || p_subject, actor.assurance,
                                  jsonb_build_object('channel', p_channel, 'until', p_until));
END
$$;
COMMENT ON FUNCTION approval.mute_contact IS
    'Has the caller not asked by a channel until a time; NULL: asked again from now on. Raises AP001, AP002, AP005, AP006, AP020. '
    'Definer: tables are private.';
