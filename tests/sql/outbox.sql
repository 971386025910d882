-- What other systems are told, by which routes, and in which order it can be taken.
BEGIN;
\ir support/fixture.sql
SELECT plan(41);

CREATE FUNCTION pg_temp.told(to_whom text) RETURNS text LANGUAGE sql AS $$
SELECT string_agg(thread || ' ' || seq || ' ' || coalesce(body ->> 'act', topic), ', ' ORDER BY thread, seq) FROM approval.outbox WHERE destination = to_whom
$$;
CREATE FUNCTION pg_temp.claimed(to_whom text, most integer DEFAULT 10) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_engine', format(
    'SELECT string_agg(thread || '' '' || seq, '', '' ORDER BY thread) FROM approval.claim_outbox(%L, ''1 min'', %L)', to_whom, most))
$$;
CREATE FUNCTION pg_temp.settled(to_whom text, of_thread text, number bigint, outcome text) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_engine', format('SELECT approval.settle_outbox(%L, %L, %s, %L, NULL, ''no answer'')', to_whom, of_thread, number, outcome))
$$;
CREATE FUNCTION pg_temp.tell(topic text, thread text, body jsonb DEFAULT '{"a": 1}') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_engine', format('SELECT approval.tell(%L, %L, %L)', topic, thread, body))
$$;

-- Routes.
SELECT pg_temp.ask('t_alice', 'package', '{web1}', 'hello', '1') AS before \gset
SELECT is((SELECT count(*) FROM approval.outbox), 0::bigint, 'without a route nobody is told');
SELECT is(pg_temp.tell('drift', 'drift/web1'), '0', 'of anything');
SELECT is(ARRAY[pg_temp.act('t_policy', $$SELECT approval.put_route('chat', 'requests', '{"act": "approve"}')$$),
                pg_temp.act('t_policy', $$SELECT approval.put_route('chat', 'requests', '{"act": "approve"}')$$)], '{true,false}', 'a route, once');
SELECT is((SELECT act || ' ' || detail FROM approval.audit_entry WHERE stream = 0 ORDER BY seq DESC LIMIT 1),
    'route-put {"topic": "requests", "filter": {"act": "approve"}, "destination": "chat"}', 'it is in the trail');
SELECT approval.put_route('chat', 'requests', '{"type": "package", "act": "approve"}'), approval.put_route('wiki', 'requests'),
    approval.put_route('chat', 'drift') \g /dev/null
SELECT throws_ok(format('SELECT approval.put_route(%L, %L, %L)', destination, topic, filter), 'AP017', NULL, format('no route: %s %s %s', destination, topic, filter))
FROM (VALUES ('salt', 'requests', '{}'), ('Chat', 'requests', '{}'), ('chat', 'dispatch', '{}'), ('chat', 'requests', '[]'), (NULL, 'requests', '{}'),
        ('chat', 'requests', NULL)) AS refused (destination, topic, filter);
SELECT is(approval.show_policy() -> 'routes', '{"chat": [{"topic": "drift", "filter": {}}, {"topic": "requests", "filter": {"act": "approve"}},
    {"topic": "requests", "filter": {"act": "approve", "type": "package"}}], "wiki": [{"topic": "requests", "filter": {}}]}', 'as the policy shows them');
SELECT throws_ok($$SELECT pg_temp.act('t_engine', $q$SELECT approval.put_route('chat', 'jobs')$q$)$$, '42501', NULL, 'nobody else makes one');

-- What is told of a request.
SELECT pg_temp.ask('t_alice', 'package', '{web1,web2}', 'other', '1') AS first \gset
SELECT pg_temp.decide('t_bob', :first) \g /dev/null
SELECT is(pg_temp.told('wiki'), format('request/%s 1 submitted, request/%1$s 2 approve', :first), 'each act on a request');
SELECT is(pg_temp.told('chat'), format('request/%s 1 approve', :first), 'or those that a route is for, once, though two lead there');
SELECT is((SELECT body - 'at' - 'detail' FROM approval.outbox WHERE destination = 'chat'), format(
    '{"request": %s, "seq": 2, "act": "approve", "principal": "bob", "identity": "pg:t_bob", "assurance": "authenticated", "type": "package"}', :first)::jsonb,
    'as it was recorded');
SELECT is((SELECT o.body -> 'detail' FROM approval.outbox AS o WHERE destination = 'chat'), (
    SELECT detail::jsonb FROM approval.audit_entry WHERE stream = :first AND act = 'approve'), 'with all details');

-- What the engine tells.
SELECT is(ARRAY[pg_temp.tell('drift', 'drift/web1'), pg_temp.tell('drift', 'drift/web1', '{"a": 2}'), pg_temp.tell('drift', 'drift/web2'),
                pg_temp.tell('jobs', 'job/1')], '{1,1,1,0}', 'the engine tells those who want to know');
