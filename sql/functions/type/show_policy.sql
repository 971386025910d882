CREATE OR REPLACE FUNCTION approval.show_policy() RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT jsonb_build_object(
    'principals', (
        SELECT coalesce(jsonb_object_agg(p.name, jsonb_build_object(
            'kind', p.kind, 'disabled', p.disabled_at IS NOT NULL,
            'identities', (
                SELECT coalesce(jsonb_agg(jsonb_build_object('provider', i.provider, 'subject', i.subject)
                                          ORDER BY i.provider, i.subject), '[]')
                FROM approval.identity AS i WHERE i.principal_id = p.principal_id))), '{}')
        FROM approval.principal AS p),
    'groups', (
        SELECT coalesce(jsonb_object_agg(g.group_name, jsonb_build_object(
            'title', g.title,
            'members', (
                SELECT coalesce(jsonb_agg(p.name ORDER BY p.name), '[]')
                FROM approval.membership AS m JOIN approval.principal AS p USING (principal_id)
                WHERE m.group_name = g.group_name))), '{}')
        FROM approval.principal_group AS g),
    'types', (
        SELECT coalesce(jsonb_object_agg(t.type_name,
            jsonb_build_object('version', t.type_version, 'definition', t.definition)), '{}')
        FROM approval.newest_type AS t),
    'calendars', (
        SELECT coalesce(jsonb_object_agg(c.calendar_name, jsonb_build_object(
            'rule', c.rule, 'time_zone', c.time_zone, 'starts_on', c.starts_on,
            'duration', format('%s minutes', (extract(epoch FROM c.duration) / 60)::bigint))), '{}')
        FROM approval.calendar AS c),
    'minion_groups', (
        SELECT coalesce(jsonb_object_agg(g.group_name, jsonb_build_object(
            'title', g.title, 'at_once', g.at_once,
            'minions', (
                SELECT coalesce(jsonb_agg(m.minion_id ORDER BY m.minion_id COLLATE "C"), '[]')
                FROM approval.minion_group_member AS m WHERE m.group_name = g.group_name))), '{}')
        FROM approval.minion_group AS g),
    'freezes', (
        SELECT coalesce(jsonb_object_agg(f.freeze_name, jsonb_build_object(
            'from', f.starts_at, 'until', f.ends_at, 'type', f.type_name, 'minion_group', f.minion_group,
            'reason', f.reason)), '{}')
        FROM approval.freeze AS f),
    'speakers', (
        SELECT coalesce(jsonb_object_agg(l.login, l.providers), '{}')
        FROM (SELECT s.login, jsonb_object_agg(
                  s.provider, jsonb_build_object('assurance', s.assurance, 'attests', s.attests)) AS providers
              FROM approval.speaks_for AS s GROUP BY s.login) AS l),
    'routes', (
        SELECT coalesce(jsonb_object_agg(d.destination, d.routes), '{}')
        FROM (SELECT r.destination, jsonb_agg(
                  jsonb_build_object('topic', r.topic, 'filter', r.filter) || (
                      SELECT coalesce(jsonb_object_agg(o.key, o.value), '{}')
                      FROM jsonb_each(to_jsonb(r) - '{destination,topic,filter}'::text[]) AS o
                      WHERE o.value NOT IN ('[]', 'null')) ORDER BY r) AS routes
              FROM approval.route AS r GROUP BY r.destination) AS d),
    'contacts', (
        SELECT coalesce(jsonb_object_agg(c.name, c.channels), '{}')
        FROM (SELECT p.name, jsonb_object_agg(o.channel, o.address) AS channels
              FROM approval.contact AS o JOIN approval.principal AS p USING (principal_id) GROUP BY p.name) AS c),
    'readers', approval.shown_readers(),
    'alarms', (
        SELECT coalesce(jsonb_object_agg(a.kind, jsonb_strip_nulls(to_jsonb(a)) - 'kind'), '{}')
        FROM approval.alarm_rule AS a))
$$;
COMMENT ON FUNCTION approval.show_policy IS
    'Principals with their identities, groups with their members, request types, calendars, minion groups, freezes, speakers, '
    'routes, contacts, readers and rules of alarms as they stand; a calendar''s duration in whole minutes. Definer: tables are '
    'private.';
