CREATE OR REPLACE FUNCTION approval.show_plan_by_session(p_token bytea, p_request_id bigint) RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT approval.show_plan(p_request_id, actor.principal_id) FROM approval.acting_by_session(p_token, 'read') AS actor
$$;
COMMENT ON FUNCTION approval.show_plan_by_session IS
    'The newest plan of a request, for a person with a session: see approval.show_plan. Raises AP001, AP002, AP014, '
    'AP020-AP022. Definer: tables are private.';
