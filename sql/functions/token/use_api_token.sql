CREATE OR REPLACE FUNCTION approval.use_api_token(p_token bytea)
    RETURNS TABLE (token bigint, name text, provider text, subject text, assurance text, credential text, scopes text[],
                   ends_at timestamptz, reads jsonb)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    held approval.api_token := approval.api_token_of(p_token);
    actor record;
BEGIN
    IF held.token_no IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP021', MESSAGE = 'there is no such token, or it has ended',
            HINT = 'Tokens are made on the page of sessions.';
    END IF;
    actor := approval.acting_by_session(p_token, held.scopes[1]);
    -- Not at each call, which would be a write for each; and never waiting for another call of the same token.
    UPDATE approval.api_token AS t SET used_at = moment
    WHERE t.token_no = (
        SELECT u.token_no FROM approval.api_token AS u
        WHERE u.token_no = held.token_no AND (u.used_at IS NULL OR u.used_at < moment - interval '1 minute')
        FOR NO KEY UPDATE SKIP LOCKED);
    RETURN QUERY SELECT held.token_no, actor.name, held.provider, held.subject, actor.assurance, held.credential, held.scopes,
        held.ends_at, approval.readings(approval.reading_as(actor.principal_id));
END
$$;
COMMENT ON FUNCTION approval.use_api_token IS
    'Whose token of the API this is, what it is for, until when, and what its person may not read of all minions, see '
    'approval.readings. Raises AP001, AP002, AP020, AP021. Definer: tables are private.';
