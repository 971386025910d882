CREATE OR REPLACE VIEW approval.current_alarm_rule AS
SELECT k.kind, coalesce(r.enabled, true) AS enabled, coalesce(r.severity, k.severity) AS severity,
    coalesce(r.functions, k.functions) AS functions, coalesce(r.read_only, k.read_only) AS read_only,
    coalesce(r.group_functions, '{}') AS group_functions, r.quiet_hours, coalesce(r.muted_groups, '{}') AS muted_groups
FROM approval.alarm_kind AS k LEFT JOIN approval.alarm_rule AS r USING (kind);
COMMENT ON VIEW approval.current_alarm_rule IS
    'Internal: what holds for each kind of alarm: what the policy says of it, and where it says nothing, the usual.';
