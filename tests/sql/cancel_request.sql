-- Taking a request back: what was neither proven nor is under way to a minion is taken out of force, and nothing else.
BEGIN;
\ir support/fixture.sql
SELECT plan(37);

SELECT approval.put_request_type('{"name": "at-once", "kind": "package", "dispatch": true, "requesters": ["*"], "pre_approved": true, "chain": []}') \g /dev/null
SELECT approval.put_request_type('{"name": "reboot", "kind": "action", "action": {"function": "system.reboot"}, "requesters": ["*"], "pre_approved": true, "chain": []}') \g /dev/null
SELECT approval.put_request_type('{"name": "waved", "kind": "package", "dispatch": true, "requesters": ["*"], "pre_approved": true, "chain": [],
    "rollout": {"canaries": {"minion_group": "pilots"}, "resume": {"group": "board"}}}') FROM approval.put_minion_group('pilots', '', '{web1}') \g /dev/null
SELECT approval.put_calendar('never', 'FREQ=DAILY', 'UTC', '2 hours', '2026-01-01 02:00', '{}') \g /dev/null
SELECT approval.put_request_type('{"name": "windowed", "kind": "package", "dispatch": true, "calendar": "never", "requesters": ["*"], "pre_approved": true, "chain": []}') \g /dev/null

CREATE FUNCTION pg_temp.cancel(number bigint, login text DEFAULT 't_alice') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act(login, format('SELECT approval.cancel_request(''pg'', %L, %s, ''no'')', login, number))
$$;
CREATE FUNCTION pg_temp.in_force(minion text) RETURNS text LANGUAGE sql AS $$
SELECT coalesce(string_agg(e.name || '=' || e.content, ' ' ORDER BY e.name), '') FROM approval.document_in_force(clock_timestamp()) AS d
CROSS JOIN LATERAL unnest(d.names, d.contents) AS e (name, content) WHERE d.minion_id = minion
$$;
CREATE FUNCTION pg_temp.items(number bigint) RETURNS text LANGUAGE sql AS $$
SELECT string_agg(i.minion_id || ' ' || i.state || ' ' || i.outcome, ', ' ORDER BY i.minion_id) FROM approval.item AS i WHERE i.request_id = number
$$;
-- The step of a request is begun on a minion, and its job published.
CREATE FUNCTION pg_temp.send(number bigint, minion text, jid text, step text DEFAULT 'apply') RETURNS void LANGUAGE sql AS $$
SELECT pg_temp.act('t_engine', format('SELECT approval.begin_dispatches(%s, %L, %L, %L, %L)', number, ARRAY[minion], ARRAY[i.item_id], step, jid)),
    pg_temp.act('t_engine', format('SELECT approval.note_sent(%s, %L, %L, %L, true)', number, ARRAY[minion], ARRAY[i.item_id], jid))
FROM approval.item AS i WHERE i.request_id = number AND i.minion_id = minion
$$;
CREATE FUNCTION pg_temp.taken(number bigint) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_engine', format('SELECT string_agg(minion_id || '' '' || step, '', '' ORDER BY minion_id) FROM approval.take_dispatches(%s, ''{web1,web2}'', 10)', number))
$$;
CREATE FUNCTION pg_temp.proven(minion text, package text, version text, run text) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.report(minion, (SELECT max(revision) FROM approval.document WHERE minion_id = minion AND valid_from <= clock_timestamp()),
    ARRAY[package], '{converged}', ARRAY[version], run)
$$;

-- All of it.
SELECT pg_temp.ask('t_alice', 'package', '{web1}', 'hello', '1') AS pending \gset
SELECT is(pg_temp.cancel(:pending), 'cancelled', 'a pending one');
SELECT throws_ok(format('SELECT pg_temp.cancel(%s)', :pending), 'AP006', format('request %s is cancelled: it can no longer be cancelled', :pending), 'once');
SELECT pg_temp.ask('t_alice', 'windowed', '{web1}', 'hello', '1') AS windowed \gset
SELECT throws_ok(format('SELECT pg_temp.cancel(%s, ''t_bob'')', :windowed), 'AP002', format('only who asked for request %s may cancel it', :windowed), 'nobody else');
SELECT is(pg_temp.cancel(:windowed) || ' ' || pg_temp.items(:windowed), 'withdrawn web1 withdrawn waiting', 'one that waits for its window');
SELECT is((SELECT state || ' ' || last_error FROM approval.outbox WHERE request_id = :windowed AND destination = 'salt'), 'dead withdrawn', 'its message is not sent');
SELECT is((SELECT string_agg(act || ' ' || coalesce(principal, '-'), ', ' ORDER BY seq) FROM approval.audit_entry WHERE stream = :windowed),
    'submitted alice, approved -, withdrawn alice', 'it is recorded');
