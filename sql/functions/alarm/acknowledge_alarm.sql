CREATE OR REPLACE FUNCTION approval.acknowledge_alarm(p_provider text, p_subject text, p_alarm_id bigint, p_comment text)
    RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor record;
    closed approval.alarm;
    moment timestamptz;
BEGIN
    actor := approval.acting_principal(p_provider, p_subject);
    PERFORM approval.lock_alarm(p_alarm_id, actor.name, p_comment);
    moment := clock_timestamp();
    UPDATE approval.alarm AS a
    SET acknowledged_at = moment, muted_until = NULL, decided_by = actor.name, comment = p_comment
    WHERE a.alarm_id = p_alarm_id
    RETURNING * INTO closed;
    PERFORM approval.audit_append(0, moment, 'alarm-acknowledged', actor.name, p_provider || ':' || p_subject, actor.assurance,
                                  approval.alarm_notice(closed, 'acknowledged'));
    PERFORM approval.post_notice(
        'alarms', 'alarm/' || p_alarm_id, NULL, approval.alarm_notice(closed, 'acknowledged'), moment);
END
$$;
COMMENT ON FUNCTION approval.acknowledge_alarm IS
    'Closes an alarm, by the identity (provider, subject) of a person, with a reason; recorded and told. The same seen again is a '
    'new alarm. Raises AP001, AP002, AP005, AP006, AP014, AP020. Definer: tables are private.';
