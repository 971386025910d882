CREATE OR REPLACE FUNCTION approval.disable_principal(p_name text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE approval.principal SET disabled_at = now() WHERE name = p_name AND disabled_at IS NULL;
    IF NOT FOUND THEN
        IF NOT EXISTS (SELECT FROM approval.principal WHERE name = p_name) THEN
            RAISE EXCEPTION USING ERRCODE = 'AP017', MESSAGE = format('there is no principal %s', quote_nullable(p_name));
        END IF;
        RETURN false;
    END IF;
    DELETE FROM approval.web_session AS s
    USING approval.identity AS i JOIN approval.principal AS p USING (principal_id)
    WHERE p.name = p_name AND (s.provider, s.subject) = (i.provider, i.subject);
    DELETE FROM approval.api_token AS t
    USING approval.identity AS i JOIN approval.principal AS p USING (principal_id)
    WHERE p.name = p_name AND (t.provider, t.subject) = (i.provider, i.subject);
    PERFORM approval.audit_append(0, now(), 'principal-disabled', NULL, NULL, NULL, jsonb_build_object('principal', p_name));
    RETURN true;
END
$$;
COMMENT ON FUNCTION approval.disable_principal IS
    'Bars a principal from acting, and its approvals of pending requests from counting, and ends its sessions on the web and its '
    'tokens of the API; gives whether anything changed. Raises AP017. Definer: policy changes are audited.';
