-- What holds a change back, until when, and that whoever looks is told.
BEGIN;
\ir support/fixture.sql
SELECT plan(45);

CREATE FUNCTION pg_temp.held(number bigint, minion text DEFAULT 'web1', at timestamptz DEFAULT clock_timestamp()) RETURNS text LANGUAGE sql AS $$
SELECT CASE WHEN b.until = 'infinity' THEN 'ever' ELSE round(extract(epoch FROM b.until - now()) / 3600)::text END || ' ' || b.by
FROM approval.item AS i, approval.held_back(i.minion_id, i.item_id, at) AS b
WHERE i.request_id = number AND i.minion_id = minion
$$;
-- The cause without its time of day.
CREATE FUNCTION pg_temp.waits(number bigint) RETURNS text LANGUAGE sql AS $$
SELECT string_agg(format('%s %s', minions, regexp_replace(text, ' [A-Z][a-z][a-z] \d{4}-\d\d-\d\d \d\d:\d\d UTC', ' T', 'g')), '; ')
FROM approval.waits(number, NULL, clock_timestamp())
$$;
SELECT approval.put_calendar('nightly', 'FREQ=DAILY', 'UTC', '2 hours', '2026-01-01 02:00',
    ARRAY(SELECT now() + make_interval(hours => h) FROM unnest(ARRAY[10, 34, 58, 82, 106, 130, 154]) AS h)) \g /dev/null
SELECT approval.put_calendar('never', 'FREQ=DAILY', 'UTC', '2 hours', '2026-01-01 02:00', '{}') \g /dev/null
SELECT approval.put_calendar('double', 'FREQ=DAILY', 'UTC', '10 hours', '2026-01-01 02:00',
    ARRAY(SELECT now() + make_interval(hours => h) FROM unnest(ARRAY[-1, 2, 20]) AS h)) \g /dev/null
SELECT approval.put_request_type(format('{"name": %s, "kind": "package", "requesters": ["*"], "pre_approved": true, "chain": [], "calendar": %s}',
    to_json(name), to_json(calendar))::jsonb)
FROM (VALUES ('windowed', 'nightly'), ('closed', 'never'), ('lapped', 'double')) AS t (name, calendar) \g /dev/null
SELECT approval.put_request_type('{"name": "at-once", "kind": "package", "dispatch": true, "requesters": ["*"], "pre_approved": true, "chain": []}') \g /dev/null
SELECT approval.put_request_type('{"name": "flush", "kind": "action", "action": {"function": "cache.flush"}, "requesters": ["*"], "pre_approved": true, "chain": []}') \g /dev/null
SELECT approval.put_request_type('{"name": "quiet", "kind": "action", "action": {"function": "cache.flush"}, "dispatch": false, "requesters": ["*"], "pre_approved": true, "chain": []}') \g /dev/null

SELECT pg_temp.ask('t_alice', 'standard', '{web1,web2}', 'a', '1') AS free \gset
SELECT is(pg_temp.held(:free), NULL, 'nothing holds it back');
SELECT is(pg_temp.waits(:free), '2 waits for a highstate: its type is not dispatched', 'it waits for a highstate');
SELECT pg_temp.ask('t_alice', 'windowed', '{web1}', 'b', '1') AS windowed \gset
SELECT is(pg_temp.held(:windowed), '10 calendar nightly', 'a window: until it opens');
SELECT is(pg_temp.held(:windowed, at => now() + interval '10 hours'), NULL, 'while it is open: nothing');
SELECT is(pg_temp.held(:windowed, at => now() + interval '12 hours'), '34 calendar nightly', 'from its end on: until the next');
SELECT is(pg_temp.held(:windowed, at => now() + interval '200 hours'), 'ever calendar nightly', 'behind the last that is worked out: no end is known');
SELECT pg_temp.ask('t_alice', 'closed', '{web1}', 'c', '1') AS closed \gset
SELECT is(pg_temp.held(:closed), 'ever calendar never', 'a calendar without openings');
SELECT is(pg_temp.waits(:closed), '1 held by calendar never, no end is known', 'is told so');
SELECT pg_temp.ask('t_alice', 'lapped', '{web1}', 'd', '1') AS lapped \gset
SELECT is(ARRAY[pg_temp.held(:lapped), pg_temp.held(:lapped, at => now() + interval '9 hours'), pg_temp.held(:lapped, at => now() + interval '12 hours')],
    ARRAY[NULL, NULL, '20 calendar double'], 'openings that overlap are one');
