-- What is sent to minions, when, how often, and what proves it: every edge of table dispatch.
BEGIN;
\ir support/fixture.sql
SELECT plan(95);

SELECT approval.put_request_type('{"name": "reboot", "kind": "action", "action": {"function": "system.reboot", "kwarg": {"in_seconds": false}},
    "requesters": ["*"], "pre_approved": true, "chain": []}') \g /dev/null
SELECT approval.put_request_type('{"name": "flush", "kind": "action", "action": {"function": "cache.flush", "kwarg": {"all": true}}, "proof_within": "5 minutes",
    "returns": {"type": "boolean"}, "requesters": ["*"], "pre_approved": true, "chain": []}') \g /dev/null
SELECT approval.put_request_type('{"name": "quiet", "kind": "action", "action": {"function": "cache.flush"}, "dispatch": false,
    "requesters": ["*"], "pre_approved": true, "chain": []}') \g /dev/null
SELECT approval.put_request_type('{"name": "at-once", "kind": "package", "dispatch": true, "requesters": ["*"], "pre_approved": true, "chain": []}') \g /dev/null
SELECT approval.put_request_type('{"name": "short", "kind": "action", "action": {"function": "cache.flush"}, "valid_for": "1 hour",
    "requesters": ["*"], "pre_approved": true, "chain": []}') \g /dev/null

CREATE FUNCTION pg_temp.ask_action(type text, minions text[], kwarg text DEFAULT '{}', after timestamptz DEFAULT NULL) RETURNS bigint LANGUAGE sql AS $$
SELECT pg_temp.act('t_alice', format(
    'SELECT approval.submit_request(''pg'', ''t_alice'', %L, ''because'', %L, %L, %L, %L, %L, ''pg'', NULL, NULL, NULL)',
    type, minions, array_fill('action'::text, ARRAY[cardinality(minions)]),
    array_fill((approval.current_type(type)).action ->> 'function', ARRAY[cardinality(minions)]),
    array_fill(kwarg, ARRAY[cardinality(minions)]), after))::bigint
$$;
CREATE FUNCTION pg_temp.steps(number bigint) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_engine', format('SELECT string_agg(minion_id || '' '' || step || '' '' || coalesce(function, ''-'') || '' '' || kwarg, '', '' ORDER BY minion_id) '
    'FROM approval.take_dispatches(%s, ''{web1,web2,web_}'', 10)', number))
$$;
CREATE FUNCTION pg_temp.item_of(number bigint, minion text DEFAULT 'web1') RETURNS bigint LANGUAGE sql AS $$
SELECT min(item_id) FROM approval.item WHERE request_id = number AND minion_id = minion
$$;
CREATE FUNCTION pg_temp.begin(number bigint, step text, jid text, minion text DEFAULT 'web1') RETURNS boolean LANGUAGE sql AS $$
SELECT pg_temp.act('t_engine', format('SELECT count(*) = 1 FROM approval.begin_dispatches(%s, %L, %L, %L, %L)', number, ARRAY[minion],
    ARRAY[pg_temp.item_of(number, minion)], step, jid))::boolean
$$;
CREATE FUNCTION pg_temp.sent(number bigint, jid text, really boolean DEFAULT true, minion text DEFAULT 'web1') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_engine', format('SELECT approval.note_sent(%s, %L, %L, %L, %L)', number, ARRAY[minion], ARRAY[pg_temp.item_of(number, minion)], jid, really))
$$;
CREATE FUNCTION pg_temp.settle(number bigint, jid text, success boolean, minion text DEFAULT 'web1') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_engine', format('SELECT approval.settle_action(%L, %s, %L, %L, ''seen'', ''as seen'')', minion, pg_temp.item_of(number, minion), jid, success))
$$;
CREATE FUNCTION pg_temp.dispatch(number bigint, minion text DEFAULT 'web1') RETURNS text LANGUAGE sql AS $$
SELECT state FROM approval.dispatch WHERE request_id = number AND minion_id = minion
$$;
CREATE FUNCTION pg_temp.outcome(number bigint, minion text DEFAULT 'web1') RETURNS text LANGUAGE sql AS $$
SELECT outcome FROM approval.item WHERE request_id = number AND minion_id = minion
$$;
-- A return with or without valid evidence, of a boot, some time from now.
CREATE FUNCTION pg_temp.returned(p_jid text, p_boot text, p_authentic boolean DEFAULT true, p_after interval DEFAULT '1 s', p_minion text DEFAULT 'web1')
    RETURNS void LANGUAGE sql AS $$
