CREATE OR REPLACE FUNCTION approval.revert_by_session(
    p_token bytea, p_request_id bigint, p_minions text[], p_reason text, p_type text, p_overlap text, p_key text)
    RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor record;
BEGIN
    actor := approval.acting_by_session(p_token, 'request');
    IF p_key !~ '^[a-z0-9]{16,64}$' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'a form on the web has a key of 16 to 64 small letters and digits';
    END IF;
    RETURN approval.open_revert(
        actor.principal_id, actor.name, actor.provider || ':' || actor.subject, actor.assurance, approval.current_type(p_type),
        p_request_id, p_minions, p_reason, 'revert', 'form-' || p_key, p_overlap, actor.proof);
END
$$;
COMMENT ON FUNCTION approval.revert_by_session IS
    'Asks to restore what held before a request, for the person whose session has this token, as approval.revert_request does; '
    'gives the number of the new request. p_key: of the form, by which the same form sent twice is one request; NULL where nothing '
    'is sent twice. Raises AP001-AP006, AP013-AP015, AP018, AP020-AP022. Definer: nobody writes requests otherwise.';
