CREATE OR REPLACE FUNCTION approval.end_delegation_by_session(p_token bytea, p_delegation_id bigint) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT approval.end_delegation_as(actor.principal_id, actor.name, actor.provider || ':' || actor.subject, actor.assurance,
                                  p_delegation_id, actor.proof)
FROM approval.acting_by_session(p_token) AS actor
$$;
COMMENT ON FUNCTION approval.end_delegation_by_session IS
    'Ends a delegation of the person whose session has this token, as approval.end_delegation does: however sure the session is, '
    'as it gives nobody more. Raises AP001, AP002, AP020-AP022. Definer: tables are private.';