SELECT approval.put_freeze('peace', now() - interval '1 hour', now() + interval '1 hour', NULL, NULL, '') \g /dev/null
SELECT pg_temp.ask('t_alice', 'at-once', '{web1}', 'hello', '1') AS frozen \gset
SELECT is(pg_temp.cancel(:frozen) || ' ' || pg_temp.state_of(:frozen), 'withdrawn withdrawn', 'one that a freeze holds back');
SELECT approval.drop_freeze('peace') \g /dev/null
SELECT is(coalesce(pg_temp.taken(:frozen), 'nothing') || pg_temp.in_force('web1'), 'nothing', 'whose end brings nothing');

-- Items in force that no minion has proven.
SELECT pg_temp.ask('t_alice', 'standard', '{web1,web2}', 'hello', '1') AS before \gset
SELECT pg_temp.proven('web1', 'hello', '1', 'r1') \g /dev/null
SELECT pg_temp.ask('t_alice', 'standard', '{web1}', 'hello', '2') AS unproven \gset
SELECT is(pg_temp.in_force('web1'), 'hello=2', 'in force');
SELECT is(pg_temp.cancel(:unproven), 'withdrawn', 'it waits for a highstate, and is taken back');
SELECT is(pg_temp.in_force('web1'), 'hello=1', 'what held before it holds again');
SELECT is(pg_temp.cancel(:before) || ', ' || pg_temp.items(:before), 'partly-withdrawn, web1 approved converged, web2 withdrawn waiting', 'what is proven stays');
SELECT is(pg_temp.in_force('web1') || '|' || pg_temp.in_force('web2'), 'hello=1|', 'in force, too');
SELECT is(pg_temp.state_of(:before), 'converged', 'and the request comes to what its rest came to');
SELECT is((SELECT string_agg(act, ', ' ORDER BY seq) FROM approval.audit_entry WHERE stream = :before), 'submitted, approved, partly-withdrawn, converged', 'on record');
SELECT throws_ok(format('SELECT pg_temp.cancel(%s)', :before), 'AP006', format('request %s is converged: it can no longer be cancelled', :before), 'what is proven is reverted');
SELECT pg_temp.ask('t_alice', 'standard', '{web2}', 'hello', '3') AS late \gset
SELECT pg_temp.cancel(:late) \g /dev/null
SELECT is(pg_temp.report('web2', (SELECT max(revision) FROM approval.document_history WHERE minion_id = 'web2' AND contents = '{3}'), '{hello}', '{converged}', '{3}', 'r2'),
    'recorded', 'one that was just applying it says so');
SELECT is(pg_temp.state_of(:late) || ', ' || pg_temp.items(:late), 'withdrawn, web2 withdrawn converged', 'which is seen, and changes nothing');

-- Items that are under way.
SELECT pg_temp.ask('t_alice', 'at-once', '{web1,web2}', 'vim', '1') AS sent \gset
SELECT pg_temp.send(:sent, 'web1', 'j1'), pg_temp.send(:sent, 'web2', 'j2') \g /dev/null
SELECT throws_ok(format('SELECT pg_temp.cancel(%s)', :sent), 'AP006',
    format('request %s is approved, and all of it was sent or applied: it can no longer be cancelled', :sent), 'what was just sent stays');
UPDATE approval.dispatch SET sent_at = sent_at - interval '16 minutes' WHERE request_id = :sent AND minion_id = 'web2';
INSERT INTO approval.catch_up (minion_id, state, state_at, started_at, due_at, cause, revision, jid)
VALUES ('web2', 'sent', now(), now(), now(), 'boot b', 1, 'j3');
SELECT throws_ok(format('SELECT pg_temp.cancel(%s)', :sent), 'AP006', NULL, 'nor is it taken from a minion that is being caught up');
UPDATE approval.catch_up SET state = 'ended', outcome = 'silent' WHERE minion_id = 'web2';
SELECT is(pg_temp.cancel(:sent) || ', ' || pg_temp.items(:sent), 'partly-withdrawn, web1 approved waiting, web2 withdrawn waiting', 'a minion that was away gets no more of it');
SELECT is(pg_temp.state_of(:sent) || '|' || pg_temp.in_force('web2'), 'approved|', 'the other one is waited for');
SELECT pg_temp.proven('web1', 'vim', '1', 'r3') \g /dev/null
SELECT is(pg_temp.state_of(:sent), 'converged', 'whose evidence ends it');

