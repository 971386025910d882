-- Alarms: events that raise one, events that do not, and how alarms end.
BEGIN;
\ir support/fixture.sql
SELECT plan(134);

SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISS') AS second \gset
CREATE FUNCTION pg_temp.publish(number integer, calls text[], minions text[], command text DEFAULT 'a command', claimed boolean DEFAULT false,
                                who text DEFAULT 'root')
    RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_returner', format('SELECT approval.save_load(%L, %L, ''*'', ''glob'', %L, %L, ''\x00'', %L, NULL, %L, false, false, %L)',
    to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISS') || lpad(number::text, 6, '0'), coalesce(calls[1], 'a.function'), who, minions, claimed, command, calls))
$$;
CREATE FUNCTION pg_temp.settle() RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_engine', 'SELECT approval.settle_alarms()')
$$;
-- The alarms that there are, once those seen so far are settled.
CREATE FUNCTION pg_temp.alarms(columns text DEFAULT 'kind || '' '' || array_to_string(minions, '','') || '' '' || count') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    PERFORM pg_temp.settle();
    EXECUTE format('SELECT string_agg(%s, ''; '' ORDER BY alarm) FROM approval.list_alarms(NULL, NULL, NULL, NULL, NULL, 1000)', columns) INTO result;
    RETURN result;
END
$$;
CREATE FUNCTION pg_temp.clear() RETURNS void LANGUAGE sql AS $$
SELECT pg_temp.settle();
DELETE FROM approval.alarm;
DELETE FROM approval.outbox;
$$;
-- The kinds of alarms that one call raises on web1.
CREATE FUNCTION pg_temp.raised(number integer, call text) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.publish(number, ARRAY[call], '{web1}', who => call);
SELECT pg_temp.settle();
SELECT string_agg(kind, ' ') FROM approval.alarm WHERE who = call
$$;
-- As if the alarms so far were of a while ago.
CREATE FUNCTION pg_temp.later(elapsed interval) RETURNS void LANGUAGE sql AS $$
SELECT pg_temp.settle();
UPDATE approval.alarm SET first_at = first_at - elapsed, last_at = last_at - elapsed, muted_until = muted_until - elapsed,
    acknowledged_at = acknowledged_at - elapsed;
$$;
CREATE FUNCTION pg_temp.rule(kind text, rule text) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_policy', format('SELECT approval.put_alarm_rule(%L, %L)', kind, rule))
$$;
CREATE FUNCTION pg_temp.acknowledge(login text, number bigint, comment text DEFAULT 'it was me') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act(login, format('SELECT approval.acknowledge_alarm(''pg'', %L, %L, %L)', login, number, comment))
$$;
CREATE FUNCTION pg_temp.mute(login text, number bigint, until text DEFAULT 'now() + interval ''1 day''', comment text DEFAULT 'known')
    RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act(login, format('SELECT approval.mute_alarm(''pg'', %L, %s, %s, %L)', login, number, until, comment))
$$;
CREATE FUNCTION pg_temp.newest() RETURNS bigint LANGUAGE sql AS $$
SELECT max(alarm_id) FROM approval.alarm
$$;
CREATE FUNCTION pg_temp.told() RETURNS text LANGUAGE sql AS $$
SELECT string_agg(thread || ' ' || (body ->> 'act'), ', ' ORDER BY thread, seq) FROM approval.outbox WHERE destination = 'chat'
$$;
SELECT approval.put_minion_group('shops', '', '{web1}'), approval.put_minion_group('lab', '', '{web2}') \g /dev/null
SELECT pg_temp.ask('t_alice', 'standard', '{web1,web2}', 'hello', '1') AS request \gset

-- a job with no request behind it

SELECT is(pg_temp.publish(1, '{pkg.install}', '{web1}', 'salt web1 pkg.install vim'), 'true', 'a package by hand');
SELECT is(pg_temp.alarms('kind || '' '' || severity || '' '' || who || '': '' || what || '' on '' || minions[1] || '' in '' || jid'),
    'unapproved-job warning root: salt web1 pkg.install vim on web1 in ' || :'second' || '000001', 'is an alarm with who and what');
