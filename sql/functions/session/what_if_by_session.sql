CREATE OR REPLACE FUNCTION approval.what_if_by_session(p_token bytea, p_type text, p_minions integer) RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT approval.what_if(p_type, actor.name, p_minions) FROM approval.acting_by_session(p_token, 'read') AS actor
$$;
COMMENT ON FUNCTION approval.what_if_by_session IS
    'Who would have to approve a request of the person whose session has this token: see approval.what_if. Raises '
    'AP001-AP003, AP020-AP022. Definer: tables are private.';
