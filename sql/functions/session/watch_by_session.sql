CREATE OR REPLACE FUNCTION approval.watch_by_session(p_token bytea, p_request_id bigint)
    RETURNS TABLE (session bigint, name text, provider text, subject text, assurance text, credential text, ends_at timestamptz,
                   can_be_surer boolean, change bigint, reads jsonb)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    used approval.web_session := approval.session_of(p_token);
    actor record;
BEGIN
    actor := approval.acting_by_session(p_token);
    IF p_request_id IS NOT NULL AND NOT EXISTS (SELECT FROM approval.request AS r WHERE r.request_id = p_request_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP014', MESSAGE = format('there is no request %s', p_request_id);
    END IF;
    IF p_request_id IS NOT NULL THEN
        PERFORM approval.check_reader_of(approval.reading_as(actor.principal_id), p_request_id);
    END IF;
    RETURN QUERY SELECT used.session_no, actor.name, used.provider, used.subject, actor.assurance, used.credential, used.ends_at,
        actor.assurance <> approval.speaks_as(used.provider), approval.change_number(coalesce(p_request_id, 0)),
        approval.readings(approval.reading_as(actor.principal_id));
END
$$;
COMMENT ON FUNCTION approval.watch_by_session IS
    'For a page that is open: whose session it is that has this token, as approval.use_session tells it, and the change number of '
    'a request, or (NULL) of what waits for people. The session does not last longer for it: a page asks by itself, and nobody '
    'may sit there. Raises AP001, AP002, AP014, AP020-AP022. Definer: tables are private.';
