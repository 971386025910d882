-- Minions that start and are behind: which are, when, how many at a time, and never twice for one cause.
BEGIN;
\ir support/fixture.sql
SELECT plan(68);

SELECT approval.put_request_type('{"name": "at-once", "kind": "package", "dispatch": true, "requesters": ["*"], "pre_approved": true, "chain": []}') \g /dev/null
SELECT approval.put_request_type('{"name": "brief", "kind": "package", "dispatch": true, "valid_for": "1 hour", "requesters": ["*"], "pre_approved": true, "chain": []}') \g /dev/null

CREATE FUNCTION pg_temp.note(minions text[], after interval DEFAULT '0') RETURNS integer LANGUAGE sql AS $$
SELECT pg_temp.act('t_engine', format('SELECT approval.note_starts(%L, %L)', minions, after))::integer
$$;
CREATE FUNCTION pg_temp.take(at_once integer, suffix text DEFAULT '', minions text[] DEFAULT '{web1,web2}') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_engine', format('SELECT string_agg(minion_id || '' '' || step, '', '' ORDER BY minion_id) '
    'FROM approval.take_catch_ups(%L, %s, ''observe%s'', ''apply%s'')', minions, at_once, suffix, suffix))
$$;
CREATE FUNCTION pg_temp.told(jid text, minions text[] DEFAULT '{web1}') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_engine', format('SELECT approval.note_catch_ups(%L, %L)', jid, minions))
$$;
CREATE FUNCTION pg_temp.settle() RETURNS integer LANGUAGE sql AS $$
SELECT pg_temp.act('t_engine', 'SELECT approval.settle_catch_ups()')::integer
$$;
CREATE FUNCTION pg_temp.states(minion text DEFAULT 'web1') RETURNS text LANGUAGE sql AS $$
SELECT string_agg(coalesce(outcome, state) || coalesce(' (' || cause || ')', ''), ', ' ORDER BY catch_up_no) FROM approval.catch_up WHERE minion_id = minion
$$;
CREATE FUNCTION pg_temp.due(minion text DEFAULT 'web1') RETURNS void LANGUAGE sql AS $$
UPDATE approval.catch_up SET due_at = '-infinity' WHERE minion_id = minion AND state = 'waiting'
$$;
CREATE FUNCTION pg_temp.past(span interval) RETURNS void LANGUAGE sql AS $$
UPDATE approval.catch_up SET state_at = state_at - span, started_at = started_at - span, due_at = due_at - span WHERE state <> 'ended'
$$;
CREATE FUNCTION pg_temp.returned(p_jid text, p_boot text, p_authentic boolean DEFAULT true, p_minion text DEFAULT 'web1', p_fun text DEFAULT 'approval.observe',
    p_revision bigint DEFAULT NULL) RETURNS void LANGUAGE sql AS $$