INSERT INTO approval.job_return (jid, minion_id, attempt, fun, retcode, success, verdict, authenticated, flags, run_id, boot_id, received_at, payload_digest, payload)
VALUES (p_jid, p_minion, 1, 'state.single', 0, true, 'converged', p_authentic, '{}', p_jid, p_boot, clock_timestamp() + p_after, '\x00', '\x00')
$$;
CREATE FUNCTION pg_temp.past(number bigint, span interval) RETURNS void LANGUAGE sql AS $$
UPDATE approval.dispatch SET state_at = state_at - span, sent_at = sent_at - span WHERE request_id = number
$$;
CREATE FUNCTION pg_temp.settle_all() RETURNS integer LANGUAGE sql AS $$
SELECT pg_temp.act('t_engine', 'SELECT approval.settle_dispatches()')::integer
$$;

-- Types.
SELECT throws_ok(format('SELECT approval.put_request_type(%L)', '{"name": "t", "kind": "package", "requesters": ["*"], "pre_approved": true, "chain": []}'::jsonb || extra),
    'AP017', 'request type t: ' || why, why)
FROM (VALUES ('{"dispatch": "state.apply"}'::jsonb, 'dispatch is true or false'),
             ('{"returns": true}', 'proof, proof_within and returns are for actions'),
             ('{"kind": "action", "action": {"function": "f"}, "proof": "state"}', 'proof is one of return, restart, reboot'),
             ('{"kind": "action", "action": {"function": "f"}, "proof_within": "0 s"}', 'proof_within must be longer than nothing'),
             ('{"kind": "action", "action": {"function": "f", "arg": [1]}}', 'arguments of an action that is sent have names: kwarg; or say dispatch: false')) AS t (extra, why);

-- The outbox.
SELECT pg_temp.ask_action('flush', '{web1,web2}', '{"what":"x","all":false}') AS flush \gset
SELECT is(pg_temp.act('t_engine', 'SELECT request_id || '' '' || topic FROM approval.claim_outbox(''salt'', ''1 min'')'), :flush || ' dispatch', 'an approved action is to be sent');
SELECT is(pg_temp.act('t_engine', 'SELECT request_id FROM approval.claim_outbox(''salt'', ''1 min'')'), NULL, 'one at a time is at it');
UPDATE approval.outbox SET leased_until = clock_timestamp();
SELECT is(pg_temp.act('t_engine', 'SELECT request_id FROM approval.claim_outbox(''salt'', ''1 min'')'), :flush::text, 'until its lease is over');
SELECT is(pg_temp.act('t_engine', format('SELECT approval.settle_outbox(''salt'', ''request/%s'', 1, ''failed'', NULL, ''no master'')', :flush)), 'waiting', 'what failed waits');
SELECT is((SELECT due_at > now() AND last_error = 'no master' AND attempts = 1 FROM approval.outbox WHERE request_id = :flush), true, 'for a pause');
UPDATE approval.outbox SET attempts = 11 WHERE request_id = :flush;
SELECT is(pg_temp.act('t_engine', format('SELECT approval.settle_outbox(''salt'', ''request/%s'', 1, ''failed'', NULL, ''no master'')', :flush)), 'dead', 'and is dead in the end');
SELECT is(pg_temp.act('t_bob', 'SELECT state || '' '' || last_error FROM approval.list_outbox(NULL, 10)'), 'dead no master', 'which everybody sees');
INSERT INTO approval.outbox (destination, thread, request_id, seq, topic, body, created_at) VALUES ('salt', 'request/' || :flush, :flush, 2, 'later', '{}', now());
SELECT is(pg_temp.act('t_engine', 'SELECT request_id FROM approval.claim_outbox(''salt'', ''1 min'')'), NULL, 'it halts what comes after it');
SELECT is(pg_temp.act('t_bob', format('SELECT approval.retry_outbox(''pg'', ''t_bob'', ''salt'', ''request/%s'')', :flush)), '1', 'somebody gives it another chance');
SELECT is(pg_temp.act('t_engine', 'SELECT seq FROM approval.claim_outbox(''salt'', ''1 min'')'), '1', 'and it goes on in order');
SELECT throws_ok(format('SELECT pg_temp.act(''t_bob'', $q$SELECT approval.retry_outbox(''pg'', ''t_bob'', ''salt'', ''request/%s'')$q$)', :flush), 'AP006', NULL, 'nothing dead, nothing to retry');
SELECT throws_ok(format('SELECT pg_temp.act(''t_engine'', $q$SELECT approval.settle_outbox(''salt'', ''request/%s'', 1, ''maybe'', NULL, NULL)$q$)', :flush), 'AP005', NULL, 'an outcome that is none');
SELECT is(pg_temp.act('t_engine', format('SELECT approval.settle_outbox(''salt'', ''request/%s'', 1, ''delivered'', NULL, NULL)', :flush)), 'delivered', 'delivered');
SELECT is(pg_temp.act('t_engine', 'SELECT seq FROM approval.claim_outbox(''salt'', ''1 min'')'), '2', 'then the next');
SELECT is((SELECT count(*) FROM approval.outbox WHERE request_id = pg_temp.ask_action('quiet', '{web1}')), 0::bigint, 'a type may say that its actions are not sent');
SELECT is((SELECT count(*) FROM approval.outbox WHERE request_id = pg_temp.ask('t_alice', 'standard', '{web1}', 'hello', '1')), 0::bigint, 'states are not');
SELECT pg_temp.ask('t_alice', 'at-once', '{web1,web2}', 'sl', '1') AS state \gset
SELECT is((SELECT count(*) FROM approval.outbox WHERE request_id = :state), 1::bigint, 'unless their type says so');

