CREATE OR REPLACE FUNCTION approval.end_session(p_token bytea, p_session bigint DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    own approval.web_session := approval.session_of(p_token);
BEGIN
    DELETE FROM approval.web_session AS s
    WHERE s.session_no = coalesce(p_session, own.session_no)
        -- Theirs by whichever of their identities.
        AND (SELECT i.principal_id FROM approval.identity AS i WHERE (i.provider, i.subject) = (s.provider, s.subject))
            = (SELECT i.principal_id FROM approval.identity AS i WHERE (i.provider, i.subject) = (own.provider, own.subject));
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION approval.end_session IS
    'Ends a session of the same person by its number, or (NULL) the one that has this token; gives whether there was one. Raises '
    'AP021. Definer: tables are private.';
