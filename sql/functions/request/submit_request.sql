CREATE OR REPLACE FUNCTION approval.submit_request(
    p_provider text, p_subject text, p_type text, p_reason text,
    p_minions text[], p_kinds text[], p_names text[], p_values text[],
    p_after timestamptz, p_source text, p_external_ref text,
    p_on_behalf_of text DEFAULT NULL, p_overlap text DEFAULT NULL, p_rollout jsonb DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor record;
BEGIN
    actor := approval.acting_principal(p_provider, p_subject);
    -- Keys of another source are another's: whoever could take one would keep its owner from using it.
    IF p_source IS DISTINCT FROM p_provider AND (p_source = 'pg' OR approval.speaks_as(p_source) IS NULL) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP002',
            MESSAGE = format('the login %s cannot submit requests that come from %s', session_user, coalesce(p_source, 'nowhere')),
            HINT = format('Their source is the provider of who asks, here %s, or another that the login speaks for.', p_provider);
    END IF;
    RETURN approval.submit_as(
        actor.principal_id, actor.name, p_provider || ':' || p_subject, actor.assurance, p_type, p_reason, p_minions, p_kinds,
        p_names, p_values, p_after, p_source, p_external_ref, p_on_behalf_of, p_overlap, p_rollout);
END
$$;
COMMENT ON FUNCTION approval.submit_request IS
    'Submits a request over items given as parallel arrays (minion, kind, name, value; a package''s is a version, latest, or '
    'absent) by the identity (provider, subject), perhaps for another principal (p_on_behalf_of); gives its number. p_after: '
    'when it takes effect once approved, NULL at once. p_overlap: what to do about open requests that it contradicts '
    '(supersede, wait; NULL: to be resolved before it is approved). p_rollout: parts of the type''s rollout made stricter. The '
    'same (p_source, p_external_ref) with the same content is the same request; p_source is p_provider, or another that the '
    'login speaks for. Raises AP001-AP005, AP013, AP015, AP016, AP018. Definer: nobody writes requests otherwise.';
