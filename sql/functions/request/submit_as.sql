CREATE OR REPLACE FUNCTION approval.submit_as(
    p_principal_id bigint, p_principal text, p_identity text, p_assurance text, p_type text, p_reason text,
    p_minions text[], p_kinds text[], p_names text[], p_values text[], p_after timestamptz, p_source text, p_external_ref text,
    p_on_behalf_of text, p_overlap text, p_rollout jsonb, p_proof jsonb DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted approval.request_type;
    beneficiary bigint;
BEGIN
    wanted := approval.current_type(p_type);
    PERFORM approval.check_requester(wanted, p_principal_id, p_principal);
    IF wanted.kind = 'any' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('type %s is for taking requests back', p_type),
            HINT = 'Use revert, with the number of the request.';
    END IF;
    IF p_on_behalf_of IS NOT NULL THEN
        SELECT principal_id INTO beneficiary FROM approval.principal WHERE name = p_on_behalf_of AND disabled_at IS NULL;
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'AP001', MESSAGE = format('nobody is known as %s, or it was disabled', p_on_behalf_of);
        END IF;
    END IF;
    RETURN approval.open_request(
        p_principal_id, p_principal, p_identity, p_assurance, wanted, p_reason, p_minions, p_kinds, p_names, p_values, p_after,
        p_source, p_external_ref, beneficiary, p_overlap, NULL, NULL, p_rollout, p_proof);
END
$$;
COMMENT ON FUNCTION approval.submit_as IS
    'Internal: submits a request for a principal of whom it is known who they are, and how surely: the part that '
    'approval.submit_request and sessions on the web have in common. p_proof: see approval.open_request. Raises AP001-AP005, '
    'AP013, AP015, AP016, AP018.';
