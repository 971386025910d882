CREATE OR REPLACE FUNCTION approval.mute_alarm(
    p_provider text, p_subject text, p_alarm_id bigint, p_until timestamptz, p_comment text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    longest constant interval := interval '1 year';
    actor record;
    muted approval.alarm;
    moment timestamptz;
BEGIN
    actor := approval.acting_principal(p_provider, p_subject);
    PERFORM approval.lock_alarm(p_alarm_id, actor.name, p_comment);
    moment := clock_timestamp();
    IF p_until IS NULL OR p_until <= moment OR p_until > moment + longest THEN
        RAISE EXCEPTION USING ERRCODE = 'AP016',
            MESSAGE = 'an alarm is muted until a time that is to come, within a year';
    END IF;
    UPDATE approval.alarm AS a SET muted_until = p_until, decided_by = actor.name, comment = p_comment
    WHERE a.alarm_id = p_alarm_id
    RETURNING * INTO muted;
    PERFORM approval.audit_append(0, moment, 'alarm-muted', actor.name, p_provider || ':' || p_subject, actor.assurance,
                                  approval.alarm_notice(muted, 'muted'));
    PERFORM approval.post_notice('alarms', 'alarm/' || p_alarm_id, NULL, approval.alarm_notice(muted, 'muted'), moment);
END
$$;
COMMENT ON FUNCTION approval.mute_alarm IS
    'Has an alarm counted and nobody told of it until a time, by the identity (provider, subject) of a person, with a reason; '
    'recorded and told. Seen again after that time it is told anew. Raises AP001, AP002, AP005, AP006, AP014, AP016, AP020. '
    'Definer: tables are private.';
