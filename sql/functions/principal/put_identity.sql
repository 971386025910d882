CREATE OR REPLACE FUNCTION approval.put_identity(p_provider text, p_subject text, p_principal text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner_id bigint;
    existing bigint;
BEGIN
    IF p_subject ~ E'^\\s|\\s$|[[:cntrl:]]' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP017',
            MESSAGE = format('%s:%L: a subject has no spaces around it', p_provider, p_subject);
    END IF;
    SELECT principal_id INTO owner_id FROM approval.principal WHERE name = p_principal;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'AP017', MESSAGE = format('there is no principal %s', quote_nullable(p_principal));
    END IF;
    SELECT principal_id INTO existing FROM approval.identity WHERE provider = p_provider AND subject = p_subject;
    IF existing = owner_id THEN
        RETURN false;
    ELSIF existing IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP017', MESSAGE = format('%s:%s is another principal already', p_provider, p_subject),
            HINT = 'Drop that identity first.';
    END IF;
    INSERT INTO approval.identity VALUES (p_provider, p_subject, owner_id);
    PERFORM approval.audit_append(0, now(), 'identity-put', NULL, NULL, NULL,
                                  jsonb_build_object('principal', p_principal, 'identity', p_provider || ':' || p_subject));
    RETURN true;
EXCEPTION WHEN check_violation OR not_null_violation THEN
    RAISE EXCEPTION USING ERRCODE = 'AP017',
        MESSAGE = 'an identity is a provider (small letters, digits, - and _) and a subject';
END
$$;
COMMENT ON FUNCTION approval.put_identity IS
    'Lets a principal be known as (provider, subject); gives whether anything changed. Raises AP017. Definer: policy changes are '
    'audited.';
