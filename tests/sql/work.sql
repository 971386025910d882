-- Work that stands, as findings of the check and of the page on health.
BEGIN;
\ir support/fixture.sql
SELECT plan(22);

CREATE ROLE t_portal LOGIN; GRANT approval_portal TO t_portal;
SELECT approval.put_speaker('t_portal', 'web', 'authenticated'), approval.put_identity('web', 'alice', 'alice') \g /dev/null
SELECT pg_temp.act('t_portal', 'SELECT approval.begin_session(''web'', ''alice'', sha256(''a''), ''c'', NULL, ''infinity'', ''{}'')') \g /dev/null
CREATE FUNCTION pg_temp.health(token text DEFAULT 'a') RETURNS jsonb LANGUAGE sql AS $$
SELECT pg_temp.act('t_portal', format('SELECT approval.show_health_by_session(sha256(%L))', token))::jsonb
$$;
CREATE FUNCTION pg_temp.found(what text) RETURNS text LANGUAGE sql AS $$
SELECT string_agg(severity || ': ' || problem, E'\n' ORDER BY problem) FROM approval.check_work() WHERE subject = what
$$;
SELECT throws_ok($$SELECT pg_temp.health('b')$$, 'AP021', NULL, 'nothing is told without a session');
SELECT is(approval.seal_audit() > 0, true, 'all is sealed');
SELECT is_empty('SELECT * FROM approval.check_work()', 'nothing stands');

-- Messages.
SELECT approval.put_route('chat', 'requests') \g /dev/null
SELECT pg_temp.ask('t_alice', 'package', '{web1}', 'hello', '1') AS first \gset
SELECT pg_temp.ask('t_alice', 'package', '{web2}', 'hello', '1') AS second \gset
SELECT pg_temp.decide('t_bob', :first) \g /dev/null
SELECT is(pg_temp.found('messages to chat'), NULL, 'messages that have just come');
UPDATE approval.outbox SET created_at = now() - interval '2 hours', due_at = '-infinity';
SELECT is(pg_temp.found('messages to chat'), 'warning: 2 messages wait since ' || approval.when_text(now() - interval '2 hours') || ', and none is taken', 'those that nobody takes: the first of each thread');
UPDATE approval.outbox SET leased_until = now() + interval '1 minute' WHERE thread = 'request/' || :second;
SELECT matches(pg_temp.found('messages to chat'), '^warning: 1 message waits since ', 'one that was taken is none');
UPDATE approval.outbox SET due_at = now() + interval '1 hour' WHERE thread = 'request/' || :first;
SELECT is(pg_temp.found('messages to chat'), NULL, 'nor is one that is not due');
UPDATE approval.outbox SET state = 'dead', last_error = 'no such channel' WHERE thread = 'request/' || :first AND seq = 1;
SELECT is(pg_temp.found('messages to chat'), 'warning: 1 message could not be delivered since ' || approval.when_text(now() - interval '2 hours')
    || ', and what comes behind in the same thread waits; the last error: no such channel', 'a dead one is told of, with its error, and not what waits behind it');
SELECT is((SELECT remedy FROM approval.check_work() WHERE subject = 'messages to chat'),
    'See why: salt-approval outbox list --state dead. Once that is mended: salt-approval outbox retry THREAD --destination chat', 'and how to mend it');
SELECT is((SELECT array_agg(f ->> 'severity') FROM jsonb_array_elements(pg_temp.health() -> 'findings') AS f WHERE f ->> 'subject' = 'messages to chat'), '{warning}', 'the web says the same');
SELECT is(jsonb_path_query_array(pg_temp.health(), '$.numbers[*] ? (@.name == "saltext_approval_outbox_messages" && @.labels.state == "dead" && @.labels.destination == "chat").value'), '[1]', 'and has the number');
DELETE FROM approval.outbox;

-- Sending.
SELECT pg_temp.act('t_bob', 'SELECT approval.pause_all(''pg'', ''t_bob'', ''an outage'')') \g /dev/null
SELECT matches(pg_temp.found('sending'), '^warning: all of it is paused since .* by bob: an outage$', 'a pause of all sending');
SELECT is(pg_temp.found('rollout of request ' || :first), NULL, 'no rollout');

-- The audit.
SELECT is(pg_temp.found('audit'), NULL, 'acts that have just come');
SET LOCAL session_replication_role = replica;
UPDATE approval.audit_entry SET at = now() - interval '1 hour' WHERE stream = :first;
SELECT is(pg_temp.found('audit'), 'error: acts since ' || approval.when_text(now() - interval '1 hour') || ' are not sealed', 'those that are not sealed');
SELECT approval.seal_audit() \g /dev/null
SELECT is(pg_temp.found('audit'), NULL, 'then they are');

-- Requests end by themselves.
SELECT is(pg_temp.found('requests'), NULL, 'nothing is late');
UPDATE approval.request SET expires_at = now() - interval '1 hour' WHERE request_id = :second;
SELECT is(pg_temp.found('requests'), 'error: what was to end by itself ' || approval.when_text(now() - interval '1 hour') || ' still stands', 'what should have ended');

-- Catalogs.
INSERT INTO approval.catalog (sources, system, release, is_complete, content, is_apart, collected_at, seen_at)
VALUES (repeat('a', 64), 'Debian', '12', true, repeat('b', 64), false, now(), now() - interval '8 days');
SELECT is(pg_temp.found('catalogs'), NULL, 'a catalog that no minion has');
INSERT INTO approval.catalog_member (minion_id, catalog_id, is_proven, seen_at) SELECT 'web1', catalog_id, true, now() FROM approval.catalog;
SELECT matches(pg_temp.found('catalogs'), '^warning: 1 catalog of packages that minions have was last read before ', 'one that was not read for a week');
UPDATE approval.catalog SET seen_at = now() - interval '6 days';
SELECT is(pg_temp.found('catalogs'), NULL, 'one that was');
SELECT is((SELECT count(*) FROM jsonb_array_elements(pg_temp.health() -> 'findings') AS f), (SELECT count(*) FROM approval.check_policy()) + (SELECT count(*) FROM approval.check_work())
    + (SELECT count(*) FROM approval.check_job_log()) + (SELECT count(*) FROM approval.check_alarms()), 'the web has all findings');
SELECT * FROM finish();
ROLLBACK;
