CREATE OR REPLACE FUNCTION approval.lock_alarm(p_alarm_id bigint, p_principal text, p_comment text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    readable constant text[] := approval.readable_groups(approval.reading_as(), 'job_log');
    target approval.alarm;
BEGIN
    IF EXISTS (SELECT FROM approval.principal AS p WHERE p.name = p_principal AND p.kind = 'service') THEN
        RAISE EXCEPTION USING ERRCODE = 'AP002', MESSAGE = format('%s is a service, and alarms are judged by people', p_principal);
    END IF;
    IF coalesce(btrim(p_comment), '') = '' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'to acknowledge or mute an alarm a reason is needed';
    END IF;
    SELECT * INTO target FROM approval.alarm AS a
    WHERE a.alarm_id = p_alarm_id AND approval.reads_alarm(a, readable) FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'AP014', MESSAGE = format('there is no alarm %s', coalesce(p_alarm_id::text, 'NULL'));
    ELSIF target.acknowledged_at IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP006', MESSAGE = format('alarm %s was acknowledged by %s before: %s', p_alarm_id,
            target.decided_by, target.comment);
    END IF;
END
$$;
COMMENT ON FUNCTION approval.lock_alarm IS
    'Internal: makes sure that this principal, with this reason, can acknowledge or mute an alarm, which nobody else changes '
    'until the transaction ends. Raises AP002, AP005, AP006, AP014.';
