CREATE OR REPLACE FUNCTION approval.end_delegation_as(
    p_principal_id bigint, p_principal text, p_identity text, p_assurance text, p_delegation_id bigint, p_proof jsonb DEFAULT NULL)
    RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz;
BEGIN
    PERFORM FROM approval.delegation WHERE delegation_id = p_delegation_id AND from_principal = p_principal_id FOR UPDATE;
    moment := clock_timestamp();
    UPDATE approval.delegation
    SET starts_at = least(starts_at, moment - interval '1 microsecond'), ends_at = moment
    WHERE delegation_id = p_delegation_id AND from_principal = p_principal_id AND ends_at > moment;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM approval.audit_append(0, moment, 'delegation-ended', p_principal, p_identity, p_assurance,
                                  jsonb_build_object('delegation', p_delegation_id)
                                  || CASE WHEN p_proof IS NULL THEN '{}' ELSE jsonb_build_object('proof', p_proof) END);
    RETURN true;
END
$$;
COMMENT ON FUNCTION approval.end_delegation_as IS
    'Internal: ends a delegation of a principal of whom it is known who they are: what approval.end_delegation and sessions on '
    'the web have in common; gives whether it was still open. p_proof: see approval.open_request.';
