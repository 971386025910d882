CREATE OR REPLACE FUNCTION approval.put_alarm_rule(p_kind text, p_rule jsonb) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted approval.alarm_rule;
    lists constant text[] := ARRAY['functions', 'read_only', 'muted_groups'];
    is_of_jobs boolean;
    problem text;
    changed boolean;
BEGIN
    SELECT k.functions IS NOT NULL INTO is_of_jobs FROM approval.alarm_kind AS k WHERE k.kind = p_kind;
    problem := CASE
        WHEN is_of_jobs IS NULL THEN 'there is no such kind: there are '
            || (SELECT string_agg(k.kind, ', ' ORDER BY k.kind) FROM approval.alarm_kind AS k)
        WHEN jsonb_typeof(p_rule) IS DISTINCT FROM 'object' THEN 'its rule is a mapping' END;
    problem := coalesce(problem, (
        SELECT CASE
            WHEN r.key NOT IN ('enabled', 'severity', 'functions', 'read_only', 'group_functions', 'quiet_hours', 'muted_groups')
                THEN format('unknown key %s', r.key)
            WHEN r.key IN ('functions', 'read_only', 'group_functions') AND NOT is_of_jobs
                THEN format('%s is only for kinds about jobs', r.key)
            WHEN r.key = 'enabled' AND jsonb_typeof(r.value) <> 'boolean' THEN 'enabled is true or false'
            WHEN r.key = 'severity' AND coalesce(r.value #>> '{}' NOT IN ('info', 'warning', 'critical'), true)
                THEN 'severity is one of info, warning, critical'
            WHEN r.key = ANY (lists) AND (jsonb_typeof(r.value) <> 'array'
                                          OR jsonb_path_exists(r.value, 'strict $[*] ? (@.type() != "string" || @ == "")'))
                THEN format('%s is a list of names', r.key)
            WHEN r.key = 'group_functions' AND (
                    jsonb_typeof(r.value) <> 'object'
                    OR jsonb_path_exists(r.value, 'strict $.* ? (@.type() != "array")')
                    OR jsonb_path_exists(r.value, 'strict $.*[*] ? (@.type() != "string" || @ == "")', silent => true))
                THEN 'group_functions is a mapping of minion groups to lists of functions'
            WHEN r.key = 'quiet_hours' AND NOT EXISTS (
                    SELECT FROM approval.calendar AS c WHERE c.calendar_name = r.value #>> '{}')
                THEN format('there is no calendar %s', r.value) END AS problem
        FROM jsonb_each(p_rule) AS r ORDER BY 1 LIMIT 1));
    IF problem IS NULL THEN
        SELECT 'there is no minion group ' || string_agg(named.group_name, ', ' ORDER BY named.group_name) INTO problem
        FROM (SELECT jsonb_object_keys(coalesce(p_rule -> 'group_functions', '{}'))
              UNION SELECT jsonb_array_elements_text(coalesce(p_rule -> 'muted_groups', '[]'))) AS named (group_name)
        WHERE NOT EXISTS (SELECT FROM approval.minion_group AS g WHERE g.group_name = named.group_name);
    END IF;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP017', MESSAGE = format('alarms of kind %s: %s', coalesce(p_kind, 'NULL'), problem);
    END IF;
    IF p_rule = '{}' THEN
        DELETE FROM approval.alarm_rule WHERE kind = p_kind;
        changed := FOUND;
    ELSE
        wanted := jsonb_populate_record(NULL::approval.alarm_rule, p_rule || jsonb_build_object('kind', p_kind));
        INSERT INTO approval.alarm_rule AS r VALUES (wanted.*)
        ON CONFLICT (kind) DO UPDATE
        SET enabled = excluded.enabled, severity = excluded.severity, functions = excluded.functions,
            read_only = excluded.read_only, group_functions = excluded.group_functions, quiet_hours = excluded.quiet_hours,
            muted_groups = excluded.muted_groups
        WHERE r IS DISTINCT FROM excluded;
        changed := FOUND;
    END IF;
    IF changed THEN
        PERFORM approval.audit_append(0, now(), 'alarm-rule-put', NULL, NULL, NULL,
                                      jsonb_build_object('kind', p_kind, 'rule', p_rule));
    END IF;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION approval.put_alarm_rule IS
    'Says when alarms of a kind are raised and told: {enabled, severity, functions, read_only, group_functions, quiet_hours, '
    'muted_groups}, see table alarm_rule; a key that is left out is as usual. Gives whether anything changed. Raises AP017. '
    'Definer: policy changes are audited.';