SELECT pg_temp.clear() \g /dev/null
SELECT is(pg_temp.raised(100 + number::integer, call), NULL, call || ' raises nothing')
FROM unnest(ARRAY['test.ping', 'pkg.list_pkgs', 'pkg.version', 'pkg.latest_version', 'pkg.upgrade_available', 'service.status', 'service.available',
    'service.get_all', 'state.show_sls', 'state.test', 'state.apply approval', 'state.sls approval', 'state.single approval.converged',
    'state.single approval.planned', 'state.apply', 'state.highstate', 'approval.observe', 'cmd.run', 'pkgx.install']) WITH ORDINALITY AS c (call, number);
SELECT is(pg_temp.raised(200 + number::integer, call), 'unapproved-job', call || ' does')
FROM unnest(ARRAY['service.stop', 'state.apply nginx', 'state.apply approval,nginx', 'state.sls approvalx', 'state.single pkg.installed', 'state.single approval.performed',
    'state.template_str']) WITH ORDINALITY AS c (call, number);
SELECT pg_temp.clear() \g /dev/null
SELECT is(pg_temp.publish(2, '{test.ping,pkg.remove}', '{web1}') || pg_temp.alarms(), 'trueunapproved-job web1 1', 'one function of several is enough');
SELECT pg_temp.clear() \g /dev/null
SELECT is(pg_temp.publish(3, '{pkg.install}', '{web_,nobody}') || coalesce(pg_temp.alarms(), ''), 'true', 'minions that nothing is approved for raise nothing');
SELECT is(pg_temp.publish(4, '{pkg.install}', '{web1}', claimed => true) || coalesce(pg_temp.alarms(), ''), 'true', 'nor does what a minion claims');
SELECT is(pg_temp.publish(5, '{}', '{web1}') || coalesce(pg_temp.alarms(), ''), 'true', 'nor a job that changes nothing');
SELECT is(pg_temp.publish(6, '{pkg.install}', '{nobody,web2,web_,web1}') || pg_temp.alarms(), 'trueunapproved-job web2,web1 1', 'of all minions those with an approved state count');
SELECT is(pg_temp.publish(6, '{pkg.install}', '{web1,web2}') || pg_temp.alarms(), 'falseunapproved-job web2,web1 1', 'a job that is written again raises nothing');
SELECT pg_temp.publish(7, '{pkg.install}', '{web1}', 'batch'), pg_temp.publish(7, '{pkg.install}', '{web2}', 'batch') \g /dev/null
SELECT is((SELECT array_agg(minions::text ORDER BY signal_no) FROM approval.alarm_signal), '{"{web1}","{web2}"}', 'of a job in batches each batch counts');
SELECT pg_temp.clear() \g /dev/null
SELECT is(pg_temp.act('t_engine', format('SELECT approval.begin_dispatches(%s, %L, %L, ''apply'', %L)', i.request_id, ARRAY[i.minion_id], ARRAY[i.item_id], :'second' || '000008')), 'web1',
    'a job that the engine begins') FROM approval.item AS i WHERE minion_id = 'web1';
SELECT is(pg_temp.publish(8, '{state.single approval.performed}', '{web1}') || coalesce(pg_temp.alarms(), ''), 'true', 'raises nothing, whatever it is');

-- rules

SELECT is(pg_temp.rule('unapproved-job', '{"group_functions": {"shops": ["cmd.*"]}}'), 'true', 'a function that counts on minions of a group');
SELECT is(pg_temp.publish(11, '{cmd.run}', '{web1,web2}') || pg_temp.alarms(), 'trueunapproved-job web1 1', 'counts on these alone');
SELECT is(pg_temp.publish(12, '{cmdx.run}', '{web1,web2}') || pg_temp.alarms(), 'trueunapproved-job web1 1', 'a pattern means what it says');
SELECT pg_temp.clear() \g /dev/null
SELECT is(pg_temp.rule('unapproved-job', '{"functions": ["file.remove"], "read_only": []}'), 'true', 'other functions');
SELECT is(pg_temp.publish(13, '{pkg.install}', '{web1}') || pg_temp.publish(14, '{file.remove}', '{web1}') || pg_temp.alarms(),
    'truetrueunapproved-job web1 1', 'are those that count');
