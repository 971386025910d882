CREATE OR REPLACE FUNCTION approval.drop_speaker(p_login text, p_provider text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM approval.speaks_for WHERE login = p_login AND provider = p_provider;
    IF FOUND THEN
        PERFORM approval.audit_append(0, now(), 'speaker-dropped', NULL, NULL, NULL,
                                      jsonb_build_object('login', p_login, 'provider', p_provider));
    END IF;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION approval.drop_speaker IS
    'Takes from a login or role that it may act for identities of a provider; gives whether it could. Definer: policy changes are '
    'audited.';
