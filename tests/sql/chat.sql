-- What people are told by chat: who takes it, in which order, of which jobs, and what a message is made of.
BEGIN;
\ir support/fixture.sql
SELECT plan(135);
CREATE ROLE t_chat LOGIN; GRANT approval_chat TO t_chat;

CREATE FUNCTION pg_temp.jid(number integer) RETURNS text LANGUAGE sql AS $$
SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDDHH24MI') || lpad(number::text, 8, '0')
$$;
CREATE FUNCTION pg_temp.save(number integer, minions text[], command text, fun text DEFAULT 'cmd.run', age interval DEFAULT '0',
                             username text DEFAULT 'root') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_returner', format('SELECT approval.save_load(%L, %L, ''*'', ''glob'', %L, %L, ''\x00'', false, %L, %L)',
    pg_temp.jid(number), fun, username, minions, extract(epoch FROM now() - age), command))
$$;
CREATE FUNCTION pg_temp.returned(number integer, minion text, verdict text DEFAULT 'unproven', retcode integer DEFAULT 0) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_returner', format(
    'SELECT outcome FROM approval.record_returns(ARRAY[%L], ARRAY[%L], ''{cmd.run}'', ARRAY[%s]::bigint[], ''{t}'', ARRAY[%L], ''{f}'', '
    '''{NULL}'', ''{NULL}'', ''{NULL}'', ''{NULL}'', ARRAY[''[["package", "hello", %s, "missing", "1", "", "evidence", "not there"]]''], ''{NULL}'', ''{x}'', ARRAY[%L]::bytea[])',
    pg_temp.jid(number), minion, retcode, verdict, to_json(verdict), sha256(convert_to(minion || verdict, 'UTF8'))))
$$;
CREATE FUNCTION pg_temp.look() RETURNS text LANGUAGE sql AS $$
UPDATE approval.job_told SET look_at = '-infinity';
SELECT pg_temp.act('t_chat', 'SELECT approval.tell_jobs()')
$$;
CREATE FUNCTION pg_temp.told(to_whom text DEFAULT 'chat-ops') RETURNS text LANGUAGE sql AS $$
SELECT string_agg(concat_ws(' ', regexp_replace(thread, '^job/([0-9]{12}0*)?', ''), seq, topic, body ->> 'outcome', body ->> 'ok', body ->> 'failed', body ->> 'silent'), ', '
                  ORDER BY thread, seq) FROM approval.outbox WHERE destination = to_whom AND state = 'waiting'
$$;
CREATE FUNCTION pg_temp.claimed(to_whom text DEFAULT 'chat-ops', most integer DEFAULT 10) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_chat', format('SELECT string_agg(concat_ws('' '', regexp_replace(thread, ''^job/([0-9]{12}0*)?'', ''''), seq, ts, channel), '', '' ORDER BY thread) '
    'FROM approval.claim_messages(%L, %s, ''1 min'')', to_whom, most))
$$;
CREATE FUNCTION pg_temp.settled(of_thread text, number bigint, outcome text DEFAULT 'delivered', ts text DEFAULT NULL, channel text DEFAULT NULL)
    RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_chat', format('SELECT approval.settle_message(''chat-ops'', %L, %s, %L, NULL, ''no answer'', %L, %L)', of_thread, number, outcome, ts, channel))
$$;
SELECT approval.maintain_jobs(24) \g /dev/null

-- Who takes what.
SELECT throws_ok(format('SELECT pg_temp.claimed(%L)', destination), 'AP002', NULL, format('chat takes nothing for %s', destination))
FROM (VALUES ('salt'), ('jira'), ('chat'), (NULL)) AS refused (destination);
SELECT throws_ok($$SELECT pg_temp.act('t_chat', $q$SELECT approval.settle_message('salt', 'request/1', 1, 'delivered', NULL, NULL, NULL)$q$)$$, 'AP002', NULL, 'nor ends it');
SELECT throws_ok($$SELECT pg_temp.act('t_chat', $q$SELECT * FROM approval.chat_messages('jira', 'request/1')$q$)$$, 'AP002', NULL, 'nor looks for it');
SELECT throws_ok(format('SELECT pg_temp.act(''t_bob'', %L)', statement), '42501', NULL, format('nobody else: %s', statement))
FROM (VALUES ('SELECT * FROM approval.claim_messages(''chat-ops'', 1, ''1 min'')'), ('SELECT approval.tell_jobs()'), ('SELECT approval.chat_story(''request/1'')'),
        ('SELECT * FROM approval.failed_returns(''1'', 1)')) AS refused (statement);
SELECT throws_ok($$SELECT pg_temp.act('t_chat', $q$SELECT * FROM approval.claim_outbox('chat-ops', '1 min')$q$)$$, '42501', NULL, 'and in no other way');