SELECT pg_temp.clear() \g /dev/null
SELECT is(pg_temp.rule('unapproved-job', '{"muted_groups": ["lab"], "severity": "critical"}'), 'true', 'a muted group, and another severity');
SELECT is(pg_temp.publish(15, '{pkg.install}', '{web1,web2}') || pg_temp.publish(16, '{pkg.remove}', '{web2}') || pg_temp.alarms('severity || '' '' || minions::text'),
    'truetruecritical {web1}', 'raises nothing');
SELECT pg_temp.clear() \g /dev/null
SELECT is(pg_temp.rule('unapproved-job', '{"enabled": false}'), 'true', 'a kind that is switched off');
SELECT is(pg_temp.publish(17, '{pkg.install}', '{web1}') || coalesce(pg_temp.alarms(), ''), 'true', 'raises nothing');
SELECT is(approval.show_policy() -> 'alarms', '{"unapproved-job": {"enabled": false}}', 'as the policy shows it');
SELECT is(ARRAY[pg_temp.rule('unapproved-job', '{}'), pg_temp.rule('unapproved-job', '{}')], '{true,false}', 'and as usual again, once');
SELECT is((SELECT act || ' ' || detail FROM approval.audit_entry WHERE stream = 0 ORDER BY seq DESC LIMIT 1),
    'alarm-rule-put {"kind": "unapproved-job", "rule": {}}', 'which is in the trail');
SELECT throws_ok(format('SELECT approval.put_alarm_rule(%L, %L)', kind, rule), 'AP017', NULL, format('no rule: %s %s', kind, rule))
FROM (VALUES ('no-kind', '{}'), (NULL, '{}'), ('drift', NULL), ('drift', '[]'), ('drift', '{"x": 1}'), ('drift', '{"enabled": "yes"}'), ('drift', '{"severity": "high"}'),
    ('drift', '{"functions": ["a"]}'), ('run-in-freeze', '{"functions": "a"}'), ('run-in-freeze', '{"functions": [1]}'), ('run-in-freeze', '{"read_only": [""]}'),
    ('run-in-freeze', '{"functions": [["a"]]}'), ('run-in-freeze', '{"group_functions": {"shops": ["a", 1]}}'),
    ('run-in-freeze', '{"group_functions": {"shops": "a"}}'), ('run-in-freeze', '{"group_functions": {"none": ["a"]}}'), ('drift', '{"muted_groups": ["none"]}'),
    ('drift', '{"quiet_hours": "none"}')) AS refused (kind, rule);
SELECT throws_ok($$SELECT pg_temp.act('t_bob', $q$SELECT approval.put_alarm_rule('drift', '{}')$q$)$$, '42501', NULL, 'nobody else makes one');

-- once for each cause and minion; alike ones in a minute are one

SELECT pg_temp.publish(21, '{pkg.install}', '{web1}', 'one') \g /dev/null
SELECT is(pg_temp.publish(22, '{pkg.install}', '{web1}', 'one') || pg_temp.alarms(), 'trueunapproved-job web1 2', 'the same again is counted');
SELECT is(pg_temp.publish(23, '{pkg.install}', '{web2}', 'two') || pg_temp.alarms(), 'trueunapproved-job web1,web2 3', 'so are alike ones within a minute');
SELECT is(pg_temp.publish(24, '{pkg.install}', '{web2}', 'two', who => 'bob') || pg_temp.alarms(), 'trueunapproved-job web1,web2 3; unapproved-job web2 1',
    'another person is another alarm');
SELECT pg_temp.later('2 minutes') \g /dev/null
SELECT is(pg_temp.publish(25, '{pkg.install}', '{web1,web2}', 'one') || pg_temp.alarms(), 'trueunapproved-job web1,web2 4; unapproved-job web2 1', 'later on the same is counted');
SELECT is(pg_temp.publish(26, '{pkg.install}', '{web1}', 'three') || pg_temp.alarms(),
    'trueunapproved-job web1,web2 4; unapproved-job web2 1; unapproved-job web1 1', 'and another command is another alarm');
