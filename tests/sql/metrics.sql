-- Numbers that are counted for monitoring.
BEGIN;
\ir support/fixture.sql
SELECT plan(22);

-- The values of one metric by their labels, as in pending=1 approved=0.
CREATE FUNCTION pg_temp.metric(metric text) RETURNS text LANGUAGE sql AS $$
SELECT string_agg(concat_ws('=', (SELECT string_agg(l.value, '/' ORDER BY l.key) FROM jsonb_each_text(m.labels) AS l), m.value), ' '
                  ORDER BY m.labels::text COLLATE "C")
FROM approval.metrics() AS m WHERE m.name = 'saltext_approval_' || metric
$$;
CREATE FUNCTION pg_temp.seconds(moment timestamptz) RETURNS text LANGUAGE sql AS $$
SELECT extract(epoch FROM moment)::double precision::text
$$;

SELECT is(pg_temp.metric('minions'), 'converged=0 drifting=0 failed=0 silent=0 unknown=5 waiting=0', 'minions by standing, also those that nobody has');
SELECT is(pg_temp.metric('requests'), 'approved=0 failed=0 partial=0 pending=0', 'requests that are open, by state');
SELECT is(pg_temp.metric('oldest_request_timestamp_seconds'), NULL, 'of no request no time');
SELECT is(pg_temp.metric('outbox_messages'), 'salt/dead=0 salt/held-back=0 salt/waiting=0', 'nothing is to be sent to minions');

SELECT approval.put_route('chat', 'requests') \g /dev/null
SELECT pg_temp.ask('t_alice', 'package', '{web1}', 'hello', '1') AS first \gset
SELECT pg_temp.ask('t_alice', 'package', '{web2}', 'hello', '1') AS second \gset
SELECT pg_temp.ask('t_alice', 'standard', '{web1,web2}', 'other', '1') \g /dev/null
SELECT is(pg_temp.metric('minions'), 'converged=0 drifting=0 failed=0 silent=0 unknown=3 waiting=2', 'two minions have something to do');
SELECT is(pg_temp.metric('requests'), 'approved=1 failed=0 partial=0 pending=2', 'two requests wait for approvals');
UPDATE approval.request SET submitted_at = now() - interval '2 hours' WHERE request_id = :first;
UPDATE approval.request SET submitted_at = now() - interval '1 hour' WHERE request_id = :second;
SELECT is(pg_temp.metric('oldest_request_timestamp_seconds'),
    'approved=' || (SELECT pg_temp.seconds(submitted_at) FROM approval.request WHERE state = 'approved')
    || ' pending=' || pg_temp.seconds(now() - interval '2 hours'), 'since when the oldest of each state has been there');
