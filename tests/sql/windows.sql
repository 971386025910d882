-- Windows and freezes hold a change back until it was first applied; then it is state.
BEGIN;
\ir support/fixture.sql
SELECT plan(34);

CREATE FUNCTION pg_temp.timeline(minion text) RETURNS text LANGUAGE sql AS $$
SELECT string_agg(coalesce((extract(epoch FROM nullif(valid_from, '-infinity') - now()) / 3600)::integer::text, 'now') || ':'
                  || array_to_string(contents, ',', 'absent'), ' ' ORDER BY valid_from)
FROM approval.document WHERE minion_id = minion
$$;
SELECT approval.put_calendar('nightly', 'FREQ=DAILY', 'Europe/Berlin', '2 hours', '2026-01-01 02:00',
    ARRAY(SELECT now() + make_interval(hours => h) FROM unnest(ARRAY[10, 34, 58, 82, 106, 130]) AS h)) \g /dev/null
SELECT throws_ok($$SELECT approval.put_calendar('x', 'FREQ=DAILY', 'Mars/Olympus', '2 hours', '2026-01-01', '{}')$$, 'AP017', NULL, 'an unknown time zone');
SELECT throws_ok($$SELECT approval.put_calendar('x', 'FREQ=DAILY', 'UTC', '0 hours', '2026-01-01', '{}')$$, 'AP017', NULL, 'an empty window');
SELECT approval.put_request_type('{"name": "windowed", "kind": "package", "requesters": ["*"], "pre_approved": true, "chain": [], "calendar": "nightly"}') \g /dev/null

SELECT pg_temp.ask('t_alice', 'windowed', '{web1}', 'hello', '1') AS request \gset
SELECT is(pg_temp.timeline('web1'), 'now: 10:1 12: 34:1 36: 58:1 60: 82:1 84:', 'exported while the window is open, four openings ahead, then closed');
SELECT pg_temp.report('web1', (SELECT revision FROM approval.document WHERE minion_id = 'web1' AND contents = '{1}' ORDER BY 1 LIMIT 1),
    '{hello}', '{converged}', '{1}', 'first') \g /dev/null
SELECT is(pg_temp.timeline('web1'), 'now:1', 'once applied it is exported always');
SELECT is(pg_temp.state_of(:request), 'converged', 'and its request is done');

SELECT pg_temp.ask('t_alice', 'windowed', '{web1}', 'hello', '2') AS second \gset
SELECT is(pg_temp.timeline('web1'), 'now:1 10:2 12:1 34:2 36:1 58:2 60:1 82:2 84:1', 'outside the window the value before holds');
SELECT is((SELECT state FROM approval.item WHERE request_id = :request), 'approved', 'which therefore is not superseded yet');
SELECT pg_temp.report('web1', (SELECT max(revision) - 1 FROM approval.document WHERE minion_id = 'web1'), '{hello}', '{failed}', '{1}', 'second') \g /dev/null
SELECT is(pg_temp.timeline('web1'), 'now:1 10:2 12:1 34:2 36:1 58:2 60:1 82:2 84:1', 'a change that failed goes back to waiting');
SELECT is(pg_temp.state_of(:second), 'failed', 'its request says so');

-- Freezes: deny beats allow.
SELECT approval.put_freeze('christmas', now() + interval '11 hours', now() + interval '70 hours', NULL, NULL, 'no change') \g /dev/null
SELECT is(pg_temp.timeline('web1'), 'now:1 10:2 11:1 82:2 84:1', 'a freeze beats an open window');
SELECT is(approval.put_freeze('christmas', now() + interval '11 hours', now() + interval '70 hours', NULL, NULL, 'no change'), false, 'the same again changes nothing');
SELECT throws_ok($$SELECT approval.put_freeze('x', now(), now() - interval '1 hour', NULL, NULL, '')$$, 'AP017', NULL, 'a freeze that ends before it begins');
SELECT throws_ok($$SELECT approval.put_freeze('x', now(), 'infinity', NULL, NULL, '')$$, 'AP017', NULL, 'or never ends');
SELECT throws_ok($$SELECT approval.put_freeze('x', now(), now() + interval '1 hour', NULL, 'no such', '')$$, 'AP017', NULL, 'or is for an unknown group');
SELECT pg_temp.ask('t_alice', 'standard', '{web2}', 'sl', '1') \g /dev/null
SELECT is(pg_temp.timeline('web2'), 'now:1 11: 70:1', 'it holds back what has no window too');
SELECT is(ARRAY[approval.drop_freeze('christmas'), approval.drop_freeze('christmas')], '{t,f}', 'it can be lifted');
SELECT is(pg_temp.timeline('web2'), 'now:1', 'and documents are as before');
SELECT approval.put_minion_group('edge', '', '{web2}') \g /dev/null
SELECT approval.put_freeze('edge', now() - interval '1 hour', now() + interval '3 hours', 'standard', 'edge', '') \g /dev/null
SELECT is(pg_temp.timeline('web2'), 'now: 3:1', 'a freeze of one group and type holds that back');
SELECT is(pg_temp.timeline('web1'), 'now:1 10:2 12:1 34:2 36:1 58:2 60:1 82:2 84:1', 'and nothing else');
SELECT approval.put_minion_group('edge', '', '{}') \g /dev/null
SELECT is(pg_temp.timeline('web2'), 'now:1', 'who leaves the group is no longer held back');
SELECT throws_ok($$SELECT approval.put_freeze('x', now(), now() + interval '1 hour', 'no such', NULL, '')$$, 'AP003', NULL, 'a freeze of an unknown type');