-- An action that is proven by its return.
SELECT is(pg_temp.steps(:flush), 'web1 perform cache.flush {"all": true, "what": "x"}, web2 perform cache.flush {"all": true, "what": "x"}', 'what is to be sent');
SELECT is(pg_temp.begin(:flush, 'observe', 'j1'), false, 'a step that is not its');
SELECT is(pg_temp.begin(:flush, 'perform', 'j1'), true, 'its job is chosen');
SELECT is(pg_temp.begin(:flush, 'perform', 'j2'), false, 'once');
SELECT pg_temp.sent(:flush, 'j1', false) \g /dev/null
SELECT is(pg_temp.begin(:flush, 'perform', 'j2'), true, 'and anew if it surely was not published');
SELECT pg_temp.sent(:flush, 'j1') \g /dev/null
SELECT is(pg_temp.dispatch(:flush), 'sending', 'another job says nothing of it');
SELECT pg_temp.sent(:flush, 'j2') \g /dev/null
SELECT is(pg_temp.dispatch(:flush), 'sent', 'published');
SELECT throws_ok(format('SELECT pg_temp.settle(%s, ''j2'', true)', :flush), 'AP002', NULL, 'nothing is proven without a return');
SELECT pg_temp.returned('j2', 'boot-1', false) \g /dev/null
SELECT throws_ok(format('SELECT pg_temp.settle(%s, ''j2'', true)', :flush), 'AP002', NULL, 'nor by one without valid evidence');
SELECT throws_ok(format('SELECT pg_temp.settle(%s, ''j1'', true)', :flush), 'AP006', NULL, 'nor by one of another job');
SELECT is(pg_temp.act('t_engine', 'SELECT count(*) FROM approval.list_dispatches(10)'), '0', 'there is nothing to judge');
UPDATE approval.job_return SET authenticated = true WHERE jid = 'j2';
SELECT is(pg_temp.act('t_engine', 'SELECT minion_id || '' '' || coalesce(function, ''-'') || '' '' || kwarg || '' '' || returns FROM approval.list_dispatches(10)'),
    'web1 cache.flush {"all": true, "what": "x"} {"type": "boolean"}', 'now there is');