SELECT is(pg_temp.alarms('(first_at < last_at)::text'), 'true; false; false', 'since when, and when last');

-- what people do with them

SELECT throws_ok(format('SELECT pg_temp.acknowledge(%L, %s, %L)', login, number, comment), code, NULL, format('refused: %s %s %L', login, code, comment))
FROM (VALUES ('t_bob', '0', 'x', 'AP014'), ('t_bob', 'NULL', 'x', 'AP014'), ('t_bob', 'pg_temp.newest()', ' ', 'AP005'), ('t_engine', 'pg_temp.newest()', 'x', '42501'))
    AS refused (login, number, comment, code);
CREATE ROLE t_nobody LOGIN; GRANT approval_person TO t_nobody;
SELECT throws_ok('SELECT pg_temp.acknowledge(''t_nobody'', pg_temp.newest())', 'AP001', NULL, 'somebody whom nobody knows');
SELECT throws_ok('SELECT pg_temp.mute(''t_nobody'', pg_temp.newest())', 'AP001', NULL, 'can do nothing with it');
SELECT approval.put_principal('robot', 'service'), approval.put_identity('pg', 't_nobody', 'robot') \g /dev/null
SELECT throws_ok('SELECT pg_temp.acknowledge(''t_nobody'', pg_temp.newest())', 'AP002', NULL, 'nor can a service');
SELECT throws_ok(format('SELECT pg_temp.mute(''t_bob'', pg_temp.newest(), %L)', until), 'AP016', NULL, 'nor is it muted until ' || until)
FROM unnest(ARRAY['now()', 'NULL', '''infinity''', 'now() + interval ''2 years''']) AS until;
SELECT is(pg_temp.acknowledge('t_bob', pg_temp.newest()) || pg_temp.alarms(), 'unapproved-job web1,web2 4; unapproved-job web2 1', 'one that is acknowledged is closed');
SELECT is((SELECT principal || ' ' || act || ' ' || (detail::jsonb ->> 'comment') FROM approval.audit_entry WHERE stream = 0 ORDER BY seq DESC LIMIT 1),
    'bob alarm-acknowledged it was me', 'which is in the trail');
SELECT throws_ok('SELECT pg_temp.mute(''t_bob'', pg_temp.newest())', 'AP006', NULL, 'for good');
SELECT is((SELECT state || ' ' || decided_by || ': ' || comment FROM approval.list_alarms('acknowledged', 'unapproved-job', 'web1', NULL, NULL, 10)),
    'acknowledged bob: it was me', 'and still shown to who asks');
SELECT is(pg_temp.publish(27, '{pkg.install}', '{web1}', 'three') || pg_temp.alarms(),
    'trueunapproved-job web1,web2 4; unapproved-job web2 1; unapproved-job web1 1', 'the same is a new alarm then');
SELECT is(pg_temp.mute('t_carol', pg_temp.newest()) || pg_temp.publish(28, '{pkg.install}', '{web1}', 'three') || pg_temp.alarms('state || count'), 'trueopen4; open1; muted2',
    'one that is muted is counted');
SELECT throws_ok($$SELECT * FROM approval.list_alarms('closed', NULL, NULL, NULL, NULL, 10)$$, 'AP005', NULL, 'no such state');
SELECT throws_ok($$SELECT * FROM approval.list_alarms(NULL, 'none', NULL, NULL, NULL, 10)$$, 'AP005', NULL, 'no such kind');

-- who is told, and when

