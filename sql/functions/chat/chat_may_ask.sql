CREATE OR REPLACE FUNCTION approval.chat_may_ask(p_provider text, p_subject text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz := clock_timestamp();
BEGIN
    RETURN (approval.acting_principal(p_provider, p_subject)).name;
EXCEPTION WHEN SQLSTATE 'AP001' THEN
    -- One who asks on and on does not fill the audit.
    INSERT INTO approval.stranger AS s (provider, subject, refused_at) VALUES (p_provider, left(p_subject, 255), moment)
    ON CONFLICT (provider, subject) DO UPDATE SET refused_at = excluded.refused_at
    WHERE s.refused_at < excluded.refused_at - interval '1 hour';
    IF FOUND THEN
        DELETE FROM approval.stranger AS s WHERE s.refused_at < moment - interval '1 day';
        PERFORM approval.audit_append(0, moment, 'stranger-refused', NULL, p_provider || ':' || left(p_subject, 255), NULL, '{}');
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION approval.chat_may_ask IS
    'Who it is that asks by chat; NULL: nobody known, or disabled, which is recorded once an hour for each. Raises AP002, AP020. '
    'Definer: tables are private.';