SELECT pg_temp.ask('t_alice', 'standard', '{web1}', 'e', '1', now() + interval '5 hours') AS later \gset
SELECT is(pg_temp.held(:later), '5 after', 'what takes effect later');
SELECT is(pg_temp.waits(:later), '1 takes effect T (after)', 'is told so');
SELECT pg_temp.ask('t_alice', 'windowed', '{web1}', 'f', '1', now() + interval '13 hours') AS later_windowed \gset
SELECT is(pg_temp.held(:later_windowed), '34 calendar nightly', 'and then waits for its window');
SELECT pg_temp.ask('t_alice', 'windowed', '{web1}', 'g', '1', now() + interval '11 hours') AS within \gset
SELECT is(pg_temp.held(:within), '11 after', 'which may be open at that time');

SELECT approval.put_freeze('year-end', now() - interval '1 hour', now() + interval '105 hours', NULL, NULL, 'peace') \g /dev/null
SELECT is(pg_temp.held(:windowed), '106 calendar nightly and freeze year-end', 'a freeze over four openings, and the window after it');
SELECT is(pg_temp.held(:free), '105 freeze year-end', 'a freeze alone');
SELECT approval.drop_freeze('year-end') \g /dev/null
SELECT approval.put_freeze('touching', now() - interval '1 hour', now() + interval '3 hours', NULL, NULL, ''),
    approval.put_freeze('next', now() + interval '3 hours', now() + interval '6 hours', NULL, NULL, ''),
    approval.put_freeze('apart', now() + interval '7 hours', now() + interval '9 hours', NULL, NULL, '') \g /dev/null
SELECT is(pg_temp.held(:free), '6 freeze touching and freeze next', 'one that ends as the next begins; not a later one');
SELECT is(pg_temp.held(:free, at => now() + interval '6 hours'), NULL, 'in between it is free');
SELECT approval.drop_freeze(name) FROM unnest(ARRAY['touching', 'next', 'apart']) AS name \g /dev/null
SELECT approval.put_minion_group('edge', '', '{web2}') \g /dev/null
SELECT approval.put_freeze('edge', now() - interval '1 hour', now() + interval '3 hours', 'standard', 'edge', '') \g /dev/null
SELECT is(ARRAY[pg_temp.held(:free), pg_temp.held(:free, 'web2')], ARRAY[NULL, '3 freeze edge'], 'a freeze of a group');
SELECT is(pg_temp.waits(:free), '1 held until T by freeze edge; 1 waits for a highstate: its type is not dispatched', 'each cause with its minions');
SELECT is((SELECT waiting_for FROM approval.list_requests(NULL, NULL, NULL, NULL, NULL, 50) WHERE request_id = :free),
    (SELECT string_agg('1 minion ' || text, ', ') FROM approval.waits(:free, NULL, clock_timestamp())), 'in the list');