SELECT pg_temp.clear(), pg_temp.act('t_policy', $$SELECT approval.put_route('chat', 'alarms')$$) \g /dev/null
SELECT pg_temp.publish(31, '{pkg.install}', '{web1}', 'told'), pg_temp.settle(), pg_temp.publish(32, '{pkg.install}', '{web1}', 'told'), pg_temp.settle() \g /dev/null
SELECT is(pg_temp.told(), format('alarm/%s raised', pg_temp.newest()), 'a route is told of an alarm, once');
SELECT is((SELECT body - 'first_at' - 'last_at' FROM approval.outbox WHERE destination = 'chat'), jsonb_build_object('alarm', pg_temp.newest(), 'act', 'raised',
    'kind', 'unapproved-job', 'severity', 'warning', 'minions', '{web1}'::text[], 'minion_count', 1, 'who', 'root', 'what', 'told', 'jid', :'second' || '000031',
    'request', NULL, 'count', 1, 'muted_until', NULL, 'decided_by', NULL, 'comment', NULL), 'with all that is known');
SELECT pg_temp.mute('t_bob', pg_temp.newest()), pg_temp.publish(33, '{pkg.install}', '{web1}', 'told'), pg_temp.settle() \g /dev/null
SELECT is(pg_temp.told(), format('alarm/%s raised, alarm/%1$s muted', pg_temp.newest()), 'nobody is told of a muted one');
SELECT pg_temp.later('25 hours') \g /dev/null
SELECT is(pg_temp.alarms('state'), 'open', 'a mute ends by itself');
SELECT pg_temp.publish(34, '{pkg.install}', '{web1}', 'told'), pg_temp.settle() \g /dev/null
SELECT is(pg_temp.told(), format('alarm/%s raised, alarm/%1$s muted, alarm/%1$s raised', pg_temp.newest()), 'and the same after it is told anew');
SELECT pg_temp.acknowledge('t_bob', pg_temp.newest()) \g /dev/null
SELECT is((SELECT body ->> 'act' || ' by ' || (body ->> 'decided_by') FROM approval.outbox ORDER BY seq DESC LIMIT 1), 'acknowledged by bob', 'what people do is told');
SELECT pg_temp.later('401 days'), pg_temp.settle() \g /dev/null
SELECT is((SELECT count(*) FROM approval.alarm), 0::bigint, 'what was acknowledged long ago goes');

SELECT approval.put_calendar('nights', 'FREQ=DAILY', 'UTC', interval '8 hours', '2026-01-01', ARRAY[now() - interval '1 hour']),
    pg_temp.rule('unapproved-job', '{"quiet_hours": "nights"}'), pg_temp.clear() \g /dev/null
SELECT pg_temp.publish(35, '{pkg.install}', '{web1}', 'quiet'), pg_temp.settle() \g /dev/null
SELECT is(coalesce(pg_temp.told(), '') || pg_temp.alarms('state'), 'open', 'in quiet hours it is kept, and nobody is told');
SELECT approval.put_calendar('nights', 'FREQ=DAILY', 'UTC', interval '8 hours', '2026-01-01', ARRAY[now() + interval '1 hour']), pg_temp.settle() \g /dev/null
SELECT is(pg_temp.told(), format('alarm/%s raised', pg_temp.newest()), 'but afterwards');
SELECT approval.put_calendar('nights', 'FREQ=DAILY', 'UTC', interval '8 hours', '2026-01-01', ARRAY[now() - interval '1 hour']),
    pg_temp.rule('unapproved-job', '{"quiet_hours": "nights", "severity": "critical"}'), pg_temp.clear() \g /dev/null
SELECT pg_temp.publish(36, '{pkg.install}', '{web1}', 'urgent'), pg_temp.settle() \g /dev/null
SELECT is(pg_temp.told(), format('alarm/%s raised', pg_temp.newest()), 'what is critical is told at any time');
SELECT pg_temp.rule('unapproved-job', '{}') \g /dev/null

-- drift

SELECT pg_temp.report('web1', 1, '{hello}', '{converged}', '{1}', 'r1'), pg_temp.report('web2', 1, '{hello}', '{failed}', '{NULL}', 'r2'), pg_temp.clear() \g /dev/null
SELECT is(pg_temp.alarms(), NULL, 'what converges, or could not be applied, raises nothing');
SELECT pg_temp.report('web1', 1, '{hello}', '{drift}', '{0}', 'r3') \g /dev/null
SELECT is(pg_temp.alarms('kind || '' '' || array_to_string(minions, '','') || '': '' || what || '', request '' || request'),
    'drift web1: package hello is not as approved any more, request ' || :request, 'drift does');
