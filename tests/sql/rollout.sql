-- Waves: what a rollout may be, who is of which wave, what holds back, halts and lets go on; pairs; the pause of all sending.
BEGIN;
\ir support/fixture.sql
SELECT plan(146);

SELECT approval.put_minions(ARRAY(SELECT 'n' || g FROM generate_series(1, 20) AS g)) \g /dev/null
SELECT approval.put_minion_group('pilots', '', '{n1,n2}'), approval.put_minion_group('empty', '', '{}') \g /dev/null

-- Rollouts that a type can have.
CREATE FUNCTION pg_temp.put(rollout jsonb, extra jsonb DEFAULT '{}') RETURNS integer LANGUAGE sql AS $$
SELECT approval.put_request_type('{"name": "waved", "kind": "package", "dispatch": true, "requesters": ["*"], "chain": [
    {"name": "owner", "any_of": [{"group": "owners"}]}]}'::jsonb || jsonb_build_object('rollout', rollout) || extra)
$$;
SELECT throws_ok(format('SELECT pg_temp.put(%L)', rollout), 'AP017', 'request type waved: ' || why, rollout::text)
FROM (VALUES
    ('{}'::jsonb, 'rollout: it has some of canaries, steps, soak, max_failures, max_in_flight, resume'),
    ('[1]', 'rollout: it has some of canaries, steps, soak, max_failures, max_in_flight, resume'),
    ('{"canary": 1}', 'rollout: unknown key canary (known: canaries, steps, soak, max_failures, max_in_flight, resume)'),
    ('{"canaries": 0}', 'rollout: canaries is 0: give a whole number from 1 to 1000000, or a share such as "5%", more than 0% and at most 100%'),
    ('{"canaries": "0%"}', 'rollout: canaries is "0%": give a whole number from 1 to 1000000, or a share such as "5%", more than 0% and at most 100%'),
    ('{"canaries": 1.5}', 'rollout: canaries is 1.5: give a whole number from 1 to 1000000, or a share such as "5%", more than 0% and at most 100%'),
    ('{"canaries": "101%"}', 'rollout: canaries is "101%": give a whole number from 1 to 1000000, or a share such as "5%", more than 0% and at most 100%'),
    ('{"canaries": "five"}', 'rollout: canaries is "five": give a whole number from 1 to 1000000, or a share such as "5%", more than 0% and at most 100%'),
    ('{"canaries": true}', 'rollout: canaries is true: give a whole number from 1 to 1000000, or a share such as "5%", more than 0% and at most 100%'),
    ('{"canaries": {"group": "pilots"}}', 'rollout: canaries is a number, a share, or {minion_group: NAME}'),
    ('{"canaries": {"minion_group": "nobody"}}', 'rollout: canaries: there is no minion group nobody'),
    ('{"steps": []}', 'rollout: steps has from 1 to 100 entries'),
    ('{"steps": ["50%", "10%"]}', 'rollout: steps grow: each says how many minions are done in all once it is done, as in ["10%", "50%"]'),
    ('{"steps": ["10%", 50]}', 'rollout: steps are all numbers or all shares'),
    ('{"steps": ["0%"]}', 'rollout: an entry of steps is "0%": give a whole number from 1 to 1000000, or a share such as "5%", more than 0% and at most 100%'),
    ('{"steps": 0}', 'rollout: steps is 0: give a whole number from 1 to 1000000, or a share such as "5%", more than 0% and at most 100%'),
    ('{"soak": "a while"}', 'soak of rollout: "a while" is not a duration with a unit'),
    ('{"max_failures": -1}', 'rollout: max_failures is -1: give a whole number from 0 to 1000000, or a share such as "5%", more than 0% and at most 100%'),
    ('{"max_failures": 1e300}', 'rollout: max_failures is 1' || repeat('0', 99) || ': give a whole number from 0 to 1000000, or a share such as "5%", more than 0% and at most 100%'),
    ('{"max_in_flight": "5%"}', 'rollout: max_in_flight is a number of minions'),
    ('{"max_in_flight": 0}', 'rollout: max_in_flight is 0: give a whole number from 1 to 1000000, or a share such as "5%", more than 0% and at most 100%'),
    ('{"resume": "owners"}', 'rollout: resume is {group: NAME}, perhaps with min_assurance'),
    ('{"resume": {"group": "nobody"}}', 'rollout: resume: there is no group nobody'),
    ('{"resume": {"group": "owners", "min_assurance": "likely"}}', 'rollout: resume: "likely" is not an assurance')) AS t (rollout, why);
SELECT throws_ok(format('SELECT pg_temp.put(''{"canaries": 1}'', %L)', extra), 'AP017', 'request type waved: ' || why, why)
FROM (VALUES
    ('{"dispatch": false}'::jsonb, 'a rollout is for what the engine sends: say dispatch: true'),
    ('{"pre_approved": true, "chain": []}', 'it has no approvers, so its rollout names who decides when it halts: resume'),
    ('{"late": true}', 'late is for actions: a state is applied when its minion starts'),
    ('{"kind": "action", "action": {"function": "f"}, "late": "yes"}', 'late is true or false')) AS t (extra, why);
