CREATE OR REPLACE FUNCTION approval.delegate_as(
    p_principal_id bigint, p_principal text, p_identity text, p_assurance text, p_to text, p_from timestamptz, p_until timestamptz,
    p_proof jsonb DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    deputy bigint;
    new_id bigint;
BEGIN
    IF p_assurance = 'asserted' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP009',
            MESSAGE = 'delegating asks for an identity that is authenticated; this one is only asserted',
            HINT = CASE WHEN p_proof IS NULL THEN 'Use your own login.' ELSE 'Sign in again.' END;
    END IF;
    SELECT principal_id INTO deputy FROM approval.principal WHERE name = p_to AND disabled_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'AP001',
            MESSAGE = format('%s cannot delegate to %s: there is no such principal, or it was disabled', p_principal,
                quote_nullable(p_to));
    ELSIF deputy = p_principal_id THEN
        RAISE EXCEPTION USING ERRCODE = 'AP001', MESSAGE = format('%s cannot delegate to themselves', p_principal);
    END IF;
    IF p_until IS NULL OR p_until <= greatest(moment, coalesce(p_from, moment)) OR p_until > moment + interval '1 year' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP016', MESSAGE = 'a delegation ends at a time to come, within a year, after it begins';
    END IF;
    INSERT INTO approval.delegation (from_principal, to_principal, starts_at, ends_at, created_at)
    VALUES (p_principal_id, deputy, coalesce(p_from, moment), p_until, moment)
    RETURNING delegation_id INTO new_id;
    PERFORM approval.audit_append(0, moment, 'delegated', p_principal, p_identity, p_assurance,
                                  jsonb_build_object('delegation', new_id, 'to', p_to, 'from', coalesce(p_from, moment),
                                      'until', p_until)
                                  || CASE WHEN p_proof IS NULL THEN '{}' ELSE jsonb_build_object('proof', p_proof) END);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION approval.delegate_as IS
    'Internal: lets another principal decide in the stead of one of whom it is known who they are, and how surely: what '
    'approval.delegate and sessions on the web have in common. p_proof: see approval.open_request. Raises AP001, AP009, AP016.';
