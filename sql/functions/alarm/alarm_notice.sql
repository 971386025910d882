CREATE OR REPLACE FUNCTION approval.alarm_notice(p_alarm approval.alarm, p_act text) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT jsonb_build_object(
    'alarm', p_alarm.alarm_id, 'act', p_act, 'kind', p_alarm.kind, 'severity', p_alarm.severity, 'minions', p_alarm.minions,
    'minion_count', p_alarm.minion_count, 'who', p_alarm.who, 'what', p_alarm.what, 'jid', p_alarm.jid,
    'request', p_alarm.request_id, 'first_at', p_alarm.first_at, 'last_at', p_alarm.last_at, 'count', p_alarm.count,
    'muted_until', p_alarm.muted_until, 'decided_by', p_alarm.decided_by, 'comment', p_alarm.comment)
$$;
COMMENT ON FUNCTION approval.alarm_notice IS
    'Internal: the body of a notice about an alarm; the act is raised, muted or acknowledged.';