SELECT throws_ok($$SELECT approval.put_request_type('{"name": "t", "kind": "action", "action": {"function": "f"}, "late": true, "requesters": ["*"],
    "pre_approved": true, "chain": []}')$$, 'AP017', 'request type t: late is for types with a rollout, which finds out who is away', 'late alone');

-- How many are of which wave.
SELECT is(approval.wave_ends(rollout, total, approval.canaries_of(rollout, ARRAY(SELECT 'n' || g FROM generate_series(1, total) AS g))), ends, rollout::text)
FROM (VALUES
    ('{"canaries": 2, "steps": ["10%", "50%"]}'::jsonb, 20, '{2,10,20}'::integer[]),
    ('{"canaries": "5%", "steps": ["10%", "50%"]}', 20, '{1,2,10,20}'),
    ('{"canaries": 1, "steps": ["10%"]}', 3, '{1,3}'),
    ('{"canaries": 5}', 3, '{3}'),
    ('{"canaries": {"minion_group": "pilots"}, "steps": 5}', 20, '{2,7,12,17,20}'),
    ('{"steps": "50%"}', 5, '{3,5}'),
    ('{"steps": [1, 4, 9]}', 5, '{1,4,5}'),
    ('{"max_in_flight": 1}', 4, '{4}')) AS t (rollout, total, ends);

-- Rollouts that a request may ask for.
SELECT pg_temp.put('{"canaries": {"minion_group": "pilots"}, "steps": ["50%"], "soak": "10 minutes", "max_failures": 1, "max_in_flight": 4}') \g /dev/null
CREATE FUNCTION pg_temp.ask_waved(minions text[], rollout jsonb DEFAULT NULL, package text DEFAULT 'hello', type text DEFAULT 'waved', after timestamptz DEFAULT NULL)
    RETURNS bigint LANGUAGE sql AS $$
SELECT pg_temp.act('t_alice', format(
    'SELECT approval.submit_request(''pg'', ''t_alice'', %L, ''because'', %L, %L, %L, %L, %L, ''pg'', NULL, NULL, NULL, %L)',
    type, minions, array_fill('package'::text, ARRAY[cardinality(minions)]), array_fill(package, ARRAY[cardinality(minions)]),
    array_fill('1'::text, ARRAY[cardinality(minions)]), after, rollout))::bigint
$$;
SELECT throws_ok(format('SELECT pg_temp.ask_waved(%L, %L)', minions, rollout), 'AP005', 'rollout: ' || why, why)
FROM (VALUES
    ('{n3,n4}'::text[], NULL::jsonb, 'none of the canaries, minion group pilots, is among the minions of the request; it has n1, n2'),
    ('{n1,n3,n4}', '{"canaries": 1}', 'canaries of type waved are minion group pilots'),
    ('{n1,n3,n4}', '{"resume": {"group": "owners"}}', 'who lets a halted rollout go on stands in the type: leave out resume'),
    ('{n1,n3,n4}', '{"soak": "9 minutes"}', 'soak is 9 minutes, where type waved asks for 10 minutes'),
    ('{n1,n3,n4}', '{"soak": 9}', 'soak: 9 is not a duration with a unit'),
    ('{n1,n3,n4}', '{"max_failures": 2}', 'max_failures is 2, where type waved allows 1'),
    ('{n1,n3,n4}', '{"max_failures": "100%"}', 'max_failures is 100%, where type waved allows 1'),
    ('{n1,n3,n4}', '{"max_in_flight": 5}', 'max_in_flight is 5, where type waved allows 4'),
    ('{n1,n3,n4,n5}', '{"steps": ["75%"]}', 'waves of 1, 3, 4 minions in all, where type waved allows 1, 2, 4'),
    ('{n1,n3,n4,n5}', '{"max_failures": "0%"}', 'max_failures is "0%": give a whole number from 0 to 1000000, or a share such as "5%", more than 0% and at most 100%'),
    ('{n1,n3,n4,n5}', '{}', 'it has some of canaries, steps, soak, max_failures, max_in_flight, resume')) AS t (minions, rollout, why);
SELECT throws_ok($$SELECT pg_temp.ask_waved('{web1}', '{"canaries": 1}', 'hello', 'package')$$, 'AP005',
    'rollout: requests of type package are not sent by the engine', 'what is not sent has no waves');
SELECT approval.put_request_type('{"name": "free", "kind": "package", "dispatch": true, "requesters": ["*"], "pre_approved": true, "chain": []}') \g /dev/null
SELECT throws_ok($$SELECT pg_temp.ask_waved('{web1}', '{"canaries": 1}', 'hello', 'free')$$, 'AP005',
    'rollout: type free is pre-approved and names nobody who could let a halted rollout go on', 'nobody could decide');
SELECT approval.put_request_type('{"name": "plain", "kind": "package", "dispatch": true, "requesters": ["*"], "chain": [{"name": "o", "any_of": [{"group": "owners"}]}]}') \g /dev/null
SELECT throws_ok($$SELECT pg_temp.ask_waved('{web1}', '{"canaries": 2}', 'hello', 'plain')$$, 'AP005', 'rollout: 2 canaries of 1 minion', 'more canaries than minions');
SELECT throws_ok($$SELECT pg_temp.ask_waved(ARRAY(SELECT minion_id FROM approval.minion), '{"canaries": {"minion_group": "empty"}}', 'hello', 'plain')$$, 'AP005',
    'rollout: none of the canaries, minion group empty, is among the minions of the request; it has no members', 'a group without members');
SELECT pg_temp.ask_waved('{web1,web2}', '{"canaries": 1, "soak": "1 hour"}', 'sl', 'plain') AS own \gset
SELECT is(pg_temp.act('t_alice', format('SELECT approval.show_rollout(%s)', :own))::jsonb, jsonb_build_object('request', :own, 'state', 'planned',
    'rollout', '{"canaries": 1, "soak": "1 hour"}'::jsonb, 'waves', '[{"wave": 1, "canaries": true, "minions": 1}, {"wave": 2, "canaries": false, "minions": 1}]'::jsonb),
    'a type without a rollout takes one of a request, and approvers see it');
SELECT pg_temp.ask_waved('{web1,web2}', '{"canaries": 2}', 'nano', 'plain') AS two \gset
SELECT throws_ok(format($$SELECT pg_temp.act('t_alice', 'SELECT approval.amend_request(''pg'', ''t_alice'', %s, ''{web1}'', ''{package}'', ''{nano}'', ''{1}'', '''')')$$, :two), 'AP005',
    'rollout: 2 canaries of 1 minion', 'an amendment that leaves too few minions');
SELECT is(pg_temp.act('t_alice', format('SELECT approval.show_rollout(%s)', pg_temp.ask('t_alice', 'package', '{web1}', 'nano', '1'))), NULL, 'most requests have none');
SELECT throws_ok($$SELECT pg_temp.act('t_alice', 'SELECT approval.show_rollout(999999)')$$, 'AP014', NULL, 'no such request');

-- From approval to done.
CREATE FUNCTION pg_temp.advance(number bigint) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_engine', format('SELECT approval.advance_rollout(%s)', number))
$$;
CREATE FUNCTION pg_temp.steps(number bigint) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_engine', format('SELECT string_agg(step || '' '' || minion_id, '', '' ORDER BY step, minion_id) '
    'FROM approval.take_dispatches(%s, ARRAY(SELECT ''n'' || g FROM generate_series(1, 20) AS g), 100)', number))
$$;
CREATE FUNCTION pg_temp.begin(number bigint, minion text, step text, jid text) RETURNS boolean LANGUAGE sql AS $$
SELECT pg_temp.act('t_engine', format('SELECT count(*) = 1 FROM approval.begin_dispatches(%s, %L, %L, %L, %L)', number, ARRAY[minion],
    ARRAY(SELECT min(item_id) FROM approval.item WHERE request_id = number AND minion_id = minion), step, jid))::boolean
$$;
CREATE FUNCTION pg_temp.sent(number bigint, minion text, jid text, really boolean DEFAULT true) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_engine', format('SELECT approval.note_sent(%s, %L, %L, %L, %L)', number, ARRAY[minion],
    ARRAY(SELECT min(item_id) FROM approval.item WHERE request_id = number AND minion_id = minion), jid, really))
$$;
CREATE FUNCTION pg_temp.answered(p_jid text, p_minion text, p_boot text DEFAULT NULL, p_at timestamptz DEFAULT clock_timestamp()) RETURNS void LANGUAGE sql AS $$
INSERT INTO approval.job_return (jid, minion_id, attempt, fun, retcode, success, verdict, authenticated, flags, run_id, boot_id, received_at, payload_digest, payload)
VALUES (p_jid, p_minion, 1, 'test.ping', 0, true, 'unproven', p_boot IS NOT NULL, '{}', p_jid || p_minion, p_boot, p_at, '\x00', '\x00')
$$;
-- Asked, answered, sent, and proven or not.
CREATE FUNCTION pg_temp.ping(number bigint, minion text, answers boolean DEFAULT true) RETURNS void LANGUAGE sql AS $$
SELECT pg_temp.begin(number, minion, 'ping', format('p%s-%s', number, minion));
SELECT pg_temp.answered(format('p%s-%s', number, minion), minion) WHERE answers
$$;
CREATE FUNCTION pg_temp.send(number bigint, minion text) RETURNS boolean LANGUAGE sql AS $$
SELECT pg_temp.begin(number, minion, 'apply', format('s%s-%s', number, minion)) AND pg_temp.sent(number, minion, format('s%s-%s', number, minion)) = ''
$$;
CREATE FUNCTION pg_temp.comes_to(number bigint, minion text, p_outcome text) RETURNS void LANGUAGE sql AS $$
UPDATE approval.item SET outcome = p_outcome, applied_at = CASE WHEN p_outcome = 'converged' THEN clock_timestamp() END,
    outcome_text = CASE WHEN p_outcome <> 'converged' THEN 'E: no such package' END WHERE request_id = number AND minion_id = minion
$$;
CREATE FUNCTION pg_temp.verdicts(number bigint) RETURNS text LANGUAGE sql AS $$
SELECT string_agg(minion_id || ' ' || coalesce(verdict, CASE WHEN opened_at IS NULL THEN 'held' ELSE '-' END), ', ' ORDER BY minion_id)
FROM approval.wave_minion WHERE request_id = number
$$;
CREATE FUNCTION pg_temp.soaked(number bigint) RETURNS void LANGUAGE sql AS $$
UPDATE approval.wave SET settled_at = settled_at - interval '1 hour', opened_at = opened_at - interval '1 hour' WHERE request_id = number AND settled_at IS NOT NULL
$$;
CREATE FUNCTION pg_temp.documents(minions text[]) RETURNS bigint LANGUAGE sql AS $$
SELECT count(*) FROM approval.document_in_force(clock_timestamp()) AS d WHERE d.minion_id = ANY (minions) AND 'hello' = ANY (d.names)
$$;
SELECT pg_temp.ask_waved('{n1,n2,n3,n4,n5,n6}', '{"max_failures": 0}') AS w \gset
SELECT is(pg_temp.decide('t_bob', :w), 'approved', 'approved');
SELECT is(pg_temp.documents('{n1,n2,n3,n4,n5,n6}'), 0::bigint, 'nothing is in any document yet');
SELECT is((SELECT array_agg(minions ORDER BY wave_no) FROM approval.wave WHERE request_id = :w), '{2,1,3}', 'canaries, a half of all, the rest');
SELECT is((SELECT array_agg(minion_id ORDER BY minion_id) FROM approval.wave_minion WHERE request_id = :w AND wave_no = 1), '{n1,n2}', 'the canaries are the group');
SELECT matches(approval.waiting_for(:w), 'held by wave 1 of request', 'what it waits for');
SELECT is((approval.why('n1', 'package', 'hello') #> '{requests,0,held,by}') #>> '{}', format('wave 1 of request %s', :w), 'why says so');
SELECT is(pg_temp.steps(:w), NULL, 'nothing is to be sent before a wave opens');
SELECT is(pg_temp.begin(:w, 'n1', 'ping', 'x') OR pg_temp.begin(:w, 'n3', 'apply', 'x'), false, 'nor can it be begun');
SELECT is(pg_temp.act('t_engine', format('SELECT approval.next_dispatch(%s, NULL) <= clock_timestamp()', :w)), 'true', 'something is to be done');
SELECT is(pg_temp.advance(:w), 'running', 'the first wave opens');
SELECT is(pg_temp.documents('{n1,n2}') || ' ' || pg_temp.documents('{n3,n4,n5,n6}'), '2 0', 'in the documents of the canaries alone');
SELECT is(pg_temp.steps(:w), 'ping n1, ping n2', 'they are asked whether they are there');
SELECT pg_temp.ping(:w, 'n1') \g /dev/null
SELECT is(pg_temp.begin(:w, 'n1', 'apply', 'x'), false, 'sent to nobody who has not answered');
SELECT is(pg_temp.advance(:w) || ' ' || pg_temp.steps(:w), 'running apply n1, ping n2', 'who answers is sent it');
SELECT pg_temp.begin(:w, 'n2', 'ping', 'lost'), pg_temp.sent(:w, 'n2', 'lost', false) \g /dev/null
SELECT is(pg_temp.steps(:w), 'apply n1, ping n2', 'a ping that was not published is none');
SELECT pg_temp.ping(:w, 'n2') \g /dev/null
SELECT is(pg_temp.advance(:w) || ' ' || pg_temp.send(:w, 'n1') || pg_temp.send(:w, 'n2'), 'running truetrue', 'sent');
SELECT is(pg_temp.steps(:w), NULL, 'nothing else before the verdicts');
SELECT pg_temp.comes_to(:w, 'n1', 'converged') \g /dev/null
SELECT is(pg_temp.advance(:w) || ': ' || pg_temp.verdicts(:w), 'running: n1 converged, n2 -, n3 held, n4 held, n5 held, n6 held', 'one verdict');
SELECT pg_temp.comes_to(:w, 'n2', 'failed') \g /dev/null
SELECT is(pg_temp.advance(:w), 'halted', 'a canary fails: halted');
SELECT is((SELECT act || ' ' || (detail::jsonb ->> 'minions') FROM approval.audit_entry WHERE stream = :w ORDER BY seq DESC LIMIT 1), 'rollout-halted ["n2"]', 'recorded');
SELECT is((SELECT format('%s %s %s', kind, minions, what) FROM approval.alarm_signal WHERE request_id = :w),
    format('halted-wave {n2} request %s halted: 1 minion failed, where 0 may', :w), 'an alarm');
SELECT matches(approval.waiting_for(:w), '^halted .* UTC: 1 minion failed, where 0 may \(n2: E: no such package\); 3 minions held by wave 3 of request', 'and told');
SELECT is(pg_temp.advance(:w) || pg_temp.documents('{n3,n4,n5,n6}'), 'halted0', 'nothing else was touched, whatever the time');
SELECT is((SELECT x ->> 'state' || (x ->> 'because') || (x #>> '{failures,0,reason}') || (x #>> '{resume,0,group_name}') FROM approval.show_rollout(:w) AS x),
    'halted1 minion failed, where 0 mayE: no such packageowners', 'shown');
SELECT is(approval.show_request(:w) #>> '{rollout,state}', 'halted', 'with the request too');

-- Who lets it go on.
CREATE FUNCTION pg_temp.resume(login text, number bigint, decision text DEFAULT 'go-on', comment text DEFAULT 'seen') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act(login, format('SELECT approval.resume_rollout(''pg'', %L, %s, %L, %L)', login, number, decision, comment))
$$;
SELECT throws_ok(format('SELECT pg_temp.resume(''t_alice'', %s)', :w), 'AP007', format('request %s is alice''s own, who may not decide whether its rollout goes on', :w), 'not the requester, of the group as she is');
SELECT throws_ok(format('SELECT pg_temp.resume(''t_dave'', %s)', :w), 'AP008', format('dave is not among those who decide on the rollout of request %s', :w), 'not another');
SELECT throws_ok(format('SELECT pg_temp.resume(''t_bob'', %s, ''perhaps'')', :w), 'AP005', 'a decision on a halted rollout is go-on or give-up, not ''perhaps''', 'no third way');
SELECT throws_ok(format('SELECT pg_temp.resume(''t_bob'', %s, ''go-on'', '''')', :w), 'AP005', 'a decision on a halted rollout needs a comment that says why', 'nor without a reason');
SELECT is(pg_temp.resume('t_bob', :w), 'running', 'an approver of the last stage');
SELECT is((SELECT principal || ' ' || act || ' ' || (detail::jsonb ->> 'comment') FROM approval.audit_entry WHERE stream = :w ORDER BY seq DESC LIMIT 1), 'bob rollout-running seen', 'recorded');
SELECT throws_ok(format('SELECT pg_temp.resume(''t_bob'', %s)', :w), 'AP006', format('request %s has a rollout that is running: there is nothing to decide', :w), 'once');
SELECT pg_temp.advance(:w) \g /dev/null
SELECT is((SELECT settled_at IS NOT NULL FROM approval.wave WHERE request_id = :w AND wave_no = 1), true, 'the wave has its verdicts');
SELECT is(pg_temp.advance(:w) || pg_temp.documents('{n3,n4,n5,n6}'), 'running0', 'and soaks');
SELECT pg_temp.soaked(:w) \g /dev/null
SELECT is(pg_temp.advance(:w) || pg_temp.documents('{n3,n4,n5,n6}'), 'running1', 'then the next opens');
SELECT minion_id AS second FROM approval.wave_minion WHERE request_id = :w AND wave_no = 2 \gset
SELECT pg_temp.ping(:w, :'second') \g /dev/null
SELECT is(pg_temp.advance(:w) || pg_temp.send(:w, :'second'), 'runningtrue', 'sent');
UPDATE approval.dispatch SET sent_at = sent_at - interval '16 minutes' WHERE minion_id = :'second';
SELECT pg_temp.advance(:w) \g /dev/null
SELECT is((SELECT state FROM approval.rollout WHERE request_id = :w) || ' ' || (SELECT verdict FROM approval.wave_minion WHERE request_id = :w AND minion_id = :'second'), 'halted silent', 'who does not return in time has failed');
SELECT is(pg_temp.resume('t_carol', :w, 'give-up'), 'given-up', 'given up');
SELECT is((SELECT string_agg(DISTINCT i.state, ' ') FROM approval.item AS i JOIN approval.wave_minion AS w USING (request_id, minion_id) WHERE request_id = :w AND w.wave_no = 3), 'withdrawn', 'what was not sent is withdrawn');
SELECT is((SELECT string_agg(DISTINCT e.standing, ' ') FROM approval.list_items(:w, 1, NULL, NULL, 1000) AS e WHERE (e.item).state = 'withdrawn'), 'withdrawn', 'and shown as such');
SELECT is(pg_temp.state_of(:w) || ' ' || (SELECT state FROM approval.outbox WHERE request_id = :w AND destination = 'salt'), 'approved dead', 'and no more is sent');
SELECT pg_temp.comes_to(:w, :'second', 'converged'), approval.settle_request(:w, clock_timestamp()) \g /dev/null
SELECT is(pg_temp.state_of(:w), 'partial', 'the request ends as what was sent of it came out');

-- resume, and pre-approved.
SELECT pg_temp.put('{"canaries": 1, "max_failures": 0, "resume": {"group": "board", "min_assurance": "authenticated"}}', '{"pre_approved": true, "chain": [], "proof_within": "1 minute"}') \g /dev/null
SELECT pg_temp.ask_waved('{n7,n8,n9}', NULL, 'vim') AS p \gset
SELECT pg_temp.advance(:p) \g /dev/null
SELECT minion_id AS first FROM approval.wave_minion WHERE request_id = :p AND wave_no = 1 \gset
SELECT pg_temp.ping(:p, :'first', false) \g /dev/null
UPDATE approval.wave_minion SET pinged_at = pinged_at - interval '31 s' WHERE request_id = :p AND pinged_at IS NOT NULL;
SELECT pg_temp.advance(:p) \g /dev/null
SELECT is((SELECT state || ' ' || halted_because FROM approval.rollout WHERE request_id = :p), 'halted wave 1 proved nothing: 1 minion of it did not answer', 'canaries that are away prove nothing');
SELECT is((SELECT count(*) FROM approval.wave_minion WHERE request_id = :p AND opened_at IS NULL), 3::bigint, 'and are held back as well: who starts gets nothing');
SELECT throws_ok(format('SELECT pg_temp.resume(''t_bob'', %s)', :p), 'AP008', NULL, 'the group that the type names');
SELECT throws_ok(format('SELECT pg_temp.act(''t_runner'', ''SELECT approval.resume_rollout(''''salt'''', ''''dave'''', %s, ''''go-on'''', ''''x'''')'')', :p), 'AP009', NULL, 'as sure as the type says');
SELECT pg_temp.act('t_dave', 'SELECT approval.delegate(''pg'', ''t_dave'', ''bob'', NULL, now() + interval ''1 day'')') \g /dev/null
SELECT is(pg_temp.resume('t_bob', :p), 'running', 'or who stands in for a member');
SELECT is((SELECT count(*) FROM approval.wave_minion WHERE request_id = :p AND opened_at IS NOT NULL), 1::bigint, 'the wave is open again');
SELECT pg_temp.ping(:p, :'first', false) \g /dev/null
UPDATE approval.wave_minion SET pinged_at = pinged_at - interval '31 s' WHERE request_id = :p AND pinged_at IS NOT NULL;
SELECT is((SELECT count(*) FROM approval.wave WHERE request_id = :p AND opened_at IS NOT NULL), 1::bigint, 'and asked again');
SELECT pg_temp.advance(:p) \g /dev/null
SELECT is((SELECT state FROM approval.rollout WHERE request_id = :p) || (SELECT count(*) FROM approval.wave WHERE request_id = :p AND opened_at IS NOT NULL), 'running2', 'then it goes on without them, as was decided');

-- A later request of the type does not take the place of one in force before its own wave opens.
SELECT pg_temp.put('{"canaries": 1}') \g /dev/null
SELECT pg_temp.ask_waved('{n10,n11}', NULL, 'git') AS older \gset
SELECT pg_temp.decide('t_bob', :older), pg_temp.advance(:older) \g /dev/null
SELECT minion_id AS canary FROM approval.wave_minion WHERE request_id = :older AND wave_no = 1 \gset
SELECT pg_temp.act('t_alice', format('SELECT approval.submit_request(''pg'', ''t_alice'', ''waved'', ''because'', ''{n10,n11}'', ''{package,package}'', ''{git,git}'', ''{2,2}'', NULL, ''pg'', NULL, NULL, ''supersede'')')) AS newer \gset
SELECT pg_temp.decide('t_bob', :newer) \g /dev/null
SELECT is((SELECT d.contents FROM approval.document_in_force(clock_timestamp()) AS d WHERE d.minion_id = :'canary'), '{1}', 'what is in force stays, while the newer waits for its wave');

-- A window holds the next wave back.
SELECT approval.put_freeze('stop', now() - interval '1 hour', now() + interval '1 hour', NULL, NULL, 'x') \g /dev/null
SELECT pg_temp.advance(:newer) \g /dev/null
SELECT is((SELECT count(*) FROM approval.wave WHERE request_id = :newer AND opened_at IS NOT NULL), 0::bigint, 'no wave opens in a freeze');
SELECT approval.drop_freeze('stop'), pg_temp.advance(:newer) \g /dev/null
SELECT is((SELECT count(*) FROM approval.wave WHERE request_id = :newer AND opened_at IS NOT NULL), 1::bigint, 'but after it');

-- Many at a time, and drift while it soaks.
SELECT pg_temp.put('{"max_in_flight": 2, "soak": "1 hour"}') \g /dev/null
SELECT pg_temp.ask_waved('{n12,n13,n14}', NULL, 'zip') AS f \gset
SELECT pg_temp.decide('t_bob', :f), pg_temp.advance(:f) \g /dev/null
SELECT pg_temp.ping(:f, 'n12'), pg_temp.ping(:f, 'n13'), pg_temp.ping(:f, 'n14'), pg_temp.advance(:f) \g /dev/null
SELECT is(pg_temp.steps(:f), 'apply n12, apply n13', 'so many as may be in flight');
SELECT is(pg_temp.send(:f, 'n12') AND pg_temp.send(:f, 'n13') AND pg_temp.steps(:f) IS NULL, true, 'and no more');
SELECT is((SELECT string_agg(DISTINCT readiness, ' ') FROM approval.dispatchable(:f, NULL, NULL, clock_timestamp())), 'later', 'for a while');
SELECT pg_temp.comes_to(:f, 'n12', 'converged'), pg_temp.advance(:f) \g /dev/null
SELECT is(pg_temp.steps(:f), 'apply n14', 'until one has its verdict');
SELECT pg_temp.send(:f, 'n14'), pg_temp.comes_to(:f, 'n13', 'converged'), pg_temp.comes_to(:f, 'n14', 'converged'), pg_temp.advance(:f) \g /dev/null
SELECT is((SELECT state || ' ' || pg_temp.advance(:f) FROM approval.rollout WHERE request_id = :f), 'running running', 'the last wave soaks too');
INSERT INTO approval.drift (minion_id, kind, name, item_id, request_id, finding, jid, since, last_seen) SELECT minion_id, kind, name, item_id, request_id, 'x', 'j', now(), now() FROM approval.item WHERE request_id = :f AND minion_id = 'n13';
SELECT pg_temp.advance(:f) \g /dev/null
SELECT is((SELECT state FROM approval.rollout WHERE request_id = :f) || ' ' || (SELECT reason FROM approval.rollout_failures(:f)), 'halted package zip is no longer as it was proven', 'what drifts then is a failure');
SELECT pg_temp.resume('t_bob', :f), pg_temp.soaked(:f) \g /dev/null
SELECT is(pg_temp.advance(:f), 'done', 'done');

-- Actions: absent, late.
SELECT approval.put_request_type(format('{"name": "reboot%s", "kind": "action", "action": {"function": "system.reboot"}, "requesters": ["*"], %s "pre_approved": true, "chain": [],
    "rollout": {"max_failures": 0, "resume": {"group": "board"}}}', name, extra)::jsonb) FROM (VALUES ('', ''), ('-late', '"late": true,')) AS t (name, extra) \g /dev/null
CREATE FUNCTION pg_temp.reboot(type text, minions text[]) RETURNS bigint LANGUAGE sql AS $$
SELECT pg_temp.act('t_alice', format(
    'SELECT approval.submit_request(''pg'', ''t_alice'', %L, ''because'', %L, %L, %L, %L, NULL, ''pg'', NULL, NULL, NULL)',
    type, minions, array_fill('action'::text, ARRAY[cardinality(minions)]), array_fill('system.reboot'::text, ARRAY[cardinality(minions)]),
    array_fill('{}'::text, ARRAY[cardinality(minions)])))::bigint
$$;
CREATE FUNCTION pg_temp.away(number bigint) RETURNS void LANGUAGE sql AS $$
UPDATE approval.wave_minion SET pinged_at = pinged_at - interval '6 minutes' WHERE request_id = number
$$;
SELECT pg_temp.answered('b15', 'n15', 'boot-1', now() - interval '1 hour'), pg_temp.answered('b16', 'n16', 'boot-1', now() - interval '1 hour') \g /dev/null
SELECT pg_temp.reboot('reboot', '{n15,n16}') AS r \gset
SELECT pg_temp.advance(:r), pg_temp.ping(:r, 'n15'), pg_temp.ping(:r, 'n16', false), pg_temp.away(:r), pg_temp.advance(:r) \g /dev/null
SELECT is(pg_temp.verdicts(:r), 'n15 -, n16 absent', 'one is away');
SELECT is((SELECT outcome || ': ' || outcome_text FROM approval.item WHERE request_id = :r AND minion_id = 'n16'), 'failed: not sent: the minion did not answer when it was its turn', 'an action is not sent later');
SELECT is(pg_temp.steps(:r), 'observe n15', 'the other goes on');
SELECT pg_temp.comes_to(:r, 'n15', 'converged') \g /dev/null
SELECT is(pg_temp.advance(:r), 'running', 'it is no failure');
SELECT pg_temp.reboot('reboot-late', '{n15,n16,n17}') AS l \gset
SELECT pg_temp.advance(:l), pg_temp.ping(:l, 'n15', false), pg_temp.ping(:l, 'n16', false), pg_temp.ping(:l, 'n17'), pg_temp.away(:l), pg_temp.advance(:l) \g /dev/null
SELECT is(pg_temp.verdicts(:l), 'n15 absent, n16 absent, n17 -', 'two are away');
SELECT is(pg_temp.steps(:l), 'observe n17, ping n15, ping n16', 'with late they are asked again');
SELECT pg_temp.begin(:l, m, 'ping', 'again'), pg_temp.answered('again', m), pg_temp.advance(:l) FROM unnest('{n15,n16}'::text[]) AS m \g /dev/null
SELECT is(pg_temp.steps(:l), 'observe n15, observe n16, observe n17', 'until they answer');
SELECT pg_temp.begin(:l, m, 'observe', 'o-' || m), pg_temp.answered('o-' || m, m, boot) FROM (VALUES ('n15', 'boot-1'), ('n16', 'boot-2'), ('n17', 'boot-9')) AS t (m, boot) \g /dev/null
SELECT pg_temp.act('t_engine', format('SELECT approval.note_observation(%L, %s, %L)', m, (SELECT item_id FROM approval.item WHERE request_id = :l AND minion_id = m), 'o-' || m))
FROM unnest('{n15,n16,n17}'::text[]) AS m \g /dev/null
SELECT is(pg_temp.steps(:l), 'perform n15, perform n17', 'who started again since is not told to');
SELECT is((SELECT outcome_text FROM approval.item WHERE request_id = :l AND minion_id = 'n16'), 'not sent: the minion started again since the request was approved', 'and it is said');
SELECT pg_temp.advance(:l) \g /dev/null
SELECT is((SELECT state FROM approval.rollout WHERE request_id = :l) || ' ' || (SELECT verdict FROM approval.wave_minion WHERE request_id = :l AND minion_id = 'n16'), 'running absent', 'which is no failure');

-- Pairs.
SELECT throws_ok($$SELECT approval.put_minion_group('pair', '', '{n18,n19}', 0)$$, 'AP017', 'a minion group has a name, and at_once is more than 0', 'a group of which nothing can be done');
SELECT is(approval.put_minion_group('pair', '', '{n18,n19}', 1), true, 'one at a time');
SELECT is(approval.put_minion_group('pair', '', '{n18,n19}', 1) OR approval.show_policy() #>> '{minion_groups,pair,at_once}' <> '1', false, 'once, and shown');
SELECT approval.put_request_type('{"name": "flush", "kind": "action", "action": {"function": "cache.flush"}, "requesters": ["*"], "pre_approved": true, "chain": []}') \g /dev/null
SELECT pg_temp.act('t_alice', 'SELECT approval.submit_request(''pg'', ''t_alice'', ''flush'', ''because'', ''{n18}'', ''{action}'', ''{cache.flush}'', ''{"{}"}'', NULL, ''pg'', NULL)') AS one \gset
SELECT pg_temp.ask_waved('{n19}', NULL, 'hello', 'free') AS other \gset
SELECT is(pg_temp.begin(:one, 'n18', 'perform', 'h1'), true, 'the first');
SELECT is(pg_temp.begin(:other, 'n19', 'apply', 'h2'), false, 'the second not while the first is at it, of another request and kind as it is');
SELECT is(pg_temp.steps(:other) IS NULL AND (SELECT readiness = 'later' AND again_at > now() FROM approval.dispatchable(:other, NULL, NULL, clock_timestamp())), true, 'it is looked at again later');
SELECT pg_temp.sent(:one, 'n18', 'h1') \g /dev/null
SELECT is(pg_temp.begin(:other, 'n19', 'apply', 'h2'), false, 'nor while nothing has proven it');
UPDATE approval.dispatch SET state = 'proven', ended_at = clock_timestamp() WHERE request_id = :one;
SELECT is(pg_temp.begin(:other, 'n19', 'apply', 'h2') AND pg_temp.sent(:other, 'n19', 'h2') = '', true, 'then it is sent');
SELECT pg_temp.act('t_alice', 'SELECT approval.submit_request(''pg'', ''t_alice'', ''flush'', ''again'', ''{n18}'', ''{action}'', ''{cache.flush}'', ''{"{\"x\": 1}"}'', NULL, ''pg'', NULL)') AS again \gset
SELECT is(pg_temp.begin(:again, 'n18', 'perform', 'h3'), false, 'and the first waits for a state of the second');
SELECT pg_temp.answered('h2', 'n19') \g /dev/null
SELECT is(pg_temp.begin(:again, 'n18', 'perform', 'h3'), true, 'until that returned');

-- The pause of all sending.
CREATE FUNCTION pg_temp.pause(login text, verb text, comment text DEFAULT 'fire') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act(login, format('SELECT approval.%s_all(''pg'', %L, %L)', verb, login, comment))
$$;
SELECT throws_ok($$SELECT pg_temp.pause('t_alice', 'pause', '')$$, 'AP005', 'pausing all sending needs a comment that says why', 'why');
SELECT throws_ok($$SELECT pg_temp.pause('t_dave', 'resume')$$, 'AP006', 'sending is not paused', 'nothing to end');
SELECT pg_temp.pause('t_alice', 'pause') \g /dev/null
SELECT throws_ok($$SELECT pg_temp.pause('t_bob', 'pause')$$, 'AP006', 'all sending is paused already', 'once');
SELECT is((SELECT paused_by || comment FROM approval.sending_paused()), 'alicefire', 'by anybody who is known');
SELECT is(pg_temp.steps(:l), NULL, 'nothing is sent');
SELECT is(pg_temp.begin(:l, 'n15', 'perform', 'z'), false, 'nor begun');
SELECT approval.drop_membership('owners', 'alice') \g /dev/null
SELECT throws_ok($$SELECT pg_temp.pause('t_alice', 'resume')$$, 'AP008', NULL, 'only people of a resume group let it go on');
SELECT throws_ok($$SELECT pg_temp.pause('t_dave', 'resume', '')$$, 'AP005', 'letting all sending go on needs a comment that says why', 'with a reason');
SELECT pg_temp.pause('t_dave', 'resume', 'out') \g /dev/null
SELECT is(pg_temp.steps(:l), 'perform n15, perform n17', 'and it goes on');
SELECT is((SELECT string_agg(act || ' ' || principal, ', ' ORDER BY seq) FROM approval.audit_entry WHERE act LIKE 'sending-%'), 'sending-paused alice, sending-resumed dave', 'recorded');
SELECT * FROM finish();
ROLLBACK;
