CREATE OR REPLACE FUNCTION approval.list_api_tokens(p_token bytea)
    RETURNS TABLE (token bigint, title text, scopes text[], made_at timestamptz, used_at timestamptz, ends_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT t.token_no, t.title, t.scopes, t.made_at, t.used_at, t.ends_at
FROM approval.acting_by_session(p_token) AS actor
JOIN approval.identity AS i ON i.principal_id = actor.principal_id
JOIN approval.api_token AS t ON t.provider = i.provider AND t.subject = i.subject
WHERE t.ends_at > clock_timestamp()
ORDER BY t.token_no DESC
$$;
COMMENT ON FUNCTION approval.list_api_tokens IS
    'The tokens of the API of the person with a session, the newest first. Raises AP001, AP002, AP020-AP022. Definer: tables are '
    'private.';