-- Break-glass.
CREATE ROLE t_breaker LOGIN; GRANT approval_break_glass TO t_breaker;
SELECT approval.put_principal('breaker', 'person'), approval.put_identity('pg', 't_breaker', 'breaker') \g /dev/null
CREATE FUNCTION pg_temp.break(login text, number bigint, note text) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act(login, format('SELECT approval.break_glass(''pg'', %L, %s, %L)', login, number, note))
$$;
SELECT throws_ok(format('SELECT pg_temp.break(''t_bob'', %s, ''outage'')', :second), '42501', NULL, 'not everybody breaks the glass');
SELECT throws_ok(format('SELECT pg_temp.break(''t_breaker'', %s, '''')', :second), 'AP005', NULL, 'nor without a reason');
SELECT pg_temp.break('t_breaker', :second, 'outage') \g /dev/null
SELECT is(pg_temp.timeline('web1'), 'now:2', 'the change goes past window and freeze');
SELECT is((SELECT act FROM approval.audit_trail(:second) ORDER BY seq DESC LIMIT 1), 'glass-broken', 'it is recorded');
SELECT is((SELECT count(*) FROM approval.outbox WHERE destination = 'chat'), 0::bigint, 'no message to anybody who does not exist');
INSERT INTO approval.outbox (destination, thread, request_id, seq, topic, body, created_at) VALUES ('chat', 'request/' || :second, :second, 1, 'glass-broken', '{}', now());
SELECT is(pg_temp.act('t_bob', format('SELECT approval.drop_outbox(''pg'', ''t_bob'', ''chat'', ''request/%s'')', :second)), '1', 'one of an older version can be dropped');
SELECT throws_ok(format('SELECT pg_temp.act(''t_bob'', $q$SELECT approval.drop_outbox(''pg'', ''t_bob'', ''chat'', ''request/%s'')$q$)', :second), 'AP006', NULL, 'once');
SELECT throws_ok(format('SELECT pg_temp.act(''t_bob'', $q$SELECT approval.drop_outbox(''pg'', ''t_bob'', ''salt'', ''request/%s'')$q$)', :second), 'AP005', NULL, 'not what minions are to get');
SELECT throws_ok($t$SELECT pg_temp.act('t_bob', $q$SELECT approval.drop_outbox('pg', 't_bob', 'chat', 'request/999999')$q$)$t$, 'AP014', NULL, 'nor of no request');
SELECT is((SELECT detail::jsonb #>> '{messages,0,topic}' FROM approval.audit_entry WHERE stream = :second AND act = 'outbox-dropped'), 'glass-broken', 'and the audit has it');
SELECT throws_ok(format('SELECT pg_temp.break(''t_breaker'', %s, ''again'')', :second), 'AP006', NULL, 'once');
SELECT throws_ok(format('SELECT pg_temp.break(''t_breaker'', %s, ''why not'')', pg_temp.ask('t_alice', 'package', '{web1}', 'x', '1')), 'AP006', NULL,
    'what is not approved is not let through');

SELECT pg_temp.report('web1', (SELECT revision FROM approval.document WHERE minion_id = 'web1'), '{hello}', '{converged}', '{2}', 'third') \g /dev/null
SELECT is((SELECT state FROM approval.item WHERE request_id = :request), 'superseded', 'once the later change is applied, the earlier is gone for good');
SELECT * FROM finish();
ROLLBACK;