INSERT INTO approval.job_return (jid, minion_id, attempt, fun, retcode, success, verdict, authenticated, flags, run_id, boot_id, revision, received_at, payload_digest, payload)
VALUES (p_jid, p_minion, 1, p_fun, 0, true, 'drift', p_authentic, '{}', p_jid, p_boot, p_revision, clock_timestamp(), '\x00', '\x00')
$$;
-- All of it for one boot, up to the return; gives the states.
CREATE FUNCTION pg_temp.catch_up(boot text, suffix text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_temp.note('{web1}'), pg_temp.due();
    PERFORM pg_temp.take(1, suffix);
    PERFORM pg_temp.told('observe' || suffix);
    PERFORM pg_temp.returned('observe' || suffix, boot);
    PERFORM pg_temp.settle();
    PERFORM pg_temp.take(1, suffix);
    PERFORM pg_temp.told('apply' || suffix);
    PERFORM pg_temp.returned('apply' || suffix, boot, p_fun => 'state.apply');
    PERFORM pg_temp.settle();
    RETURN (SELECT coalesce(outcome, state) || ' ' || cause FROM approval.catch_up WHERE minion_id = 'web1' ORDER BY catch_up_no DESC LIMIT 1);
END
$$;

-- Who is behind.
SELECT is(pg_temp.note('{web1,web2,nobody}'), 0, 'nothing is approved');
SELECT pg_temp.ask('t_alice', 'standard', '{web1}', 'by-hand', '1') \g /dev/null
SELECT is(pg_temp.note('{web1}'), 0, 'what is not dispatched is left to highstates');
SELECT pg_temp.ask('t_alice', 'at-once', '{web1,web2}', 'hello', '1') AS number \gset
SELECT is(pg_temp.note('{web1,web2,nobody,%}', '30 seconds'), 2, 'what is dispatched and not proven is to be caught up');
SELECT is((SELECT bool_and(due_at - started_at = interval '30 seconds') FROM approval.catch_up), true, 'a while after the start');
SELECT is(pg_temp.note('{web1,web2}', '0'), 0, 'once, however often it starts');
SELECT is(pg_temp.act('t_engine', 'SELECT string_agg(due_catch_ups, '','') FROM approval.due_catch_ups(9)'), NULL, 'not before');
SELECT is(pg_temp.take(9), NULL, 'nor taken');
SELECT pg_temp.due(), pg_temp.due('web2') \g /dev/null
SELECT is(pg_temp.act('t_engine', 'SELECT string_agg(due_catch_ups, '','') FROM approval.due_catch_ups(9)'), 'web1,web2', 'in order');

-- Minions are asked first, a limited number at a time.
SELECT is(pg_temp.take(9, minions => '{%}'), NULL, 'each master takes those whose keys it has');
SELECT is(pg_temp.take(1), 'web1 observe', 'the first is asked');
SELECT is(pg_temp.take(1), NULL, 'the other waits');
SELECT is(pg_temp.take(2, '2'), 'web2 observe', 'where there is room it does not');
SELECT pg_temp.told('observe'), pg_temp.told('observe2', '{}') \g /dev/null
SELECT is(pg_temp.states() || ' ' || pg_temp.states('web2'), 'asked waiting', 'one that surely was not told waits again');
SELECT is((SELECT due_at > clock_timestamp() + interval '50 seconds' FROM approval.catch_up WHERE minion_id = 'web2'), true, 'for a minute');
SELECT is(pg_temp.settle(), 0, 'without an answer nothing happens');
SELECT pg_temp.returned('observe', 'boot-1') \g /dev/null
SELECT is(pg_temp.settle()::text || pg_temp.states(), '1answered (boot boot-1)', 'it proved which boot this is');
SELECT is(pg_temp.take(1), 'web1 apply', 'and gets its state run');
SELECT pg_temp.told('apply') \g /dev/null
SELECT is((SELECT detail::jsonb FROM approval.audit_entry WHERE act = 'catch-up-sent'),
    '{"jid": "apply", "minions": {"web1": {"cause": "boot boot-1", "revision": 2}}}', 'which is on record');
SELECT is(pg_temp.act('t_bob', format('SELECT string_agg(e ->> ''text'', '', '') FROM jsonb_array_elements(approval.show_request(%s) -> ''waits'') AS e', :number)) ~
    '^started .*, and is to be caught up$', true, 'a request says what its minions wait for');
SELECT is(pg_temp.act('t_bob', 'SELECT approval.why(''web1'', ''package'', ''hello'') -> ''catch_up'' ->> ''text'''), 'job apply was sent, no answer yet', 'and so does why');
SELECT is(pg_temp.act('t_bob', 'SELECT string_agg(minion || '': '' || text, '', '') FROM approval.list_catch_ups(''web1'', 10)'),
    'web1: job apply was sent, no answer yet', 'and the list');
SELECT is(pg_temp.take(1), NULL, 'until it returns it takes a place');
SELECT pg_temp.returned('apply', 'boot-1', p_fun => 'state.apply') \g /dev/null
SELECT is(pg_temp.settle()::text || pg_temp.states(), '1returned (boot boot-1)', 'then it does not');

-- Never twice for one cause.
SELECT is(pg_temp.note('{web1}'), 1, 'it is behind, and starts again');
SELECT is((SELECT due_at > clock_timestamp() + interval '4 minutes' FROM approval.catch_up WHERE minion_id = 'web1' AND state = 'waiting'), true,
    'not asked again at once, however often somebody says that it starts');
SELECT is(pg_temp.catch_up('boot-1', '3'), 'repeated boot boot-1', 'the same boot has no other run');
SELECT is(pg_temp.catch_up('boot-2', '4'), 'returned boot boot-2', 'another has one');
SELECT is(pg_temp.catch_up('boot-1', '5'), 'repeated boot boot-1', 'but not the first again');
SELECT pg_temp.ask('t_alice', 'at-once', '{web1}', 'more', '1') \g /dev/null
SELECT is(pg_temp.catch_up('boot-1', '6'), 'returned boot boot-1', 'another revision has one');
SELECT throws_ok($$INSERT INTO approval.catch_up (minion_id, state, state_at, started_at, due_at, cause, revision, jid)
    SELECT minion_id, 'sending', now(), now(), now(), cause, revision, 'again' FROM approval.catch_up WHERE jid = 'apply'$$, '23505', NULL,
    'nor could anybody write so');

-- Changes that time brings.
SELECT is(pg_temp.note('{web1}'), 1, 'once more');
SELECT pg_temp.due() \g /dev/null
SELECT is(pg_temp.take(1, '7'), 'web1 observe', 'asked');
SELECT pg_temp.returned('observe7', NULL, false) \g /dev/null
SELECT is(pg_temp.settle(), 0, 'an answer that anybody may have sent is not believed at once');
SELECT pg_temp.past('11 seconds') \g /dev/null
SELECT pg_temp.settle() \g /dev/null
SELECT alike(pg_temp.states(), '%answered (boot unknown)', 'but if no other comes: it may lack the function');
SELECT is(pg_temp.take(1, '7'), 'web1 apply', 'so it gets a run');
SELECT pg_temp.past('6 minutes'), pg_temp.settle() \g /dev/null
SELECT alike(pg_temp.states(), '%, waiting', 'a run that was surely not published is begun anew');
SELECT pg_temp.due() \g /dev/null
SELECT is(pg_temp.take(1, '8'), 'web1 observe', 'asked again');
SELECT pg_temp.past('3 minutes'), pg_temp.settle() \g /dev/null
SELECT alike(pg_temp.states(), '%, absent', 'one that does not answer is not there');
SELECT pg_temp.note('{web1}'), pg_temp.due(), pg_temp.take(1, '9'), pg_temp.returned('observe9', 'boot-9'), pg_temp.settle(), pg_temp.take(1, '9') \g /dev/null
INSERT INTO approval.job VALUES ('apply9', 'state.apply', 'web1', 'list', 'root', '{web1}', '\x00', false, clock_timestamp(), NULL);
SELECT pg_temp.past('6 minutes'), pg_temp.settle() \g /dev/null
SELECT alike(pg_temp.states(), '%, sent (boot boot-9)', 'a run that the job cache knows was published');
SELECT is(pg_temp.note('{web1}'), 0, 'another master tells of the same start');
SELECT pg_temp.past('1 minute') \g /dev/null
SELECT is(pg_temp.note('{web1}'), 1, 'it starts once more while that is under way');
SELECT pg_temp.past('16 minutes'), pg_temp.settle() \g /dev/null
SELECT alike(pg_temp.states(), '%, silent (boot boot-9), waiting', 'what does not return in time is silent, and asked again as it started meanwhile');
SELECT pg_temp.past('2 days'), pg_temp.settle() \g /dev/null
SELECT alike(pg_temp.states(), '%, unreached', 'whom no master can tell is put away');
UPDATE approval.catch_up SET state_at = state_at - interval '31 days' WHERE minion_id = 'web1';
SELECT pg_temp.settle() \g /dev/null
SELECT is(pg_temp.states(), 'returned (boot boot-1), silent (boot boot-9)', 'what is over for a month is forgotten, but for causes of the revision in force');

-- A backlog that stands.
SELECT pg_temp.note('{web1}') \g /dev/null
UPDATE approval.catch_up SET due_at = now() - interval '20 minutes' WHERE state = 'waiting';
UPDATE approval.catch_up SET state_at = now() - interval '20 minutes';
SELECT alike(pg_temp.act('t_bob', 'SELECT problem FROM approval.check_work() WHERE subject = ''minions that started'''), '% minion% to be caught up since %, and none is taken',
    'is found by the check');
UPDATE approval.catch_up SET state_at = now() WHERE state = 'ended';
SELECT is(pg_temp.act('t_bob', 'SELECT problem FROM approval.check_work() WHERE subject = ''minions that started'''), NULL, 'one that moves is not');

-- Those that are in line.
SELECT pg_temp.report('web1', 3, '{hello,more,by-hand}', '{converged,converged,converged}', '{1,1,1}', 'run-1') \g /dev/null
SELECT pg_temp.due(), pg_temp.take(9, 'a') \g /dev/null
SELECT alike(pg_temp.states(), '%, in-line', 'one that was brought in line meanwhile is left alone');
SELECT is(pg_temp.note('{web1}'), 0, 'one in line is none of them');
SELECT pg_temp.ask('t_alice', 'brief', '{web1}', 'hello', '2') \g /dev/null
SELECT pg_temp.report('web1', (SELECT revision FROM approval.document_in_force(now()) WHERE minion_id = 'web1'), '{hello}', '{converged}', '{2}', 'run-2') \g /dev/null
UPDATE approval.item SET state = 'expired' WHERE minion_id = 'web1' AND content = '2';
UPDATE approval.item SET state = 'approved' WHERE minion_id = 'web1' AND name = 'hello' AND content = '1';
SELECT approval.rewrite_documents('{web1}', clock_timestamp()) \g /dev/null
SELECT is(pg_temp.note('{web1}'), 1, 'what was proven, replaced and is in force again is behind');
UPDATE approval.catch_up SET state = 'ended', state_at = clock_timestamp(), outcome = 'in-line' WHERE minion_id = 'web1' AND state = 'waiting';

-- Reinstalled.
SELECT pg_temp.act('t_engine', 'SELECT approval.note_minion(''web1'', ''k1'', true, NULL)'),
    pg_temp.act('t_engine', 'SELECT approval.note_minion(''web1'', ''k2'', true, NULL)') \g /dev/null
SELECT is(pg_temp.note('{web1}'), 1, 'a reinstalled minion');
SELECT is((SELECT due_at <= clock_timestamp() FROM approval.catch_up WHERE minion_id = 'web1' AND state = 'waiting'), true,
    'at once, also where it was just asked: an operator accepted its key');
SELECT pg_temp.due() \g /dev/null
SELECT is(pg_temp.take(1, 'b'), 'web1 apply', 'is not asked: it may lack the function');
SELECT is(pg_temp.states() ~ 'sending \(reinstall \d+\)$', true, 'for its reinstall');

-- Held back.
DELETE FROM approval.catch_up;
SELECT approval.put_calendar('nightly', 'FREQ=DAILY', 'UTC', '1 hour', '2026-01-01 00:00', ARRAY[date_trunc('hour', now()) + interval '5 hours']) \g /dev/null
SELECT approval.put_request_type('{"name": "at-night", "kind": "package", "dispatch": true, "calendar": "nightly", "requesters": ["*"], "pre_approved": true, "chain": []}') \g /dev/null
SELECT pg_temp.ask('t_alice', 'at-night', '{%}', 'night', '1') AS night \gset
SELECT is(pg_temp.note('{%}'), 0, 'outside of its window nothing is in force; what is yet to be sent is sent then');
INSERT INTO approval.dispatch (minion_id, item_id, request_id, proof, proof_within, state, state_at, jid, sent_at, ended_at)
SELECT minion_id, item_id, request_id, 'state', '1 hour', 'sent', now() - interval '1 day', 'before', now() - interval '1 day', now() - interval '1 day'
FROM approval.item WHERE request_id = :night;
SELECT is(pg_temp.note('{%}'), 1, 'what was sent in vain in the last window');
SELECT is((SELECT due_at = date_trunc('hour', now()) + interval '5 hours' FROM approval.catch_up WHERE minion_id = '%'), true, 'is caught up in the next');
SELECT pg_temp.due('%') \g /dev/null
SELECT is(pg_temp.take(9, 'c', '{%}'), NULL, 'and not before');
SELECT approval.put_calendar('nightly', 'FREQ=DAILY', 'UTC', '2 hours', '2026-01-01 00:00', ARRAY[now() - interval '1 hour']) \g /dev/null
SELECT is(pg_temp.take(9, 'c', '{%}'), '% observe', 'unless the window is moved');

-- Sent by a request meanwhile; removed; and who may do none of it.
SELECT pg_temp.note('{web2}'), pg_temp.due('web2') \g /dev/null
INSERT INTO approval.dispatch (minion_id, item_id, request_id, proof, proof_within, state, state_at, jid, sent_at, ended_at)
SELECT minion_id, item_id, request_id, 'state', '1 hour', 'sent', clock_timestamp(), 'now', clock_timestamp(), clock_timestamp()
FROM approval.item WHERE request_id = :number AND minion_id = 'web2';
SELECT is(coalesce(pg_temp.take(9, 'd'), '') || pg_temp.states('web2'), 'dispatched', 'a request that was sent to it since brings all');
SELECT pg_temp.act('t_policy', 'SELECT approval.remove_minions(''pg'', ''t_policy'', ''{%}'', ''gone'')') \g /dev/null
SELECT is(pg_temp.note('{%}')::text || coalesce(pg_temp.states('%'), ''), '0', 'one that is removed is not caught up');
SELECT throws_ok($$SELECT pg_temp.act('t_alice', 'SELECT approval.note_starts(''{web1}'', ''0'')')$$, '42501', NULL, 'people say of no minion that it started');
SELECT throws_ok(format('SELECT pg_temp.act(''t_engine'', %L)', statement), 'AP016', NULL, statement)
FROM (VALUES ('SELECT approval.note_starts(''{web1}'', ''-1 second'')'), ('SELECT approval.take_catch_ups(''{web1}'', 0, ''a'', ''b'')'),
             ('SELECT approval.take_catch_ups(''{web1}'', 1, ''a'', NULL)')) AS wrong (statement);

-- A pair of which only one may be worked on at a time.
DELETE FROM approval.catch_up;
DELETE FROM approval.dispatch;
DELETE FROM approval.reinstall;
SELECT approval.put_minion_group('pair', '', '{web1,web2}', 1) \g /dev/null
SELECT pg_temp.note('{web1,web2}'), pg_temp.due(), pg_temp.due('web2') \g /dev/null
SELECT is(pg_temp.take(9, 'e'), 'web1 observe, web2 observe', 'both are asked, which changes nothing');
SELECT pg_temp.told('observee', '{web1,web2}'), pg_temp.returned('observee', 'boot-e'), pg_temp.returned('observee', 'boot-f', p_minion => 'web2'),
    pg_temp.settle() \g /dev/null
SELECT is(pg_temp.take(9, 'e'), 'web1 apply', 'one of them has its state run');
SELECT pg_temp.told('applye') \g /dev/null
SELECT is(pg_temp.take(9, 'f'), NULL, 'the other keeps its turn meanwhile');
SELECT pg_temp.returned('applye', 'boot-e', p_fun => 'state.apply'), pg_temp.settle() \g /dev/null
SELECT is(pg_temp.take(9, 'g'), 'web2 apply', 'and has it then');
SELECT * FROM finish();
ROLLBACK;
