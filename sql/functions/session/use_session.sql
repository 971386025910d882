CREATE OR REPLACE FUNCTION approval.use_session(p_token bytea)
    RETURNS TABLE (session bigint, name text, provider text, subject text, assurance text, credential text, ends_at timestamptz,
                   can_be_surer boolean, reads jsonb)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    used approval.web_session := approval.session_of(p_token);
    actor record;
BEGIN
    actor := approval.acting_by_session(p_token);
    -- Not at each look, which would be a write for each.
    IF used.seen_at < moment - interval '1 minute' THEN
        UPDATE approval.web_session AS s SET seen_at = moment, ends_at = approval.session_end(s.began_at, moment)
        WHERE s.session_no = used.session_no RETURNING * INTO used;
    END IF;
    RETURN QUERY SELECT used.session_no, actor.name, used.provider, used.subject, actor.assurance, used.credential, used.ends_at,
        actor.assurance <> approval.speaks_as(used.provider), approval.readings(approval.reading_as(actor.principal_id));
END
$$;
COMMENT ON FUNCTION approval.use_session IS
    'Whose session it is that has this token, and until when; it ends the later for it. can_be_surer: whether a sign-in of now '
    'would have a higher assurance; reads: what they may not read of all minions, see approval.readings. Raises AP001, AP002, '
    'AP020, AP021. Definer: tables are private.';