SELECT is((SELECT jsonb_agg(w ->> 'why') FROM jsonb_array_elements(approval.show_request(:free) -> 'waits') AS w), '["held", "highstate"]', 'in show');
SELECT is((SELECT e ->> 'standing' FROM jsonb_array_elements(approval.why('web2', 'package', 'a') -> 'requests') AS e), 'held back', 'in why');
SELECT is(approval.why('web2', 'package', 'a') #>> '{requests,0,held,by}', 'freeze edge', 'with what holds it');
SELECT is(approval.show_state('web2') #>> '{held,0,by}', 'freeze edge', 'and in the minion''s state');
SELECT pg_temp.act('t_bob', format('SELECT approval.show_request(%s)', :free)) \g /dev/null
SELECT is(pg_temp.held(:free, at => now() + interval '3 hours'), NULL, 'no longer once it has ended');

-- One rule: documents and dispatch follow it.
SELECT is((SELECT bool_and((d.item_ids @> ARRAY[i.item_id]) = (b.until IS NULL)) FROM approval.item AS i
           JOIN approval.document AS d USING (minion_id)
           LEFT JOIN LATERAL approval.held_back(i.minion_id, i.item_id, greatest(d.valid_from, clock_timestamp())) AS b ON true
           WHERE i.state = 'approved' AND d.valid_from < now() + interval '80 hours'), true, 'what is held back stands in no document, all else does');
UPDATE approval.request SET break_glass_at = now() WHERE request_id = :free;
SELECT is(pg_temp.held(:free, 'web2'), NULL, 'not past the glass');
UPDATE approval.request SET break_glass_at = NULL WHERE request_id = :free;
UPDATE approval.item SET outcome = 'converged', applied_at = now() WHERE request_id = :free AND minion_id = 'web2';
SELECT is(pg_temp.held(:free, 'web2'), NULL, 'nor once it was applied');
SELECT is(pg_temp.waits(:free), '1 waits for a highstate: its type is not dispatched', 'what is proven waits for nothing');

-- Sending.
SELECT approval.drop_freeze('edge') \g /dev/null
SELECT pg_temp.ask('t_alice', 'at-once', '{web1}', 'h', '1') AS sent \gset
SELECT min(item_id) AS item FROM approval.item WHERE request_id = :sent \gset
SELECT is(pg_temp.waits(:sent), '1 due, not sent yet', 'approved, and its type is dispatched');
SELECT pg_temp.act('t_engine', format('SELECT approval.begin_dispatches(%s, ''{web1}'', ''{%s}'', ''apply'', ''20260101000000000001'')', :sent, :item)),
    pg_temp.act('t_engine', format('SELECT approval.note_sent(%s, ''{web1}'', ''{%s}'', ''20260101000000000001'', true)', :sent, :item)) \g /dev/null
SELECT is(pg_temp.waits(:sent), '1 sent T, job 20260101000000000001, no answer yet; a highstate brings it', 'sent, and no answer');
SELECT is(approval.show_request(:sent) #>> '{items,0,sent,jid}', '20260101000000000001', 'with its job');
SELECT is(approval.show_request(:sent) #>> '{sent,0,minions}', '1', 'and to how many');
UPDATE approval.outbox SET state = 'delivered', delivered_at = now() WHERE request_id = :sent;
SELECT is((SELECT known FROM approval.list_outbox('delivered', 10) WHERE request = :sent), 'sent to 1 minion; web1 did not answer; a highstate brings it',
    'the outbox does not say that the minion has it');
SELECT pg_temp.report('web1', (SELECT revision FROM approval.document WHERE minion_id = 'web1' AND valid_from <= now()), '{z}', '{failed}', '{1}', 'r',
    jid => '20260101000000000001', authenticated => false) \g /dev/null
INSERT INTO approval.job_return (jid, minion_id, attempt, fun, verdict, authenticated, flags, received_at, payload_digest, payload)
VALUES ('20260101000000000001', 'web1', 1, 'state.apply', 'unproven', false, '{}', now(), '\x00', '\x00') ON CONFLICT DO NOTHING;
SELECT is(pg_temp.waits(:sent), '1 sent T, job 20260101000000000001, answered without proof; a highstate brings it', 'an answer that proves nothing');
SELECT is((SELECT known FROM approval.list_outbox('delivered', 10) WHERE request = :sent), 'sent to 1 minion', 'is an answer');
SELECT pg_temp.act('t_alice', format('SELECT approval.submit_request(''pg'', ''t_alice'', %L, ''r'', ''{web1}'', ''{action}'', ''{cache.flush}'', ''{"{}"}'', NULL, ''pg'', NULL, NULL, NULL)', 'quiet')) AS quiet \gset
SELECT is(pg_temp.waits(:quiet), '1 waits for somebody to run it: its type is not dispatched', 'an action that nobody sends');
SELECT pg_temp.act('t_alice', format('SELECT approval.submit_request(''pg'', ''t_alice'', %L, ''r'', ''{web1}'', ''{action}'', ''{cache.flush}'', ''{"{}"}'', NULL, ''pg'', NULL, NULL, NULL)', 'flush')) AS flush \gset
UPDATE approval.outbox SET state = 'dead', last_error = 'no master' WHERE request_id = :flush;
SELECT is(pg_temp.waits(:flush), '1 not sent: no master', 'what could not be sent says why');

UPDATE approval.outbox SET state = 'waiting', last_error = NULL WHERE request_id = :flush;
SELECT min(item_id) AS item FROM approval.item WHERE request_id = :flush \gset
SELECT pg_temp.act('t_engine', format('SELECT approval.begin_dispatches(%s, ''{web1}'', ''{%s}'', ''perform'', ''20260101000000000002'')', :flush, :item)),
    pg_temp.act('t_engine', format('SELECT approval.note_sent(%s, ''{web1}'', ''{%s}'', ''20260101000000000002'', true)', :flush, :item)) \g /dev/null
SELECT is(pg_temp.waits(:flush), '1 sent T, job 20260101000000000002, no answer yet', 'an action that was sent: no highstate brings it');
UPDATE approval.dispatch SET sent_at = sent_at - interval '1 day' WHERE request_id = :flush;
SELECT approval.settle_dispatches() \g /dev/null
SELECT is((SELECT known FROM approval.list_outbox('waiting', 10) WHERE request = :flush), 'sent to 1 minion; web1 did not answer', 'nor what was given up');
SELECT is(pg_temp.waits(:flush), NULL, 'which waits for nothing any more');

-- Overtaken by one that is not proven yet.
SELECT pg_temp.ask('t_alice', 'standard', '{web_}', 'hello', '1') AS older \gset
SELECT pg_temp.report('web_', 1, '{hello}', '{converged}', '{1}', 'first') \g /dev/null
SELECT pg_temp.ask('t_alice', 'at-once', '{web_}', 'hello', '2') AS newer \gset
SELECT is((SELECT e ->> 'standing' || ' ' || (e ->> 'overtaken_by') FROM jsonb_array_elements(approval.why('web_', 'package', 'hello') -> 'requests') AS e
           WHERE (e ->> 'request')::bigint = :older), 'overtaken ' || :newer, 'the older is overtaken, not only approved');
SELECT pg_temp.ask('t_alice', 'windowed', '{web2}', 'hello', '1') AS waiting \gset
SELECT throws_ok($$SELECT approval.why('web2', 'srevice', 'cron')$$, 'AP005', '''srevice'' is not a kind of resource', 'a misspelt kind is refused by name');
SELECT throws_ok($$SELECT * FROM approval.list_requests(NULL, 'nomin', NULL, NULL, NULL, 50)$$, 'AP004', NULL, 'an unknown minion too');
-- Nothing is worked out for each of many minions, also right after they were asked for, when no statistics tell of them.
SELECT approval.put_minions(ARRAY(SELECT format('many%s', g) FROM generate_series(1, 200) AS g)) \g /dev/null
SELECT pg_temp.ask('t_alice', 'standard', ARRAY(SELECT format('many%s', g) FROM generate_series(1, 200) AS g), 'a', '1') AS many \gset
SET LOCAL track_functions = 'all';
SELECT pg_temp.waits(:many) \g /dev/null
SELECT is((SELECT calls FROM pg_stat_xact_user_functions WHERE funcname = 'held_back'), 1::bigint, 'what is alike is looked at once');
SELECT * FROM finish();
ROLLBACK;
