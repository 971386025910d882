CREATE OR REPLACE FUNCTION approval.pause_all(p_provider text, p_subject text, p_comment text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor record;
    moment timestamptz := clock_timestamp();
BEGIN
    actor := approval.acting_principal(p_provider, p_subject);
    IF coalesce(p_comment, '') = '' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'pausing all sending needs a comment that says why';
    END IF;
    INSERT INTO approval.sending_pause (paused_at, paused_by, comment) VALUES (moment, actor.name, p_comment)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'AP006', MESSAGE = 'all sending is paused already';
    END IF;
    PERFORM approval.audit_append(0, moment, 'sending-paused', actor.name, p_provider || ':' || p_subject, actor.assurance,
                                  jsonb_build_object('comment', p_comment));
END
$$;
COMMENT ON FUNCTION approval.pause_all IS
    'From now on nothing more is sent to any minion, until somebody lets it go on (resume_all); recorded. Raises AP001, AP002, '
    'AP005, AP006. Definer: tables are private.';
