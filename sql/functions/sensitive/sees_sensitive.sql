CREATE OR REPLACE FUNCTION approval.sees_sensitive(p_reader bigint DEFAULT NULL) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT NOT EXISTS (SELECT FROM approval.sensitive)
    OR p_reader IS NULL AND (
        pg_has_role(session_user, 'approval_operator', 'MEMBER') OR pg_has_role(session_user, 'approval_policy_admin', 'MEMBER')
        OR pg_has_role(session_user, 'approval_auditor', 'MEMBER'))
$$;
COMMENT ON FUNCTION approval.sees_sensitive IS
    'Internal: whether what is sensitive is shown as it is: to logins of operators, policy administrators and auditors alone, and '
    'to everybody while nothing is. p_reader: for whom such a login reads, if for somebody.';
