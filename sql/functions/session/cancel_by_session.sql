CREATE OR REPLACE FUNCTION approval.cancel_by_session(p_token bytea, p_request_id bigint, p_comment text) RETURNS text
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT approval.cancel_as(actor.principal_id, actor.name, actor.provider || ':' || actor.subject, actor.assurance, p_request_id,
                          p_comment, actor.proof)
FROM approval.acting_by_session(p_token, 'request') AS actor
$$;
COMMENT ON FUNCTION approval.cancel_by_session IS
    'Takes a request back for the person whose session has this token, as approval.cancel_request does; gives the state after. '
    'Raises AP001, AP002, AP006, AP014, AP020-AP022. Definer: nobody writes requests otherwise.';
