CREATE OR REPLACE FUNCTION approval.end_other_sessions(p_token bytea) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    own approval.web_session := approval.session_of(p_token);
    ended integer;
BEGIN
    DELETE FROM approval.web_session AS s
    USING approval.identity AS i, approval.identity AS mine
    WHERE (mine.provider, mine.subject) = (own.provider, own.subject) AND i.principal_id = mine.principal_id
        AND (s.provider, s.subject) = (i.provider, i.subject) AND s.session_no <> own.session_no;
    GET DIAGNOSTICS ended = ROW_COUNT;
    RETURN ended;
END
$$;
COMMENT ON FUNCTION approval.end_other_sessions IS
    'Ends all sessions of the person but the one that has this token; gives how many. Raises AP021. Definer: tables are private.';