SELECT pg_temp.later('1 hour') \g /dev/null
UPDATE approval.drift SET since = since - interval '1 hour';
SELECT pg_temp.report('web1', 1, '{hello}', '{drift}', '{0}', 'r4') \g /dev/null
SELECT is(pg_temp.alarms(), 'drift web1 1', 'when it begins, and not at each check');

-- breaking the glass

SELECT pg_temp.clear() \g /dev/null
SELECT pg_temp.ask('t_alice', 'standard', '{web1}', 'hello', '2') AS broken \gset
GRANT approval_break_glass TO t_bob;
SELECT pg_temp.act('t_bob', format('SELECT approval.break_glass(''pg'', ''t_bob'', %s, ''the shop is down'')', :broken)) \g /dev/null
SELECT is(pg_temp.alarms('kind || '' '' || who || '': '' || what || '', request '' || request'), 'break-glass bob: the shop is down, request ' || :broken, 'breaking the glass');

-- returns that nobody can have sent

CREATE FUNCTION pg_temp.returned(number text, minion text, findings text DEFAULT '[]', payload text DEFAULT 'p', verdict text DEFAULT 'unproven', copies integer DEFAULT 1)
    RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_returner', format(
    'SELECT count(*) FROM approval.record_returns(%L, %L, %L, %L, %L, %L, %L, %L, %L, %L, %L, %L, %L, %L, %L)',
    array_fill(number, ARRAY[copies]), array_fill(minion, ARRAY[copies]), array_fill('state.apply'::text, ARRAY[copies]), array_fill(0, ARRAY[copies]),
    array_fill(true, ARRAY[copies]), array_fill(verdict, ARRAY[copies]), array_fill(false, ARRAY[copies]), array_fill(NULL::bigint, ARRAY[copies]),
    array_fill(NULL::text, ARRAY[copies]), array_fill(NULL::text, ARRAY[copies]), array_fill(NULL::text, ARRAY[copies]), array_fill(findings, ARRAY[copies]),
    array_fill(NULL::text, ARRAY[copies]), array_fill('\x00'::bytea, ARRAY[copies]),
    ARRAY(SELECT sha256(convert_to(payload || n, 'UTF8')) FROM generate_series(1, copies) AS n)))
$$;
CREATE FUNCTION pg_temp.number(place integer) RETURNS text LANGUAGE sql AS $$
SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISS') || lpad(place::text, 6, '0')
$$;
SELECT pg_temp.clear(), pg_temp.publish(51, '{}', '{web2}'), pg_temp.publish(52, '{}', '{}') \g /dev/null
SELECT pg_temp.returned(pg_temp.number(51), 'web2'), pg_temp.returned(pg_temp.number(52), 'web1'), pg_temp.returned(pg_temp.number(53), 'web1'),
    pg_temp.returned(pg_temp.number(51), 'web2', payload => 'another') \g /dev/null
SELECT is(pg_temp.alarms(), NULL, 'a return of a job, another one of it, of one whose minions are not told, and one of no job raise nothing');
SELECT pg_temp.returned(pg_temp.number(51), 'web1') \g /dev/null
SELECT is(pg_temp.alarms('kind || '' '' || array_to_string(minions, '','') || '': '' || what'), 'forged-return web1: a return came for a job that was sent to others', 'one for a job of others');
SELECT pg_temp.clear(), pg_temp.returned(pg_temp.number(51), 'web2', '[["package", "hello", "unproven", "forged", "1", null, "evidence", "forged"]]', 'f') \g /dev/null
SELECT is(pg_temp.alarms('what'), 'a return came with evidence that is not signed for this minion and revision', 'forged evidence');
SELECT pg_temp.clear(), pg_temp.returned(pg_temp.number(51), 'web2', '[["value", "x", "unproven", "not-shown", "forged", "refused-running", "evidence", "x"]]', 'g') \g /dev/null
SELECT is(pg_temp.alarms('what'), NULL, 'and no words in it');
SELECT pg_temp.report('web1', 1, '{hello}', '{converged}', '{1}', 'r1', jid => pg_temp.number(54)) \g /dev/null
SELECT is(pg_temp.alarms('what'), 'a return came with evidence that had come before', 'a replayed one');
SELECT pg_temp.clear(), pg_temp.report('web1', 1, '{hello}', '{converged}', '{1}', 'r9', login => 't_minion', jid => pg_temp.number(55)) \g /dev/null
SELECT is(pg_temp.alarms('what'), 'a login of minions brought evidence, which is no more than a claim', 'a claim');
SELECT pg_temp.clear(), pg_temp.returned('19990101000000000000', 'web1'), pg_temp.publish(56, '{}', '{web1}'),
    pg_temp.act('t_returner', $$SELECT approval.save_load('mine', 'test.ping', '*', 'glob', 'root', '{web2}', '\x00', false)$$), pg_temp.returned('mine', 'web2') \g /dev/null
