CREATE OR REPLACE FUNCTION approval.speaks_as(p_provider text) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
-- The session's own login counts, whatever role it took on since. A row for it alone says more than one for a role it has.
SELECT coalesce(
    CASE WHEN p_provider = 'pg' THEN 'authenticated' END,
    (SELECT s.assurance FROM approval.speaks_for AS s WHERE s.provider = p_provider AND s.login = session_user),
    (SELECT s.assurance
     FROM approval.speaks_for AS s JOIN pg_roles AS r ON r.rolname = s.login JOIN approval.assurance AS a USING (assurance)
     WHERE s.provider = p_provider AND pg_has_role(session_user, r.oid, 'MEMBER')
     ORDER BY a.strength LIMIT 1))
$$;
COMMENT ON FUNCTION approval.speaks_as IS
    'Internal: how sure it is at most who acts, when the session''s login names an identity of this provider; NULL: it may name '
    'none. With several roles that may, the least of what they may.';