-- Actions.
CREATE FUNCTION pg_temp.reboot(minions text[]) RETURNS bigint LANGUAGE sql AS $$
SELECT pg_temp.act('t_alice', format('SELECT approval.submit_request(''pg'', ''t_alice'', ''reboot'', ''because'', %L, %L, %L, %L, NULL, ''pg'', NULL, NULL, NULL)',
    minions, array_fill('action'::text, ARRAY[cardinality(minions)]), array_fill('system.reboot'::text, ARRAY[cardinality(minions)]),
    array_fill('{}'::text, ARRAY[cardinality(minions)])))::bigint
$$;
SELECT pg_temp.reboot('{web1,web2}') AS reboot \gset
SELECT is(pg_temp.taken(:reboot), 'web1 observe, web2 observe', 'it is asked first how the minions are');
SELECT pg_temp.send(:reboot, 'web1', 'j4', 'observe'), pg_temp.send(:reboot, 'web2', 'j4', 'observe') \g /dev/null
UPDATE approval.dispatch SET state = 'observed', boot_before = 'b' WHERE request_id = :reboot AND minion_id = 'web1';
SELECT pg_temp.send(:reboot, 'web1', 'j5', 'perform') \g /dev/null
SELECT is((SELECT string_agg(minion_id || ' ' || state, ', ' ORDER BY minion_id) FROM approval.dispatch WHERE request_id = :reboot), 'web1 sent, web2 observing', 'one is told');
SELECT is(pg_temp.cancel(:reboot) || ', ' || pg_temp.items(:reboot), 'partly-withdrawn, web1 approved waiting, web2 withdrawn waiting', 'the other is not told any more');
SELECT is((SELECT string_agg(minion_id || ' ' || state, ', ') FROM approval.dispatch WHERE request_id = :reboot), 'web1 sent', 'nor asked');
SELECT is(pg_temp.taken(:reboot), NULL, 'nothing is left to be done');
UPDATE approval.dispatch SET sent_at = sent_at - interval '16 minutes' WHERE request_id = :reboot;
SELECT throws_ok(format('SELECT pg_temp.cancel(%s)', :reboot), 'AP006', NULL, 'an action that was sent is never taken back, however long ago');

-- Waves.
SELECT pg_temp.ask('t_alice', 'waved', '{web1,web2}', 'curl', '1') AS waved \gset
SELECT pg_temp.act('t_engine', format('SELECT approval.advance_rollout(%s)', :waved)) \g /dev/null
UPDATE approval.wave_minion SET present_at = now() WHERE request_id = :waved AND minion_id = 'web1';
SELECT pg_temp.send(:waved, 'web1', 'j6') \g /dev/null
SELECT is(pg_temp.cancel(:waved) || ', ' || pg_temp.items(:waved), 'partly-withdrawn, web1 approved waiting, web2 withdrawn waiting', 'waves that have not opened');
SELECT is(pg_temp.act('t_engine', format('SELECT approval.advance_rollout(%s)', :waved)), 'given-up', 'do not open any more');
SELECT pg_temp.proven('web1', 'curl', '1', 'r4') \g /dev/null
SELECT is(pg_temp.state_of(:waved) || coalesce(pg_temp.act('t_engine', format('SELECT approval.next_dispatch(%s, NULL)', :waved)), ''), 'converged',
    'and nothing is left to be done');
SELECT pg_temp.ask('t_alice', 'waved', '{web1,web2}', 'wget', '1') AS unbegun \gset
SELECT is(pg_temp.cancel(:unbegun), 'withdrawn', 'none was sent: all of it');
SELECT is((SELECT state FROM approval.rollout WHERE request_id = :unbegun), 'given-up', 'its waves do not open either');
SELECT is(pg_temp.act('t_bob', format('SELECT approval.show_request(%s) ->> ''state''', :unbegun)), 'withdrawn', 'as people see it');
SELECT throws_ok(format('SELECT pg_temp.cancel(%s)', :unbegun), 'AP006', format('request %s is withdrawn: it can no longer be cancelled', :unbegun), 'once');
SELECT throws_ok('SELECT pg_temp.cancel(4711)', 'AP014', 'there is no request 4711', 'nor what there is not');
SELECT * FROM finish();
ROLLBACK;