SELECT pg_temp.act('t_alice', format('SELECT approval.cancel_request(''pg'', ''t_alice'', %s, '''')', :first)) \g /dev/null
SELECT is(pg_temp.metric('requests'), 'approved=1 failed=0 partial=0 pending=1', 'what is closed is not counted');

UPDATE approval.outbox SET created_at = now() - interval '3 days';
UPDATE approval.outbox SET due_at = now() + interval '1 day' WHERE thread = 'request/' || :second;
SELECT is(pg_temp.metric('outbox_messages'), 'chat/dead=0 salt/dead=0 chat/held-back=1 salt/held-back=0 chat/waiting='
    || (SELECT count(*) FROM approval.outbox WHERE due_at <= now()) || ' salt/waiting=0', 'notices by destination');
SELECT is(pg_temp.metric('outbox_oldest_due_timestamp_seconds'), 'chat=' || pg_temp.seconds(now() - interval '3 days'), 'since when the oldest is due');
UPDATE approval.outbox SET due_at = now() - interval '1 minute';
SELECT is(pg_temp.metric('outbox_oldest_due_timestamp_seconds'), 'chat=' || pg_temp.seconds(now() - interval '1 minute'),
    'the time for which a message was held back does not count');
UPDATE approval.outbox SET due_at = now() + interval '1 hour', attempts = 11 WHERE thread = 'request/' || :second;
UPDATE approval.outbox SET state = 'delivered', delivered_at = now() WHERE thread <> 'request/' || :second;
SELECT is(pg_temp.metric('outbox_oldest_due_timestamp_seconds'), 'chat=' || pg_temp.seconds(now() - interval '3 days'),
    'the pause after a failure does');
UPDATE approval.outbox SET state = 'dead' WHERE state = 'waiting';
SELECT is(pg_temp.metric('outbox_messages'), 'chat/dead=1 salt/dead=0 chat/held-back=0 salt/held-back=0 chat/waiting=0 salt/waiting=0',
    'a dead message is neither, and what was delivered is gone');

-- The counts of returns are no part of a transaction: those of other tests stay in them.
CREATE TEMP TABLE earlier AS SELECT * FROM approval.metrics() AS m WHERE m.name = 'saltext_approval_returns_total';
SELECT set_eq($$SELECT labels ->> 'verdict' FROM approval.metrics() WHERE name = 'saltext_approval_returns_total'$$,
    $$SELECT (regexp_matches(pg_get_constraintdef(oid), '''([a-z-]+)''', 'g'))[1] FROM pg_constraint
      WHERE conname = 'job_return_verdict_check' AND conrelid = 'approval.job_return'::regclass$$, 'each verdict is counted');
SELECT pg_temp.report('web1', 1, '{other}', '{converged}', '{1}', 'r1'), pg_temp.report('web2', 1, '{other}', '{not-applied}', '{NULL}', 'r2'),
    pg_temp.report('web1', 1, '{other}', '{converged}', '{1}', 'r1', jid => '20000101000000000000') \g /dev/null
SELECT is(pg_temp.report('web1', 1, '{other}', '{converged}', '{1}', 'r1'), 'repeat', 'the same again');
SELECT results_eq($$SELECT m.labels ->> 'verdict', m.value - e.value FROM approval.metrics() AS m JOIN earlier AS e USING (name, labels)
                      WHERE m.value > e.value ORDER BY 1$$,
    $$VALUES ('converged', 1::double precision), ('not-applied', 1)$$,
    'each return once, and none that is in quarantine');
SELECT throws_ok($$SELECT pg_temp.act('t_engine', $q$SELECT nextval('approval.returns_converged')$q$)$$, '42501', NULL, 'nobody counts by hand');

SELECT approval.seal_audit() \g /dev/null
SELECT is(pg_temp.metric('audit_unsealed_streams'), '0', 'the audit is sealed');
SELECT is(pg_temp.metric('rollouts') || ' ' || pg_temp.metric('sending_paused') || ' ' || pg_temp.metric('catch_ups_waiting'), 'halted=0 running=0 0 0',
    'nothing is sent in waves, paused or to be caught up');
SELECT approval.raise_alarm('drift', '{web1}', 'a', NULL, '{"what": "drifted"}', now()),
    approval.raise_alarm('break-glass', '{}', 'b', NULL, '{"what": "broken"}', now()), approval.settle_alarms() \g /dev/null
SELECT is(pg_temp.metric('alarms'), 'critical=2 info=0 warning=1', 'alarms by severity, also that of the return in quarantine');
UPDATE approval.alarm SET muted_until = now() + interval '1 hour', decided_by = 'bob', comment = 'known' WHERE kind = 'drift';
UPDATE approval.alarm SET acknowledged_at = now(), decided_by = 'bob', comment = 'known' WHERE severity = 'critical';
SELECT is(pg_temp.metric('alarms'), 'critical=0 info=0 warning=0', 'without those that somebody has judged');
SELECT throws_ok($$SELECT pg_temp.act('t_bob', 'SELECT approval.metrics()')$$, '42501', NULL, 'a person has other functions');
SELECT * FROM finish();
ROLLBACK;