SELECT is(pg_temp.alarms('array_to_string(minions, '','') || '': '' || what'), 'web1: a return came for what is no job, or none that is kept',
    'one of no possible job, but not of a job that has an id of somebody''s own');
SELECT pg_temp.clear() \g /dev/null
SELECT pg_temp.returned('19990101000000000000', 'made' || n || 'up') FROM generate_series(1, 3) AS n \g /dev/null
SELECT is(pg_temp.alarms('minion_count || '' '' || count || '' '' || what'),
    '0 3 a return came for what is no job, or none that is kept, in the name of ''made1up'', which is no known minion', 'names that are made up are one alarm');

-- a state run while another ran

SELECT pg_temp.clear(), pg_temp.publish(57, '{}', '{web1,web2}', who => 'dave') \g /dev/null
SELECT pg_temp.returned(pg_temp.number(57), m,
    '[["package", "hello", "not-applied", "refused-running", "1", null, "return", "refused"]]', 'r', 'not-applied') FROM unnest('{web1,web2}'::text[]) AS m \g /dev/null
SELECT is(pg_temp.alarms('kind || '' '' || array_to_string(minions, '','') || '' '' || who || '': '' || what'),
    'overlapping-run web1,web2 dave: state.apply was refused, as another state run was under way', 'a state run that was refused for another');

-- a key that was replaced

SELECT pg_temp.clear(), approval.note_minion('web1', 'key', true, 'machine'), approval.note_minion('web1', 'key', true, 'other machine') \g /dev/null
SELECT is(pg_temp.alarms(), NULL, 'a first key, and another machine with the same key, raise nothing');
UPDATE approval.reinstall SET state = 'converged', accepted_at = now(), converged_at = now(), converged_jid = '1';
SELECT approval.note_minion('web1', 'other', false, NULL), approval.note_minion('web1', 'third', false, NULL) \g /dev/null
SELECT is(pg_temp.alarms('kind || '' '' || minions[1] || '': '' || what'),
    'replaced-key web1: it, or somebody in its name, came with another key, which waits to be accepted', 'another key does, with however many somebody knocks');
SELECT approval.note_minion('web1', 'third', true, NULL) \g /dev/null
SELECT is(pg_temp.alarms('what'), 'it, or somebody in its name, came with another key, which waits to be accepted; it came with another key, which the master has accepted',
    'and when it is accepted');

-- a manual run in a freeze

SELECT pg_temp.clear() \g /dev/null
SELECT approval.put_freeze('typed', now() - interval '1 hour', now() + interval '1 hour', 'standard', NULL, ''),
    approval.put_freeze('past', now() - interval '2 hours', now() - interval '1 hour', NULL, NULL, ''),
    approval.put_freeze('lab', now() - interval '1 hour', now() + interval '1 hour', NULL, 'lab', '') \g /dev/null
SELECT is(pg_temp.publish(41, '{state.highstate}', '{web1}') || coalesce(pg_temp.alarms(), ''), 'true', 'a run where nothing is frozen, or only requests of a type');
SELECT is(pg_temp.publish(42, '{state.apply approval}', '{web2}') || pg_temp.publish(43, '{pkg.version}', '{web2}') || coalesce(pg_temp.alarms(), ''), 'truetrue',
    'in a freeze what applies approved states alone, or reads');
