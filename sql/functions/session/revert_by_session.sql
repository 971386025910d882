CREATE OR REPLACE FUNCTION approval.revert_by_session(
    p_token bytea, p_request_id bigint, p_minions text[], p_reason text, p_type text, p_overlap text) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT approval.open_revert(
    actor.principal_id, actor.name, actor.provider || ':' || actor.subject, actor.assurance, approval.current_type(p_type),
    p_request_id, p_minions, p_reason, 'revert', NULL, p_overlap, actor.proof)
FROM approval.acting_by_session(p_token, 'request') AS actor
$$;
COMMENT ON FUNCTION approval.revert_by_session IS
    'Asks to restore what held before a request, for the person whose session has this token, as approval.revert_request does; '
    'gives the number of the new request. Raises AP001-AP006, AP014, AP015, AP018, AP020-AP022. Definer: nobody writes requests '
    'otherwise.';