-- Jobs.
SELECT is(pg_temp.save(1, '{web1}', 'salt web1 cmd.run date'), 'true', 'a job before there is a route');
SELECT is((SELECT count(*) FROM approval.job_told), 0::bigint, 'is not noted');
SELECT approval.put_route('chat-ops', 'jobs'), approval.put_route('chat-root', 'jobs', '{"user": "root", "outcome": "failed"}') \g /dev/null
SELECT pg_temp.save(2, '{web1,web2}', 'salt ''web*'' cmd.run uptime') \g /dev/null
SELECT pg_temp.save(3, '{web1}', 'salt web1 cmd.run old', age => '2 days') \g /dev/null
SELECT is(pg_temp.look(), '1', 'with one, it is looked at, but not what comes late out of a spool');
SELECT is(pg_temp.told(), '2 1 jobs running 0 0 2', 'a job that was published');
SELECT is((SELECT body ->> 'command' FROM approval.outbox WHERE destination = 'chat-ops'), 'salt ''web*'' cmd.run uptime', 'as it was typed');
SELECT is(pg_temp.look() || pg_temp.told(), '12 1 jobs running 0 0 2', 'nothing new is not told');
SELECT is(pg_temp.act('t_chat', 'SELECT approval.tell_jobs()'), '0', 'nor is it looked at before its time');
SELECT pg_temp.returned(2, 'web1') \g /dev/null
SELECT is(pg_temp.look() || pg_temp.told(), '12 1 jobs running 0 0 2, 2 2 update running 1 0 1', 'how it stands');
SELECT is(pg_temp.told('chat-root'), NULL, 'a route gets only what its filter has');
SELECT pg_temp.returned(2, 'web2', 'failed', 2) \g /dev/null
SELECT is(pg_temp.look() || pg_temp.told(), '12 1 jobs running 0 0 2, 2 2 update running 1 0 1, 2 3 verdict failed 1 1 0', 'and how it ended');
SELECT is(pg_temp.told('chat-root'), '2 1 verdict failed 1 1 0', 'also for a route that leads there only now');
SELECT is(pg_temp.look(), '0', 'which is all');
SELECT pg_temp.save(4, '{web1}', 'salt web1 cmd.run x', age => '2 hours') \g /dev/null
SELECT pg_temp.look() \g /dev/null
SELECT is((SELECT topic || ' ' || (body ->> 'outcome') FROM approval.outbox WHERE destination = 'chat-ops' AND thread = 'job/' || pg_temp.jid(4)), 'jobs silent',
    'one whose minion is silent after an hour');
SELECT pg_temp.ask('t_alice', 'standard', '{web1}', 'sent', '1') AS sent \gset
INSERT INTO approval.dispatch (request_id, minion_id, item_id, proof, proof_within, state, state_at, jid, sent_at)
SELECT request_id, minion_id, item_id, 'return', '1 hour', 'sent', now(), pg_temp.jid(5), now() FROM approval.item WHERE request_id = :sent \g /dev/null
SELECT pg_temp.save(5, '{web1}', 'salt web1 x.y') \g /dev/null
SELECT pg_temp.look() \g /dev/null
SELECT is((SELECT count(*) FROM approval.outbox WHERE thread = 'job/' || pg_temp.jid(5)), 0::bigint, 'a job of a request is told with that');
SELECT is((SELECT count(*) FROM approval.job_told), 0::bigint, 'nothing is left over');

-- Newest news only.
DELETE FROM approval.outbox WHERE destination LIKE 'chat-%';
SELECT approval.post_update('chat-ops', 'job/1', NULL, '{"ok": 1}', now()), approval.post_update('chat-ops', 'job/1', NULL, '{"ok": 2}', now()) \g /dev/null
SELECT is(pg_temp.told(), '1 1 update 2', 'one update waits');
SELECT is(pg_temp.claimed(), '1 1', 'it is claimed');
SELECT approval.post_update('chat-ops', 'job/1', NULL, '{"ok": 3}', now()), approval.post_update('chat-ops', 'job/1', NULL, '{"ok": 4}', now()) \g /dev/null
SELECT is(pg_temp.told(), '1 1 update 2, 1 2 update 4', 'and is not changed in hand');
SELECT is(pg_temp.claimed(), NULL, 'what comes behind it waits for its end');

-- Threads and their first messages.
SELECT is(pg_temp.settled('job/1', 1, ts => '1700000000.000100', channel => 'C1'), 'delivered', 'delivered');
SELECT is(pg_temp.claimed(), '1 2 1700000000.000100 C1', 'the next one comes with the id of the first');
SELECT is(pg_temp.settled('job/1', 2), 'delivered', 'which stays');
SELECT is(pg_temp.act('t_chat', 'SELECT concat_ws('' '', thread, ts, channel) FROM approval.chat_messages(''chat-ops'', ''job/1'')'), 'job/1 1700000000.000100 C1', 'as it was');
SELECT throws_ok($$SELECT pg_temp.settled('job/1', 2, ts => '')$$, 'AP005', NULL, 'an id is some text');
SELECT throws_ok($$SELECT pg_temp.settled('job/1', 2, 'lost')$$, 'AP005', NULL, 'an outcome is one of three');
INSERT INTO approval.chat_message VALUES ('chat-ops', 'ask/7/bob', '1', 'D1', now()), ('chat-ops', 'ask/7/eve', '2', 'D2', now()), ('chat-ops', 'ask/70/eve', '3', 'D2', now());
SELECT is(pg_temp.act('t_chat', 'SELECT string_agg(ts, '','') FROM approval.chat_messages(''chat-ops'', ''ask/7/'')'), '1,2', 'all copies');