SELECT throws_ok(format('SELECT pg_temp.tell(%L, %L, %L)', topic, thread, body), 'AP005', NULL, format('no notice: %s %s %s', topic, thread, body))
FROM (VALUES ('requests', 'drift/web1', '{}'::jsonb), ('dispatch', 'drift/web1', '{}'), (NULL, 'drift/web1', '{}'), ('drift', 'request/1', '{}'), ('drift', 'web1', '{}'),
        ('drift', NULL, '{}'), ('drift', 'drift/web1', '[]')) AS refused (topic, thread, body);
SELECT throws_ok($$SELECT pg_temp.act('t_bob', $q$SELECT approval.tell('drift', 'drift/web1', '{}')$q$)$$, '42501', NULL, 'nobody else tells anything');

-- In order for each thread.
SELECT is(pg_temp.claimed('chat', 2), 'drift/web1 1, request/' || :first || ' 1', 'so many at once, the oldest first, one of each thread');
SELECT is(pg_temp.claimed('chat'), 'drift/web2 1', 'none of which is claimed twice');
SELECT is(pg_temp.settled('chat', 'drift/web1', 1, 'delivered') || ' ' || pg_temp.claimed('chat'), 'delivered drift/web1 2', 'then the next of the thread');
UPDATE approval.outbox SET attempts = 11 WHERE thread = 'drift/web1' AND seq = 2;
SELECT is(pg_temp.settled('chat', 'drift/web1', 2, 'failed'), 'dead', 'one that fails too often is dead');
SELECT pg_temp.tell('drift', 'drift/web1'), pg_temp.settled('chat', 'drift/web2', 1, 'delivered'), pg_temp.tell('drift', 'drift/web2') \g /dev/null
SELECT is(pg_temp.claimed('chat'), 'drift/web2 2', 'and halts its thread alone');
SELECT is(pg_temp.act('t_engine', 'SELECT count(*) FROM approval.due_outbox(''chat'', ''{}'', 10) WHERE thread = ''drift/web1'''), '0',
    'what it halts is not due');
SELECT is(pg_temp.act('t_engine', 'SELECT string_agg(concat_ws('' '', thread, request_id), '', '') FROM approval.due_outbox(''wiki'', ''{}'', 10)'),
    format('request/%s %1$s', :first), 'what may be due');
SELECT is(pg_temp.act('t_engine', format('SELECT count(*) FROM approval.due_outbox(''wiki'', ''{request/%s}'', 10)', :first)), '0', 'but what was passed over');
SELECT is(pg_temp.act('t_bob', 'SELECT approval.retry_outbox(''pg'', ''t_bob'', ''chat'', ''drift/web1'')') || ' ' || pg_temp.claimed('chat'), '1 drift/web1 2',
    'a thread gets another chance');
SELECT is((SELECT act || ' ' || detail FROM approval.audit_entry WHERE stream = 0 ORDER BY seq DESC LIMIT 1),
    'outbox-retried {"thread": "drift/web1", "messages": [2], "destination": "chat"}', 'which is in the trail');
SELECT throws_ok($$SELECT pg_temp.act('t_bob', $q$SELECT approval.retry_outbox('pg', 't_bob', 'chat', NULL)$q$)$$, 'AP006', NULL, 'no thread');

-- What becomes of them.
SELECT is(pg_temp.act('t_alice', format('SELECT approval.cancel_request(''pg'', ''t_alice'', %s, '''')', :first)) || ' ' || pg_temp.told('wiki'),
    format('cancelled request/%s 1 submitted, request/%1$s 2 approve, request/%1$s 3 cancelled', :first), 'that a request ended is told too');
SELECT is(pg_temp.act('t_bob', format('SELECT approval.drop_outbox(''pg'', ''t_bob'', ''wiki'', ''request/%s'')', :first)) || coalesce(pg_temp.told('wiki'), ''), '3',
    'dropping messages is no message');
SELECT is(ARRAY[approval.drop_route('wiki', 'requests'), approval.drop_route('wiki', 'requests')], '{t,f}', 'a route goes, once');
SELECT pg_temp.ask('t_alice', 'package', '{web2}', 'third', '1') \g /dev/null
SELECT is(pg_temp.told('wiki'), NULL, 'and nothing is told any more');
SELECT is(pg_temp.act('t_bob', 'SELECT string_agg(DISTINCT is_routed::text, '''') FROM approval.list_outbox(NULL, 100) WHERE destination = ''chat'''), 'true', 'others go on');
SELECT * FROM finish();
ROLLBACK;
