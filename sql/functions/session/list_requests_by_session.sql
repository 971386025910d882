CREATE OR REPLACE FUNCTION approval.list_requests_by_session(
    p_token bytea, p_state text, p_minion_id text, p_mine boolean, p_decided boolean, p_before bigint, p_limit integer)
    RETURNS TABLE (request_id bigint, type text, state text, requester text, submitted_at timestamptz, minions bigint, items bigint,
                   waiting_for text, reason text, total bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT r.* FROM approval.acting_by_session(p_token, 'read') AS actor,
    approval.list_requests(p_state, p_minion_id, CASE WHEN p_mine THEN actor.name END,
                           CASE WHEN p_decided THEN actor.name END, p_before, p_limit) AS r
$$;
COMMENT ON FUNCTION approval.list_requests_by_session IS
    'Requests, for a person with a session: see approval.list_requests. p_mine: only those that they asked for, or that were made '
    'for them; p_decided: only those of which they decided something. Raises AP001, AP002, AP004, AP005, AP020-AP022. Definer: '
    'tables are private.';
