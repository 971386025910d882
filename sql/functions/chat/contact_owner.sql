CREATE OR REPLACE FUNCTION approval.contact_owner(
    p_provider text, p_subject text, p_principal text,
    OUT principal_id bigint, OUT name text, OUT assurance text, OUT identity text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor record;
BEGIN
    IF p_provider IS NULL AND pg_has_role(session_user, 'approval_policy_admin', 'MEMBER') THEN
        principal_id := approval.principal_named(p_principal);
        RETURN;
    ELSIF p_provider IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP002',
            MESSAGE = format('%s is no policy administrator and changes nobody else''s contacts', session_user),
            HINT = 'Everybody has contacts of their own: salt-approval contact set CHANNEL ADDRESS.';
    END IF;
    actor := approval.acting_principal(p_provider, p_subject);
    IF p_principal IS NOT NULL AND p_principal <> actor.name THEN
        RAISE EXCEPTION USING ERRCODE = 'AP002', MESSAGE = format('%s cannot change where %s is told', actor.name, p_principal),
            HINT = 'Everybody may for themselves; a policy administrator for all: salt-approval contact set --of NAME.';
    END IF;
    principal_id := actor.principal_id;
    name := actor.name;
    assurance := actor.assurance;
    identity := p_provider || ':' || p_subject;
END
$$;
COMMENT ON FUNCTION approval.contact_owner IS
    'Internal: whose contacts are changed: those of the principal who acts, or, by a policy administrator who names no identity, '
    'of the one who is named. name, assurance and identity are of who acts, for the audit. Raises AP001, AP002, AP020.';
