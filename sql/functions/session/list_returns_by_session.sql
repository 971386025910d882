CREATE OR REPLACE FUNCTION approval.list_returns_by_session(p_token bytea, p_minion_id text, p_before text[], p_limit integer)
    RETURNS TABLE (jid text, minion text, attempt integer, fun text, job_user text, request bigint, verdict text,
                   authenticated boolean, flags text[], revision bigint, retcode integer, success boolean,
                   received_at timestamptz, findings jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT r.* FROM approval.acting_by_session(p_token, 'read') AS actor
CROSS JOIN LATERAL approval.list_returns(
    p_minion_id, NULL, NULL, NULL, p_before, p_limit, p_reader => actor.principal_id) AS r
$$;
COMMENT ON FUNCTION approval.list_returns_by_session IS
    'What a minion returned, for a person with a session: see approval.list_returns. Raises AP001, AP002, AP004, AP005, '
    'AP020-AP022. Definer: tables are private.';
