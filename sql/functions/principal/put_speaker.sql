CREATE OR REPLACE FUNCTION approval.put_speaker(p_login text, p_provider text, p_assurance text, p_attests boolean DEFAULT false)
    RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF p_provider = 'pg' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP017', MESSAGE = 'nobody speaks for pg: each login is its own identity there';
    ELSIF p_provider IN ('renewal', 'revert') THEN
        RAISE EXCEPTION USING ERRCODE = 'AP017',
            MESSAGE = format('nobody speaks for %s: requests that the database makes itself come from there', p_provider);
    ELSIF p_assurance = 'signed' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP017', MESSAGE = 'no login makes an identity signed: a person''s own key does';
    ELSIF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = p_login) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP017', MESSAGE = format('there is no login or role %s', quote_nullable(p_login)),
            HINT = 'Make the login first: whoever made one of that name later could act for others.';
    END IF;
    INSERT INTO approval.speaks_for AS s VALUES (p_login, p_provider, p_assurance, coalesce(p_attests, false))
    ON CONFLICT (login, provider) DO UPDATE SET assurance = excluded.assurance, attests = excluded.attests
    WHERE (s.assurance, s.attests) <> (excluded.assurance, excluded.attests);
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM approval.audit_append(0, now(), 'speaker-put', NULL, NULL, NULL, jsonb_build_object(
        'login', p_login, 'provider', p_provider, 'assurance', p_assurance, 'attests', coalesce(p_attests, false)));
    RETURN true;
EXCEPTION WHEN check_violation OR not_null_violation OR foreign_key_violation THEN
    RAISE EXCEPTION USING ERRCODE = 'AP017',
        MESSAGE = 'a speaker is a login, a provider (small letters, digits, - and _) and an assurance (asserted, authenticated)';
END
$$;
COMMENT ON FUNCTION approval.put_speaker IS
    'Lets a login, or every login with a role, act for identities of a provider, with this assurance at most; gives whether '
    'anything changed. Raises AP017. Definer: policy changes are audited.';