SELECT is(pg_temp.publish(44, '{state.highstate}', '{web1,web2,nobody}', 'salt * state.highstate')
    || pg_temp.alarms('kind || '' '' || array_to_string(minions, '','') || '': '' || who || '' '' || what'),
    'truerun-in-freeze web2: root salt * state.highstate (in freeze lab)', 'a manual run in a freeze');
SELECT pg_temp.clear() \g /dev/null
SELECT approval.drop_freeze('lab'), approval.put_freeze('all', now() - interval '1 hour', now() + interval '1 hour', NULL, NULL, '') \g /dev/null
SELECT is(pg_temp.publish(45, '{pkg.install}', '{web1,web_}') || pg_temp.alarms(), 'trueunapproved-job web1 1; run-in-freeze web1,web_ 1', 'of any minion that is known');
SELECT approval.drop_freeze('all') \g /dev/null

-- a seal that fails

SELECT pg_temp.clear(), approval.seal_audit() \g /dev/null
SELECT is(pg_temp.alarms(), NULL, 'an audit that is sealed');
SELECT approval.audit_append(0, clock_timestamp(), 'test', NULL, NULL, NULL, '{}') \g /dev/null
SELECT is(pg_temp.alarms(), NULL, 'one that waits for its seal');
SELECT approval.seal_audit(), approval.audit_append(0, clock_timestamp() - interval '6 minutes', 'test', NULL, NULL, NULL, '{}') \g /dev/null
SELECT pg_temp.settle() \g /dev/null
SELECT is(pg_temp.alarms('kind || cardinality(minions) || count'), 'failing-seal01', 'one that waits for minutes is an alarm, once');

-- storms

SELECT approval.seal_audit(), pg_temp.clear(), pg_temp.publish(58, '{}', '{web2}') \g /dev/null
SELECT pg_temp.returned('19990101000000000001', 'web1', copies => 1000), pg_temp.returned(pg_temp.number(58), 'web1', copies => 20) \g /dev/null
SELECT is((SELECT count(*) FROM approval.alarm_signal), 2::bigint, 'a thousand forged returns');
SELECT is(pg_temp.alarms(), 'forged-return web1 1020', 'are one alarm');
SELECT is(pg_temp.told(), format('alarm/%s raised', pg_temp.newest()), 'and one notice');
SELECT pg_temp.clear() \g /dev/null
SELECT approval.raise_alarm('drift', ARRAY['m' || n], 'package hello', NULL, '{"what": "drift", "alike": ""}', now()) FROM generate_series(1, 2500) AS n \g /dev/null
SELECT is(ARRAY[pg_temp.settle(), pg_temp.settle(), pg_temp.settle(), pg_temp.settle()], '{1000,1000,500,0}', 'what drifts on many minions is settled in slices');
SELECT is(pg_temp.alarms('minion_count || '' '' || cardinality(minions) || '' '' || count'), '2500 100 2500', 'is one alarm, which names a hundred');
SELECT pg_temp.later('1 hour'), approval.raise_alarm('drift', '{m2400}', 'package hello', NULL, '{"what": "drift", "alike": ""}', now()) \g /dev/null
SELECT is(pg_temp.alarms('minion_count || '' '' || cardinality(minions) || '' '' || count'), '2500 100 2501', 'of which any other minion is one');
SELECT is(pg_temp.told(), format('alarm/%s raised', pg_temp.newest()), 'with one notice');
SELECT pg_temp.clear() \g /dev/null
SELECT approval.raise_alarm('drift', '{m1}', 'cause ' || n, NULL, '{"what": "drift"}', now()) FROM generate_series(1, 1010) AS n \g /dev/null
SELECT is((SELECT count(*) FROM approval.alarm_signal), 1000::bigint, 'one minion alone does not fill the table while nobody settles anything');
SELECT throws_ok($$SELECT pg_temp.act('t_bob', 'SELECT approval.settle_alarms()')$$, '42501', NULL, 'nobody but the engine does');
SELECT * FROM finish();
ROLLBACK;