SELECT is(pg_temp.settle(:flush, 'j2', true), 'proven', 'proven');
SELECT is(pg_temp.outcome(:flush), 'converged', 'so is the item');
SELECT throws_ok(format('SELECT pg_temp.settle(%s, ''j2'', false)', :flush), 'AP006', NULL, 'once and for all');
SELECT is(pg_temp.begin(:flush, 'perform', 'j4', 'web2') AND pg_temp.sent(:flush, 'j4', true, 'web2') = '', true, 'the other minion');
SELECT is(pg_temp.settle_all(), 0, 'has time');
SELECT pg_temp.past(:flush, '5 minutes') \g /dev/null
SELECT is(pg_temp.settle_all(), 1, 'but not for ever');
SELECT is(pg_temp.dispatch(:flush, 'web2') || ' ' || pg_temp.outcome(:flush, 'web2') || ' ' || pg_temp.state_of(:flush), 'silent failed partial', 'then it counts as failed');
SELECT is((SELECT detail::jsonb ->> 'finding' FROM approval.audit_entry WHERE act = 'dispatch-silent' AND stream = :flush), 'no-return', 'with a finding');
SELECT pg_temp.returned('j4', 'boot-1', true, '1 s', 'web2') \g /dev/null
SELECT is(pg_temp.settle(:flush, 'j4', true, 'web2') || ' ' || pg_temp.state_of(:flush), 'proven converged', 'and is mended by a late return');
SELECT pg_temp.ask_action('flush', '{web1}') AS bad \gset
SELECT is(pg_temp.begin(:bad, 'perform', 'j5') AND pg_temp.sent(:bad, 'j5') = '', true, 'one more');
SELECT pg_temp.returned('j5', 'boot-1') \g /dev/null
SELECT is(pg_temp.settle(:bad, 'j5', false) || ' ' || pg_temp.state_of(:bad), 'refuted failed', 'that the function itself calls a failure');

-- A reboot.
SELECT pg_temp.ask_action('reboot', '{web1}') AS reboot \gset
SELECT is(pg_temp.steps(:reboot), 'web1 observe system.reboot {"in_seconds": false}', 'first it is asked which boot it has');
SELECT is(pg_temp.begin(:reboot, 'perform', 'r2'), false, 'it is not told to reboot before');
SELECT is(pg_temp.begin(:reboot, 'observe', 'r1'), true, 'asked');
SELECT is(pg_temp.steps(:reboot), NULL, 'nothing else meanwhile');
SELECT pg_temp.returned('r1', 'boot-1', false) \g /dev/null
SELECT is(pg_temp.act('t_engine', format('SELECT approval.note_observation(''web1'', %s, ''r1'')', pg_temp.item_of(:reboot))), 'false', 'a claim is no observation');
UPDATE approval.job_return SET authenticated = true WHERE jid = 'r1';
SELECT is(pg_temp.act('t_engine', format('SELECT approval.note_observation(''web1'', %s, ''r1'')', pg_temp.item_of(:reboot))), 'true', 'evidence is');
SELECT pg_temp.past(:reboot, '11 minutes') \g /dev/null
SELECT is(pg_temp.steps(:reboot), 'web1 observe system.reboot {"in_seconds": false}', 'for ten minutes');
SELECT is(pg_temp.begin(:reboot, 'observe', 'r1') AND pg_temp.act('t_engine', format('SELECT approval.note_observation(''web1'', %s, ''r1'')', pg_temp.item_of(:reboot)))::boolean
    AND pg_temp.begin(:reboot, 'perform', 'r2') AND pg_temp.sent(:reboot, 'r2') = '', true, 'then it is told to');
SELECT pg_temp.returned('r2', 'boot-1', true, '2 s') \g /dev/null
SELECT is(pg_temp.settle(:reboot, 'r2', true) || ' ' || pg_temp.outcome(:reboot), 'sent waiting', 'that it will is no proof');
SELECT is(pg_temp.settle_all() || ' ' || pg_temp.act('t_engine', 'SELECT * FROM approval.awaiting_start()'), '0 web1', 'it is waited for');
SELECT pg_temp.returned('r3', 'boot-0', true, '-1 hour') \g /dev/null
SELECT pg_temp.returned('r4', 'boot-2', false, '3 s') \g /dev/null
SELECT is(pg_temp.settle_all(), 0, 'another boot id of before, or only claimed, proves nothing');
SELECT pg_temp.returned('r5', 'boot-2', true, '3 s') \g /dev/null
SELECT is(pg_temp.settle_all(), 0, 'nor one of a run of which nobody knows when it began');
INSERT INTO approval.job VALUES ('r5', 'approval.observe', 'web1', 'list', 'root', '{web1}', '\x00', false, now() - interval '1 minute', NULL);
SELECT is(pg_temp.settle_all(), 0, 'nor one of a run that began before, and was recorded late');
UPDATE approval.job SET published_at = clock_timestamp() + interval '2 s', claimed = true WHERE jid = 'r5';
SELECT is(pg_temp.settle_all(), 0, 'nor if only the minion says that there was such a job');
UPDATE approval.job SET claimed = false WHERE jid = 'r5';
SELECT is(pg_temp.settle_all() || ' ' || pg_temp.state_of(:reboot), '1 converged', 'a proven one of after does');
SELECT is((SELECT outcome_text FROM approval.item WHERE request_id = :reboot), 'the minion started again: its boot id was boot-1 and is boot-2', 'and it says so');

