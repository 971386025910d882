CREATE OR REPLACE FUNCTION approval.reading_as(p_reader bigint DEFAULT NULL) RETURNS bigint
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE
    WHEN NOT EXISTS (SELECT FROM approval.reader) THEN NULL
    WHEN pg_has_role(session_user, 'approval_operator', 'MEMBER') OR pg_has_role(session_user, 'approval_policy_admin', 'MEMBER')
        OR pg_has_role(session_user, 'approval_auditor', 'MEMBER') THEN p_reader
    -- A function for sessions on the web that names nobody shows what nobody in particular may read.
    WHEN pg_has_role(session_user, 'approval_portal', 'MEMBER') THEN coalesce(p_reader, 0)
    -- A person's own login reads as that person, whatever it says.
    ELSE coalesce((
        SELECT p.principal_id FROM approval.identity AS i JOIN approval.principal AS p USING (principal_id)
        WHERE i.provider = 'pg' AND i.subject = session_user AND p.disabled_at IS NULL), 0) END
$$;
COMMENT ON FUNCTION approval.reading_as IS
    'Internal: the principal as whom the session''s login reads; 0: nobody in particular, NULL: not limited, as are logins of '
    'operators, policy administrators and auditors, and everybody while the policy limits nothing. p_reader: whose session on the '
    'web it is; of a person''s own login it changes nothing.';
