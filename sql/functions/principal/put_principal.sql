CREATE OR REPLACE FUNCTION approval.put_principal(p_name text, p_kind text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    existing approval.principal;
BEGIN
    SELECT * INTO existing FROM approval.principal WHERE name = p_name FOR UPDATE;
    IF existing.kind = p_kind AND existing.disabled_at IS NULL THEN
        RETURN false;
    ELSIF existing.pseudonymised_at IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP017',
            MESSAGE = format('%s is the pseudonym of somebody who is gone, and cannot act again', p_name),
            HINT = 'Give who comes back a name of their own.';
    ELSIF existing.kind <> p_kind THEN
        RAISE EXCEPTION USING ERRCODE = 'AP017',
            MESSAGE = format('principal %s is a %s; it cannot become a %s', p_name, existing.kind, p_kind);
    ELSIF existing.principal_id IS NOT NULL THEN
        UPDATE approval.principal SET disabled_at = NULL WHERE principal_id = existing.principal_id;
    ELSE
        INSERT INTO approval.principal (name, kind, created_at) VALUES (p_name, p_kind, now());
    END IF;
    PERFORM approval.audit_append(0, now(), 'principal-put', NULL, NULL, NULL,
        jsonb_build_object('principal', p_name, 'kind', p_kind));
    RETURN true;
EXCEPTION WHEN check_violation OR not_null_violation THEN
    RAISE EXCEPTION USING ERRCODE = 'AP017', MESSAGE = 'a principal has a name and is a person or a service';
END
$$;
COMMENT ON FUNCTION approval.put_principal IS
    'Adds a principal, or enables it again; gives whether anything changed. Raises AP017. Definer: policy changes are audited.';