-- Crashes.
SELECT pg_temp.ask_action('flush', '{web1,web2}') AS crash \gset
SELECT is(pg_temp.begin(:crash, 'perform', 'c1') AND pg_temp.begin(:crash, 'perform', 'c2', 'web2'), true, 'the engine ends while it sends two');
INSERT INTO approval.job VALUES ('c1', 'state.single', 'web1', 'list', 'root', '{web1}', '\x00', false, now(), NULL);
SELECT pg_temp.past(:crash, '5 minutes') \g /dev/null
SELECT is(pg_temp.steps(:crash), NULL, 'nothing is sent twice');
SELECT is(pg_temp.settle_all(), 3, 'the job cache has one of them, which is then in time no more');
SELECT is(pg_temp.dispatch(:crash) || ' ' || (SELECT outcome_text FROM approval.item WHERE request_id = :crash AND minion_id = 'web2'),
    'silent the engine ended while it sent this, and no job shows that it was sent', 'the other is given up');
SELECT is((SELECT array_agg(detail::json ->> 'jid') FROM approval.audit_entry WHERE stream = :crash AND act = 'dispatched'), '{c1}', 'what was sent is in the trail');

-- Times.
SELECT pg_temp.ask_action('flush', '{web1}', '{}', now() + interval '1 hour') AS later \gset
SELECT is(pg_temp.steps(:later), NULL, 'not before its time');
SELECT is(pg_temp.begin(:later, 'perform', 't1'), false, 'not by force either');
SELECT ok(pg_temp.act('t_engine', format('SELECT approval.next_dispatch(%s, ''{web1,web2}'')', :later))::timestamptz > now(), 'it is looked at later');
UPDATE approval.item SET effective_at = now() - interval '25 hours' WHERE request_id = :later;
SELECT is(pg_temp.steps(:later), NULL, 'nor a day after it');
SELECT is(pg_temp.dispatch(:later) || ' ' || pg_temp.state_of(:later), 'unsent failed', 'it is recorded that it was not sent');
SELECT is(pg_temp.act('t_engine', format('SELECT approval.next_dispatch(%s, ''{web1,web2}'')', :later)), NULL, 'and no more looked at');

-- Minions that cannot be told.
SELECT pg_temp.ask_action('flush', '{web1,%}') AS part \gset
SELECT is(pg_temp.steps(:part), 'web1 perform cache.flush {"all": true}', 'who has no accepted key is not to be told');
SELECT ok(pg_temp.act('t_engine', format('SELECT approval.next_dispatch(%s, ''{web1}'')', :part))::timestamptz <= clock_timestamp(), 'while others are, at once');
SELECT pg_temp.begin(:part, 'perform', 'p1') \g /dev/null
SELECT pg_temp.sent(:part, 'p1') \g /dev/null
SELECT ok(pg_temp.act('t_engine', format('SELECT approval.next_dispatch(%s, ''{web1}'')', :part))::timestamptz > clock_timestamp(), 'then they are waited for');
SELECT is(pg_temp.act('t_engine', format('SELECT minion_id FROM approval.take_dispatches(%s, ''{%%}'', 10)', :part)), '%', 'until the key is accepted');

SELECT pg_temp.ask_action('short', '{web1}') AS short \gset
SELECT is(pg_temp.steps(:short), 'web1 perform cache.flush {}', 'within its validity');
UPDATE approval.item SET effective_at = now() - interval '2 hours', expires_at = now() - interval '1 hour' WHERE request_id = :short;
SELECT is(pg_temp.begin(:short, 'perform', 't2'), false, 'not after it, even if that was just now');
SELECT is(pg_temp.steps(:short), NULL, 'nor is it offered');
SELECT is(pg_temp.dispatch(:short), 'unsent', 'and that is recorded');