-- Thirty days.
UPDATE approval.outbox SET delivered_at = now() - interval '31 days' WHERE thread = 'job/1' AND state = 'delivered';
UPDATE approval.chat_message SET posted_at = now() - interval '31 days' WHERE thread = 'job/1';
SELECT approval.drop_told(now()) \g /dev/null
SELECT is((SELECT count(*) FROM approval.outbox WHERE thread = 'job/1') || ' ' || (SELECT count(*) FROM approval.chat_message), '0 3', 'old ones go');

-- What a message is made of.
SELECT is((SELECT story - '{published_at,duration_s,failures}'::text[] FROM approval.chat_story('job/' || pg_temp.jid(2)) AS story), format('{"kind": "job", "jid": "%s",
    "command": "salt ''web*'' cmd.run uptime", "fun": "cmd.run", "user": "root", "target": "*", "target_type": "glob", "test": false, "claim": false, "request": null,
    "minion_count": 2, "minions": ["web1", "web2"], "ok": 1, "failed": 1, "silent": 0}', pg_temp.jid(2))::jsonb, 'a job');
SELECT is((SELECT concat_ws(' ', f ->> 'minion_id', f ->> 'retcode', f #>> '{findings,0,text}', f ? 'payload') FROM approval.chat_story('job/' || pg_temp.jid(2)) AS story,
    jsonb_array_elements(story -> 'failures') AS f), 'web2 2 not there f', 'with what failed, without what may hold secrets');
SELECT pg_temp.ask('t_alice', 'package', '{web1,web2}', 'hello', '2') AS asked \gset
SELECT pg_temp.decide('t_bob', :asked) \g /dev/null
SELECT is((SELECT jsonb_build_array(s -> 'state', s -> 'requester', s -> 'minion_count', s -> 'item_count', s #> '{items,1}', s #> '{chain,0,decisions,0,by}', s -> 'waiting_for', s -> 'outcomes')
           FROM approval.chat_story('request/' || :asked) AS s),
    '["pending", "alice", 2, 2, {"kind": "package", "name": "hello", "minion": "web2", "content": "2"}, "bob", "stage 2 (board): 1 of board", {"waiting": 2}]', 'a request');
SELECT is(approval.chat_story('ask/' || :asked || '/carol') ->> 'principal', 'carol', 'somebody who is asked');
SELECT is(ARRAY[approval.chat_story('drift/web1') ->> 'count', approval.chat_story('drift/nobody') ->> 'count', approval.chat_story('job/1') ->> 'jid',
    approval.chat_story('alarm/0') ->> 'kind', approval.chat_story('weather/1') ->> 'kind', approval.chat_story('request/x') ->> 'kind'], '{0,NULL,NULL,NULL,NULL,NULL}',
    'drift, and what is unknown');
-- Routes that choose.
DELETE FROM approval.outbox WHERE destination LIKE 'chat-%';
DELETE FROM approval.route;
SELECT approval.put_minion_group('front', '', '{web1}'), approval.put_minion_group('back', '', '{web2}') \g /dev/null
SELECT approval.put_calendar('nights', 'FREQ=DAILY', 'UTC', '8 hours', now()::timestamp, ARRAY[now() - interval '1 hour']) \g /dev/null
SELECT throws_ok(format('SELECT approval.put_route(''chat-x'', %L, ''{}'', %L)', topic, narrowed), 'AP017', problem, 'no route: ' || problem)
FROM (VALUES ('jobs', '[]', 'route of jobs to chat-x: what narrows it is a mapping'), ('jobs', '{"types": ["a"]}', 'route of jobs to chat-x: types does not narrow topic jobs'),
        ('requests', '{"functions": ["a"]}', 'route of requests to chat-x: functions does not narrow topic requests'),
        ('jobs', '{"functions": "a"}', 'route of jobs to chat-x: functions is a list of names'), ('jobs', '{"users": [""]}', 'route of jobs to chat-x: users is a list of names'),
        ('jobs', '{"outcomes": ["lost"]}', 'route of jobs to chat-x: outcomes are of running, ok, failed, silent'),
        ('jobs', '{"groups": ["void"]}', 'route of jobs to chat-x: there is no minion group void'),
        ('requests', '{"types": ["void"]}', 'route of requests to chat-x: there is no type void'),
        ('alarms', '{"quiet_hours": "void"}', 'route of alarms to chat-x: there is no calendar "void"')) AS refused (topic, narrowed, problem);
SELECT throws_ok($$SELECT approval.put_route('chat-x', 'jobs', '{}', (SELECT jsonb_build_object('users', jsonb_agg(md5(n::text))) FROM generate_series(1, 2000) AS n))$$, 'AP017',
    'route of jobs to chat-x: its filter and lists are too long', 'nor one that is too long');
SELECT is(ARRAY[approval.put_route('chat-cmd', 'jobs', '{}', '{"functions": ["state.*", "cmd.*", "cmd.*"], "users": ["sudo_*"]}'),
    approval.put_route('chat-cmd', 'jobs', '{}', '{"functions": ["cmd.*", "state.*"], "users": ["sudo_*"]}')], '{t,f}', 'a route with lists, in whatever order, once');
SELECT approval.put_route('chat-front', 'jobs', '{}', '{"groups": ["front"]}'), approval.put_route('chat-bad', 'jobs', '{}', '{"outcomes": ["failed", "silent"]}'),
    approval.put_route('chat-back', 'requests', '{}', '{"groups": ["back"], "types": ["package"]}'),
    approval.put_route('chat-oncall', 'alarms', '{}', '{"severities": ["critical", "warning"], "quiet_hours": "nights"}'),
    approval.put_route('chat-drift', 'drift', '{}', '{"groups": ["front"]}') \g /dev/null
SELECT is(approval.show_policy() #> '{routes,chat-cmd}', '[{"topic": "jobs", "filter": {}, "functions": ["cmd.*", "state.*"], "users": ["sudo_*"]}]', 'as the policy shows it');
CREATE FUNCTION pg_temp.led(topic text, thread text, body jsonb, request bigint DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
SELECT string_agg(concat_ws(' ', destination, CASE WHEN due_at > '-infinity' THEN due_at - now() END), ', ' ORDER BY destination)
FROM approval.receivers(topic, thread, request, body, now())
$$;
SELECT is(pg_temp.led('jobs', 'job/1', '{"fun": "test.x,cmd.run", "user": "sudo_bob", "outcome": "ok"}'), 'chat-cmd', 'by function and user');
SELECT is(pg_temp.led('jobs', 'job/1', '{"fun": "cmdxrun", "user": "sudo_bob", "outcome": "failed"}'), 'chat-bad', 'by outcome');
SELECT is(pg_temp.led('jobs', 'job/1', '{"fun": "cmd.run", "user": "bob", "outcome": "ok"}'), NULL, 'or not at all');
SELECT pg_temp.save(21, '{web1,web2}', 'x'), pg_temp.save(22, '{web2}', 'x') \g /dev/null
SELECT pg_temp.look() \g /dev/null
SELECT is((SELECT string_agg(destination || ' ' || right(thread, 2), ', ') FROM approval.outbox WHERE destination LIKE 'chat-%'), 'chat-front 21', 'by the group of a job''s minions');
SELECT approval.put_minions(ARRAY(SELECT 'many' || n FROM generate_series(1, 40) AS n)) \g /dev/null
SELECT approval.put_minion_group('begin', '', '{many1}'), approval.put_minion_group('end', '', '{many40}') \g /dev/null
INSERT INTO approval.job_log (jid, published_at, fun, job_user, tgt, tgt_type, command, is_test, is_claim, minion_count, minions, minion_bits)
SELECT 'wide', now(), 'test.x', 'bob', '*', 'glob', 'x', false, false, p.* FROM approval.packed_minions(ARRAY(SELECT 'many' || n FROM generate_series(1, 39) AS n)) AS p;
SELECT is((SELECT string_agg(concat_ws(' ', g, l.minion_bits IS NOT NULL, approval.is_about_groups('job/wide', NULL, jsonb_build_object('jid', l.jid, 'published_at', l.published_at), ARRAY[g])), ', ' ORDER BY g)
           FROM approval.job_log AS l, unnest('{begin,end}'::text[]) AS g WHERE l.jid = 'wide'), 'begin t t, end t f', 'also of a job on many');
SELECT pg_temp.ask('t_alice', 'package', '{web1}', 'other', '1') AS of_front \gset
SELECT pg_temp.ask('t_alice', 'package', '{web2}', 'other', '1') AS of_back \gset
SELECT pg_temp.ask('t_alice', 'standard', '{web2}', 'another', '1') AS of_type \gset
SELECT is((SELECT string_agg(DISTINCT request_id::text, ',') FROM approval.outbox WHERE destination = 'chat-back'), :'of_back', 'by group and type of a request');
SELECT is(ARRAY[pg_temp.led('drift', 'drift/web1', '{}'), pg_temp.led('drift', 'drift/web2', '{}')], '{chat-drift,NULL}', 'by the minion that drifts');
SELECT is(ARRAY[pg_temp.led('alarms', 'alarm/1', '{"severity": "info"}'), pg_temp.led('alarms', 'alarm/1', '{"severity": "warning"}'),
    pg_temp.led('alarms', 'alarm/1', '{"severity": "critical"}')], '{NULL,chat-oncall 07:00:00,chat-oncall}', 'by severity, and when the quiet hours are over, but what is critical');
SELECT approval.put_route('chat-oncall', 'alarms') \g /dev/null
SELECT is(pg_temp.led('alarms', 'alarm/1', '{"severity": "warning"}'), 'chat-oncall', 'another route that is not quiet tells at once');
SELECT is(ARRAY[approval.put_route('chat-front', 'jobs', '{}', '{"groups": ["front"], "quiet_hours": "nights"}'), approval.drop_route('chat-front', 'jobs'),
    approval.drop_route('chat-front', 'jobs', '{}', '{"groups": ["front"]}'), approval.drop_route('chat-front', 'jobs', '{}', '{"groups": ["front"]}')], '{t,f,t,f}',
    'quiet hours are changed, and a route goes by its lists');

-- Contacts.
DELETE FROM approval.outbox WHERE destination LIKE 'chat-%';
DELETE FROM approval.route;
CREATE FUNCTION pg_temp.put_contact(login text, principal text, channel text, address text, provider text DEFAULT 'pg') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act(login, format('SELECT approval.put_contact(%L, %L, %L, %L, %L)', provider, CASE WHEN provider IS NOT NULL THEN login END, principal, channel, address))
$$;
SELECT is(ARRAY[pg_temp.put_contact('t_policy', 'bob', 'ops', 'T1/U1', NULL), pg_temp.put_contact('t_policy', 'bob', 'ops', 'T1/U1', NULL)], '{true,false}', 'a contact, once');
SELECT is((SELECT act || ' ' || coalesce(identity, '-') || ' ' || detail FROM approval.audit_entry WHERE stream = 0 ORDER BY seq DESC LIMIT 1),
    'contact-put - {"address": "T1/U1", "channel": "ops", "principal": "bob"}', 'it is in the trail');
SELECT is(pg_temp.put_contact('t_bob', NULL, 'mail', 'bob@example.com'), 'true', 'everybody for themselves');
SELECT is((SELECT act || ' ' || identity || ' ' || detail FROM approval.audit_entry WHERE stream = 0 ORDER BY seq DESC LIMIT 1),
    'contact-put pg:t_bob {"address": "bob@example.com", "channel": "mail", "principal": "bob"}', 'by whom');
SELECT throws_ok($$SELECT pg_temp.put_contact('t_bob', 'carol', 'ops', 'T1/U1')$$, 'AP002', 'bob cannot change where carol is told', 'and for nobody else');
SELECT throws_ok($$SELECT pg_temp.put_contact('t_bob', 'carol', 'ops', 'T1/U1', NULL)$$, 'AP002', NULL, 'nor without saying who');
SELECT throws_ok($$SELECT pg_temp.put_contact('t_chat', 'carol', 'ops', 'T1/U1', NULL)$$, 'AP002', NULL, 'as chat cannot either');
SELECT throws_ok($$SELECT pg_temp.act('t_chat', $q$SELECT approval.put_contact('slack', 'T1/U9', NULL, 'ops', 'T1/U9')$q$)$$, 'AP002', NULL, 'nor for whom it does not speak');
SELECT throws_ok($$SELECT pg_temp.put_contact('t_policy', 'nobody', 'ops', 'T1/U1', NULL)$$, 'AP001', NULL, 'nobody has no contact');
SELECT throws_ok(format('SELECT pg_temp.put_contact(''t_policy'', ''bob'', %L, %L, NULL)', channel, address), 'AP017', NULL, format('no contact: %s %s', channel, quote_nullable(replace(address, E'\n', '|'))))
FROM (VALUES ('Ops', 'x'), ('ops', ''), ('ops', E'a\nb'), ('ops', ' x'), (NULL, 'x'), ('ops', NULL)) AS refused (channel, address);
SELECT is(approval.show_policy() -> 'contacts', '{"bob": {"ops": "T1/U1", "mail": "bob@example.com"}}', 'as the policy shows them');
SELECT is((SELECT count(*) FROM approval.identity WHERE subject IN ('T1/U1', 'bob@example.com')), 0::bigint, 'they are no identities');

-- Asking.
CREATE FUNCTION pg_temp.asked(number bigint) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM approval.outbox WHERE destination LIKE 'chat-%';
    UPDATE approval.ask_due SET look_at = '-infinity' WHERE request_id = number;
    PERFORM pg_temp.act('t_chat', 'SELECT approval.ask_people()');
    RETURN (SELECT string_agg(concat_ws(' ', substr(destination, 6), replace(thread, number::text, 'N'), body ->> 'act', body ->> 'state'), ', ' ORDER BY destination, thread)
            FROM approval.outbox WHERE destination LIKE 'chat-%');
END
$$;
SELECT pg_temp.put_contact('t_policy', 'carol', 'ops', 'T1/U2', NULL), pg_temp.put_contact('t_policy', 'dave', 'ops', 'T1/U3', NULL), pg_temp.put_contact('t_policy', 'alice', 'ops', 'T1/U4', NULL) \g /dev/null
SELECT pg_temp.ask('t_alice', 'package', '{web1}', 'asking', '1') AS asking \gset
SELECT is(pg_temp.asked(:asking), 'mail ask/N/bob asked, ops ask/N/bob asked, ops ask/N/carol asked', 'those who can decide now, and not who asked');
SELECT is((SELECT body - 'until' - 'digest' FROM approval.outbox WHERE destination = 'chat-ops' AND thread LIKE '%/carol'), format('{"request": %s, "act": "asked", "principal": "carol",
    "address": "T1/U2", "why": ["owners"], "in_stead_of": null, "stage": 1, "stage_name": "owner", "until_what": "then it expires", "assurance_needed": %s}',
    :asking, (SELECT to_json(min_assurance) FROM approval.request_stage WHERE request_id = :asking AND stage_no = 1))::jsonb, 'with what matters');
SELECT is(pg_temp.asked(:asking), NULL, 'once');
SELECT is(pg_temp.act('t_chat', $$SELECT approval.post_digests('chat-mail', now() - interval '1 hour')$$), '1', 'a digest for who was asked there');
SELECT is((SELECT body #- '{rows,0,until}' FROM approval.outbox WHERE destination = 'chat-mail' AND thread = 'digest/bob' AND topic = 'digest'),
    format('{"principal": "bob", "address": "bob@example.com", "rows": [{"request_id": %s, "title": %s, "requester": "alice", "until_what": "then it expires", "total": 1}]}',
    :asking, (SELECT to_json(t.title) FROM approval.newest_type AS t WHERE t.type_name = 'package'))::jsonb, 'has what waits for them');
SELECT is(pg_temp.act('t_chat', $$SELECT approval.post_digests('chat-mail', clock_timestamp())$$), '0', 'not while one is on its way');
UPDATE approval.outbox SET state = 'delivered', delivered_at = now() WHERE thread = 'digest/bob';
SELECT is(ARRAY[pg_temp.act('t_chat', $$SELECT approval.post_digests('chat-mail', now() - interval '1 hour')$$), pg_temp.act('t_chat', $$SELECT approval.post_digests('chat-mail', clock_timestamp())$$)],
    '{0,1}', 'one since a time');
SELECT is(pg_temp.act('t_chat', $$SELECT approval.post_digests('chat-pager', now())$$), '0', 'none where nobody was asked');
SELECT throws_ok(format($$SELECT pg_temp.act(%L, $q$SELECT approval.post_digests(%L, %s)$q$)$$, login, destination, since), state, NULL, format('no digest: %s %s %s', login, destination, since))
FROM (VALUES ('t_bob', 'chat-mail', 'now()', '42501'), ('t_chat', 'salt', 'now()', 'AP002'), ('t_chat', 'chat-mail', 'NULL', 'AP005'),
        ('t_chat', 'chat-mail', 'clock_timestamp() + interval ''1 hour''', 'AP005')) AS refused (login, destination, since, state);
UPDATE approval.request_stage SET started_at = now() - interval '6 days' WHERE request_id = :asking AND stage_no = 1;
UPDATE approval.request SET submitted_at = now() - interval '6 days', expires_at = now() + interval '5 days' WHERE request_id = :asking;
SELECT is(pg_temp.asked(:asking), 'mail ask/N/bob reminder, ops ask/N/bob reminder, ops ask/N/carol reminder', 'a reminder');
SELECT is(pg_temp.asked(:asking), NULL, 'is one');
UPDATE approval.request SET expires_at = now() + interval '1 hour' WHERE request_id = :asking;
SELECT pg_temp.act('t_bob', $$SELECT approval.mute_contact('pg', 't_bob', 'mail', now() + interval '1 hour')$$) \g /dev/null
SELECT is(pg_temp.asked(:asking), 'mail ask/N/bob over pending, ops ask/N/bob last-call, ops ask/N/carol last-call', 'the last call, where it is not muted');
SELECT is(pg_temp.act('t_bob', $$SELECT string_agg(channel || ' ' || (muted_until IS NOT NULL), ', ') FROM approval.list_contacts('pg', 't_bob')$$), 'mail true, ops false', 'as everybody sees of themselves');
SELECT throws_ok(format($$SELECT pg_temp.act('t_bob', $q$SELECT approval.mute_contact('pg', 't_bob', %L, %L)$q$)$$, channel, until), state, NULL, format('no mute: %s %s', channel, until))
FROM (VALUES ('ops', '2020-01-01', 'AP005'), ('ops', 'infinity', 'AP005'), ('pager', '2099-01-01', 'AP006')) AS refused (channel, until, state);
SELECT pg_temp.decide('t_bob', :asking) \g /dev/null
SELECT is(pg_temp.asked(:asking), 'ops ask/N/bob over pending, ops ask/N/carol asked, ops ask/N/dave asked', 'the next stage has others; one who is in both is asked anew');
SELECT pg_temp.decide('t_dave', :asking, 'reject') \g /dev/null
SELECT is(pg_temp.asked(:asking), 'ops ask/N/carol over rejected, ops ask/N/dave over rejected', 'after the decision it is over for all');
SELECT is((SELECT count(*) FROM approval.asked) + (SELECT count(*) FROM approval.ask_due WHERE request_id = :asking), 0::bigint, 'and nothing is left over');
SELECT is(ARRAY[pg_temp.act('t_policy', $$SELECT approval.drop_contact(NULL, NULL, 'carol', 'ops')$$), pg_temp.act('t_policy', $$SELECT approval.drop_contact(NULL, NULL, 'carol', 'ops')$$),
    pg_temp.act('t_dave', $$SELECT approval.drop_contact('pg', 't_dave', NULL, 'ops')$$)], '{true,false,true}', 'a contact goes, once');

-- Strangers.
SELECT approval.put_speaker('approval_chat', 'slack', 'asserted'), approval.put_identity('slack', 'T1/U1', 'bob') \g /dev/null
SELECT is(pg_temp.act('t_chat', $$SELECT approval.chat_may_ask('slack', 'T1/U1')$$), 'bob', 'who is known may ask');
SELECT is(ARRAY[pg_temp.act('t_chat', $$SELECT approval.chat_may_ask('slack', 'T1/U66')$$), pg_temp.act('t_chat', $$SELECT approval.chat_may_ask('slack', 'T1/U66')$$)], '{NULL,NULL}', 'a stranger may not');
SELECT is((SELECT string_agg(identity, ',') FROM approval.audit_entry WHERE act = 'stranger-refused'), 'slack:T1/U66', 'which is in the trail, once an hour');
SELECT throws_ok($$SELECT pg_temp.act('t_chat', $q$SELECT approval.chat_may_ask('salt', 'bob')$q$)$$, 'AP002', NULL, 'of other providers nobody is looked up');
SELECT throws_ok($$SELECT pg_temp.act('t_chat', $q$SELECT approval.decide('salt', 'bob', 1, 'approve', '', NULL)$q$)$$, 'AP002', NULL, 'nor decides');

-- Before somebody runs something.
CREATE FUNCTION pg_temp.busy(minion text, path text[]) RETURNS jsonb LANGUAGE sql AS $$
SELECT pg_temp.act('t_bob', format('SELECT approval.busy(%L)', minion))::jsonb #> path
$$;
SELECT throws_ok($$SELECT pg_temp.busy('nobody', '{}')$$, 'AP004', NULL, 'an unknown minion');
SELECT throws_ok($$SELECT pg_temp.act('t_stranger', 'SELECT approval.busy()')$$, '42501', NULL, 'strangers are told nothing');
SELECT approval.put_minions('{quiet1,busy1,busy2}'), approval.put_minion_group('busy', '', '{busy1}') \g /dev/null
SELECT is(approval.busy('quiet1') - 'as_of', '{"minion": "quiet1", "running": [], "due": [], "windows": [], "freezes": []}', 'one on which nothing is');
SELECT pg_temp.save(31, '{busy1,busy2}', 'salt ''busy*'' state.apply', 'state.apply', '10 minutes'), pg_temp.save(32, '{busy2}', 'x', age => '5 minutes'),
    pg_temp.save(33, '{busy1}', 'x', age => '2 hours') \g /dev/null
SELECT is(ARRAY(SELECT j ->> 'jid' FROM jsonb_array_elements(pg_temp.busy('busy1', '{running}')) AS j), ARRAY[pg_temp.jid(31)], 'what runs there, and not what was given up');
SELECT is((SELECT concat_ws(' ', j ->> 'command', j ->> 'user', j ->> 'silent') FROM jsonb_array_elements(pg_temp.busy('busy1', '{running}')) AS j),
    'salt ''busy*'' state.apply root 2', 'as it was typed');
SELECT pg_temp.returned(31, 'busy1') \g /dev/null
SELECT is(pg_temp.busy('busy1', '{running}'), '[]', 'until it has returned');
SELECT is(jsonb_array_length(pg_temp.busy('busy2', '{running}')), 2, 'others go on');
SELECT ok((SELECT bool_or(j ->> 'jid' = pg_temp.jid(31)) FROM jsonb_array_elements(pg_temp.busy(NULL, '{running}')) AS j), 'as for all minions');
SELECT approval.put_freeze('audit', now() + interval '1 day', now() + interval '2 days', NULL, 'busy', 'counted'),
    approval.put_freeze('far', now() + interval '20 days', now() + interval '22 days', NULL, 'busy', ''),
    approval.put_request_type('{"name": "nightly", "kind": "package", "requesters": ["*"], "pre_approved": true, "chain": [], "calendar": "nights"}') \g /dev/null
SELECT is(ARRAY[pg_temp.busy('busy1', '{freezes,0,freeze}'), pg_temp.busy('busy1', '{freezes,1}'), pg_temp.busy('busy2', '{freezes,0}')], ARRAY['"audit"'::jsonb, NULL, NULL],
    'freezes of a week, where they hold');
SELECT pg_temp.ask('t_alice', 'nightly', '{busy1}', 'tool', '1') AS nightly \gset
SELECT pg_temp.ask('t_alice', 'standard', '{busy1}', 'later', '1', after => now() + interval '3 days') AS later \gset
SELECT is((SELECT string_agg(concat_ws(' ', d ->> 'type', d ->> 'items', d ->> 'by'), ', ' ORDER BY (d -> 'request')::bigint) FROM jsonb_array_elements(pg_temp.busy('busy1', '{due}')) AS d),
    'nightly 1, standard 1 after', 'what is due, and what holds it back');
SELECT is(pg_temp.busy('busy1', '{windows,0,calendar}'), '"nights"', 'and its window');
SELECT is((SELECT d ->> 'waiting_for' FROM jsonb_array_elements(pg_temp.busy(NULL, '{due}')) AS d WHERE d ->> 'request' = :'later') LIKE 'takes effect %', true, 'of all: as in a list of requests');

-- Old news.
DELETE FROM approval.outbox WHERE destination LIKE 'chat-%';
DELETE FROM approval.job_told;
SELECT approval.put_contact(NULL, NULL, 'bob', 'ops', 'T1/U1') \g /dev/null
SELECT pg_temp.ask('t_alice', 'package', '{web2}', 'open', '1') AS open \gset
SELECT pg_temp.act('t_chat', 'SELECT approval.ask_people()') \g /dev/null
INSERT INTO approval.job_told (jid, published_at, look_at) VALUES ('8', now(), now());
INSERT INTO approval.alarm (kind, severity, minions, minion_count, cause, alike, what, first_at, last_at, count)
VALUES ('drift', 'warning', '{web1}', 1, 'a', 'a', 'x', now(), now(), 1) RETURNING alarm_id AS alarm \gset
INSERT INTO approval.chat_message VALUES ('chat-ops', 'ask/0/carol', '9', 'D9', now()), ('chat-ops', 'drift/web2', '10', 'C9', now()),
    ('chat-ops', 'alarm/x', '11', 'C9', now());
INSERT INTO approval.silence VALUES ('web_', now(), '1', 'state.apply', now(), 1);
SELECT approval.post_message('chat-ops', 'x', thread, substring(thread FROM '^request/(.*)')::bigint, '{}', now() - age, coalesce(due, '-infinity'))
FROM (VALUES ('job/7', interval '2 hours', NULL), ('job/7', '2 hours', NULL), ('job/8', '2 hours', NULL), ('job/9', '1 minute', NULL), ('job/10', '2 hours', now() + interval '1 hour'),
        ('request/' || :open, '2 hours', NULL), ('request/' || :asking, '2 hours', NULL), ('ask/0/bob', '2 hours', NULL), ('ask/0/carol', '2 hours', NULL),
        ('alarm/' || :alarm, '2 hours', NULL), ('alarm/0', '2 hours', NULL), ('alarm/x', '2 hours', NULL), ('drift/web_', '2 hours', NULL), ('drift/web1', '2 hours', NULL), ('drift/web2', '2 hours', NULL), ('weather/today', '2 hours', NULL))
    AS old (thread, age, due) \g /dev/null
UPDATE approval.outbox SET created_at = now() - interval '2 hours' WHERE thread = format('ask/%s/bob', :open);
SELECT throws_ok(format('SELECT pg_temp.act(''t_chat'', %L)', statement), state, NULL, statement)
FROM (VALUES ('SELECT * FROM approval.drop_stale(''salt'', ''1 hour'')', 'AP002'), ('SELECT * FROM approval.drop_stale(''chat-ops'', ''1 minute'')', 'AP005'),
        ('SELECT * FROM approval.drop_stale(''chat-ops'', NULL)', 'AP005')) AS refused (statement, state);
SELECT is(pg_temp.act('t_chat', $$SELECT string_agg(concat_ws(' ', kind, threads, messages), ', ') FROM approval.drop_stale('chat-ops', '1 hour')$$),
    'alarm 1 1, ask 1 1, drift 1 1, job 1 2, request 1 1', 'what is old and over is dropped and counted');
SELECT is((SELECT string_agg(regexp_replace(thread, '^(ask|request)/' || :open || '\M', '\1/N'), ',' ORDER BY regexp_replace(thread, '^(ask|request)/' || :open || '\M', '\1/N') COLLATE "C") FROM approval.outbox WHERE destination = 'chat-ops'),
    'alarm/' || :alarm || ',alarm/x,ask/0/carol,ask/N/bob,drift/web2,drift/web_,job/10,job/8,job/9,request/N,weather/today', 'all that still matters stays');
SELECT is((SELECT detail::jsonb #>> '{dropped,job,messages}' FROM approval.audit_entry WHERE act = 'news-dropped'), '2', 'which is in the trail');
SELECT is(pg_temp.act('t_chat', $$SELECT count(*) FROM approval.drop_stale('chat-ops', '1 hour')$$), '0', 'once');

-- One process hears.
CREATE FUNCTION pg_temp.held(holder text, lease interval) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_chat', format('SELECT approval.hold_socket(''app'', %L, %L)', holder, lease))
$$;
SELECT is(ARRAY[pg_temp.held('a', '1 min'), pg_temp.held('b', '1 min'), pg_temp.held('a', '1 min')], '{true,false,true}', 'one process hears, and goes on');
SELECT is(ARRAY[pg_temp.held('a', '0'), pg_temp.held('b', '1 min'), pg_temp.held('a', '1 min')], '{true,true,false}', 'until it leaves it to another');
UPDATE approval.chat_socket SET leased_until = now() - interval '1 s';
SELECT is(pg_temp.held('c', '1 min'), 'true', 'or has not been there for so long');
SELECT throws_ok($$SELECT pg_temp.held('c', '11 min')$$, 'AP005', NULL, 'nobody holds it for longer');
SELECT throws_ok($$SELECT pg_temp.held('c', NULL)$$, 'AP005', NULL, 'nor without an end');
SELECT throws_ok($$SELECT pg_temp.act('t_bob', $q$SELECT approval.hold_socket('app', 'x', '1 s')$q$)$$, '42501', NULL, 'nor does anybody else');

SELECT * FROM finish();
ROLLBACK;
