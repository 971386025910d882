CREATE OR REPLACE FUNCTION approval.list_sessions(p_token bytea)
    RETURNS TABLE (session bigint, provider text, address text, began_at timestamptz, seen_at timestamptz,
                   ends_at timestamptz, present boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT s.session_no, s.provider, s.address, s.began_at, s.seen_at, s.ends_at, s.token_hash = sha256(p_token)
FROM approval.acting_by_session(p_token) AS actor
JOIN approval.identity AS i ON i.principal_id = actor.principal_id
JOIN approval.web_session AS s ON s.provider = i.provider AND s.subject = i.subject
WHERE s.ends_at > clock_timestamp()
ORDER BY s.seen_at DESC, s.session_no DESC
LIMIT 100
$$;
COMMENT ON FUNCTION approval.list_sessions IS
    'The sessions of the person whose session has this token, the last used first, a hundred at the most; present: that one. '
    'Raises AP001, AP002, AP020, AP021. Definer: tables are private.';