-- Windows and freezes.
SELECT approval.put_calendar('nightly', 'FREQ=DAILY', 'UTC', '1 hour', '2026-01-01 00:00', ARRAY[now() + interval '1 hour', now() + interval '2 hours']) \g /dev/null
SELECT approval.put_request_type('{"name": "windowed", "kind": "action", "action": {"function": "cache.flush"}, "calendar": "nightly",
    "requesters": ["*"], "pre_approved": true, "chain": []}') \g /dev/null
SELECT pg_temp.ask_action('windowed', '{web1,web2}') AS windowed \gset
SELECT is(pg_temp.steps(:windowed), NULL, 'not while its window is closed');
SELECT is(pg_temp.begin(:windowed, 'perform', 'w1'), false, 'not by force either');
UPDATE approval.item SET effective_at = now() - interval '9 days' WHERE request_id = :windowed;
SELECT is(pg_temp.steps(:windowed) || '', NULL, 'it waits for its window');
SELECT is(pg_temp.dispatch(:windowed), NULL, 'for as long as that takes');
UPDATE approval.calendar_span SET starts_at = now() - interval '1 minute' WHERE starts_at = (SELECT min(starts_at) FROM approval.calendar_span);
SELECT is(pg_temp.begin(:windowed, 'perform', 'w1'), true, 'then it is sent');
SELECT approval.put_freeze('now', now() - interval '1 minute', now() + interval '3 days', NULL, NULL, 'a freeze') \g /dev/null
SELECT is(pg_temp.begin(:windowed, 'perform', 'w2', 'web2'), false, 'but not in a freeze');
SELECT is(pg_temp.steps(:windowed), NULL, 'nor is it offered');
GRANT approval_break_glass TO t_bob;
SELECT pg_temp.act('t_bob', format('SELECT approval.break_glass(''pg'', ''t_bob'', %s, ''now'')', :windowed)) \g /dev/null
SELECT is(pg_temp.begin(:windowed, 'perform', 'w2', 'web2'), true, 'unless the glass is broken');
UPDATE approval.outbox SET due_at = now() + interval '5 minutes', attempts = CASE request_id WHEN :state THEN 1 ELSE 0 END
WHERE request_id IN (:windowed, :state);
SELECT approval.drop_freeze('now') \g /dev/null
SELECT is((SELECT due_at <= clock_timestamp() FROM approval.outbox WHERE request_id = :windowed), true, 'what a freeze held back is looked at once it is lifted');
SELECT is((SELECT due_at <= clock_timestamp() FROM approval.outbox WHERE request_id = :state), false, 'but a message that failed keeps its pause');

-- States.
SELECT is(pg_temp.steps(:state), 'web1 apply - {}, web2 apply - {}', 'states are applied whole');
SELECT pg_temp.act('t_alice', 'SELECT approval.submit_request(''pg'', ''t_alice'', ''at-once'', ''two'', ''{web1,web1}'', ''{package,package}'', ''{first,second}'',
    ''{1,1}'', NULL, ''pg'', NULL, NULL, NULL)')::bigint AS two \gset
UPDATE approval.item SET state = 'superseded' WHERE request_id = :two AND name = 'first';
SELECT is(pg_temp.steps(:two), 'web1 apply - {}', 'what another request took over keeps nothing back that is left to be done');
UPDATE approval.item SET state = 'approved', outcome = 'converged', applied_at = now() WHERE request_id = :two AND name = 'first';
SELECT is(pg_temp.steps(:two), 'web1 apply - {}', 'nor does what is proven without having been sent');
UPDATE approval.item SET outcome = 'waiting', applied_at = NULL WHERE request_id = :two AND name = 'first';
SELECT is(pg_temp.begin(:two, 'apply', 'two1'), true, 'the first is sent');
SELECT pg_temp.sent(:two, 'two1') \g /dev/null
UPDATE approval.item SET state = 'superseded' WHERE request_id = :two AND name = 'first';
SELECT is(pg_temp.steps(:two), NULL, 'and then stands for both, whatever becomes of it');
SELECT * FROM finish();
ROLLBACK;
