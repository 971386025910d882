CREATE OR REPLACE FUNCTION approval.what_if_by_session(p_token bytea, p_type text, p_requester text, p_minions integer)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor record;
BEGIN
    actor := approval.acting_by_session(p_token, 'read');
    IF p_requester IS NOT NULL THEN
        -- Of a name that nobody has, everybody would seem to be able to approve it.
        PERFORM approval.principal_named(p_requester);
    END IF;
    RETURN approval.what_if(p_type, coalesce(p_requester, actor.name), p_minions);
END
$$;
COMMENT ON FUNCTION approval.what_if_by_session IS
    'Who would have to approve a request of a principal (p_requester), or (NULL) of the person whose session has this token: see '
    'approval.what_if. Raises AP001-AP003, AP020-AP022. Definer: tables are private.';
