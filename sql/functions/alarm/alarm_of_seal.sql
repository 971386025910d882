CREATE OR REPLACE FUNCTION approval.alarm_of_seal(p_now timestamptz) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    patience constant interval := interval '5 minutes';
    unsealed record;
BEGIN
    -- As a rule nothing is unsealed for longer than a second: few rows are looked at, or none.
    SELECT count(*) AS streams, min(e.at) AS since INTO unsealed
    FROM (SELECT s.stream, s.sealed_seq FROM approval.audit_stream AS s WHERE s.sealed_seq < s.head_seq
          ORDER BY s.stream LIMIT 100) AS moved
    JOIN approval.audit_entry AS e ON e.stream = moved.stream AND e.seq = moved.sealed_seq + 1
    WHERE e.at < p_now - patience;
    IF unsealed.streams > 0 AND NOT EXISTS (
            SELECT FROM approval.alarm AS a WHERE a.kind = 'failing-seal' AND a.acknowledged_at IS NULL) THEN
        PERFORM approval.raise_alarm('failing-seal', '{}', 'seal', NULL, jsonb_build_object('what', format(
            'the audit has acts that were not sealed since %s: the worker seal fails, or no engine runs it',
            approval.when_text(unsealed.since))), p_now);
    END IF;
END
$$;
COMMENT ON FUNCTION approval.alarm_of_seal IS
    'Internal: raises an alarm, once while it is open, where acts were not sealed for minutes, whatever the reason.';
