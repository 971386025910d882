CREATE OR REPLACE FUNCTION approval.acting_principal(
    p_provider text, p_subject text, OUT principal_id bigint, OUT name text, OUT assurance text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Any other level would go by who was enabled, in which group, when the transaction began.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP020',
            MESSAGE = format('nobody can act in a transaction that is %s: it would not see what changed since it began',
                             current_setting('transaction_isolation')),
            HINT = 'Use READ COMMITTED; this login''s default_transaction_isolation may say otherwise.';
    END IF;
    -- The cap: a login of one's own proves who acts, whatever the client says; another only names somebody.
    assurance := approval.speaks_as(p_provider);
    IF p_provider = 'pg' AND p_subject IS DISTINCT FROM session_user::text THEN
        RAISE EXCEPTION USING ERRCODE = 'AP002',
            MESSAGE = format('the login %s cannot act as pg:%s', session_user, p_subject);
    ELSIF assurance IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP002',
            MESSAGE = format('the login %s does not speak for %s, and cannot act as %s:%s', session_user, p_provider,
                p_provider, p_subject),
            HINT = 'A login acts as itself (provider pg). Which others it may act for stands in the policy, under speakers.';
    END IF;
    SELECT p.principal_id, p.name INTO principal_id, name
    FROM approval.identity AS i JOIN approval.principal AS p USING (principal_id)
    WHERE i.provider = p_provider AND i.subject = p_subject AND p.disabled_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'AP001',
            MESSAGE = format('nobody is known as %s:%s, or it was disabled', p_provider, p_subject),
            HINT = 'A policy administrator adds identities: salt-approval policy load.';
    END IF;
END
$$;
COMMENT ON FUNCTION approval.acting_principal IS
    'Internal: the principal that acts, and how sure that is. Raises AP001 (nobody known so), AP002 (this login cannot speak for '
    'that identity), AP020 (the transaction is not READ COMMITTED).';
