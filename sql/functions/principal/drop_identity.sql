CREATE OR REPLACE FUNCTION approval.drop_identity(p_provider text, p_subject text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM approval.identity WHERE provider = p_provider AND subject = p_subject;
    IF FOUND THEN
        PERFORM approval.audit_append(0, now(), 'identity-dropped', NULL, NULL, NULL,
                                      jsonb_build_object('identity', p_provider || ':' || p_subject));
    END IF;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION approval.drop_identity IS
    'Takes an identity away; gives whether there was one. Definer: policy changes are audited.';
