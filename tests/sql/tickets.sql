-- Tickets ask, are decided on and hold what they asked for; each login acts for its own sites alone.
BEGIN;
\ir support/fixture.sql
SELECT plan(112);
CREATE ROLE t_itsm LOGIN; GRANT approval_itsm TO t_itsm;
CREATE ROLE t_other LOGIN; GRANT approval_itsm TO t_other;
SELECT approval.put_speaker('t_itsm', 'jira-a', 'authenticated'), approval.put_speaker('t_itsm', 'jira-b', 'asserted'),
    approval.put_speaker('t_other', 'sn-c', 'authenticated') \g /dev/null
SELECT approval.put_identity(site, name, name)
FROM unnest(ARRAY['alice', 'bob', 'carol', 'dave']) AS name, unnest(ARRAY['jira-a', 'jira-b', 'sn-c']) AS site \g /dev/null

-- Deliveries.
CREATE FUNCTION pg_temp.receive(key text, ticket text, login text DEFAULT 't_itsm', site text DEFAULT 'jira-a') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act(login, format('SELECT approval.receive_delivery(%L, %L, %L, ''{"a": 1}'')', site, key, ticket))
$$;
CREATE FUNCTION pg_temp.claim(most integer DEFAULT 10, login text DEFAULT 't_itsm', site text DEFAULT 'jira-a') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act(login, format('SELECT string_agg(key, '','') FROM approval.claim_deliveries(%L, %s, ''1 minute'')', site, most))
$$;
CREATE FUNCTION pg_temp.settle(key text, outcome text, due timestamptz DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_itsm', format('SELECT approval.settle_delivery(''jira-a'', %L, %L, %L, ''a note'')', key, outcome, due))
$$;
SELECT is(ARRAY[pg_temp.receive('k1', '1'), pg_temp.receive('k1', '1'), pg_temp.receive('k2', '1'), pg_temp.receive('k3', '2')], '{new,known,new,new}',
    'a delivery is kept once');
SELECT is(pg_temp.receive('k1', '9', 't_other', 'sn-c'), 'new', 'keys are each site''s own');
SELECT is(ARRAY[pg_temp.claim(), pg_temp.claim()], '{"k1,k3",NULL}', 'of each ticket the first is claimed, for some time');
SELECT is(pg_temp.settle('k1', 'done'), 'done', 'it ends');
SELECT is((SELECT content IS NULL AND note = 'a note' FROM approval.ticket_delivery WHERE provider = 'jira-a' AND key = 'k1'), true, 'and its content with it');
SELECT is(ARRAY[pg_temp.settle('k1', 'done'), pg_temp.receive('k1', '1')], '{NULL,known}', 'for good; when it comes again it is known');
SELECT is(pg_temp.claim(), 'k2', 'then the next one of its ticket is');
SELECT is(ARRAY[pg_temp.settle('k2', 'later', now() + interval '1 hour'), pg_temp.claim()], '{waiting,NULL}', 'one can wait for a time');
SELECT is(ARRAY[pg_temp.settle('k3', 'failed'), pg_temp.claim()], '{waiting,NULL}', 'one that failed waits for a while');
SELECT is((SELECT array_agg(pg_temp.settle('k3', 'failed')) FROM generate_series(2, 12)), array_fill('waiting'::text, ARRAY[10]) || 'dead'::text,
    'and after twelve failures it is given up');
SELECT is((SELECT what FROM approval.alarm_signal WHERE kind = 'ticket-delivery-dead'),
    'a delivery of jira-a for ticket 2 failed 12 times and is given up: a note', 'with an alarm');
SELECT is((SELECT content FROM approval.ticket_delivery WHERE key = 'k3'), '{"a": 1}', 'its content stays, to be looked at');
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', login, statement), 'AP002', NULL, format('%s: %s', login, statement))
FROM (VALUES ('t_other', 'SELECT approval.receive_delivery(''jira-a'', ''x'', ''x'', ''{}'')'),
    ('t_itsm', 'SELECT approval.receive_delivery(NULL, ''x'', ''x'', ''{}'')'),
    ('t_itsm', 'SELECT approval.receive_delivery(''pg'', ''x'', ''x'', ''{}'')'),
    ('t_other', 'SELECT approval.claim_deliveries(''jira-a'', 1, ''1 minute'')'),
    ('t_other', 'SELECT approval.settle_delivery(''jira-a'', ''k2'', ''done'', NULL, NULL)'),
    ('t_other', 'SELECT approval.bind_ticket(''jira-a'', ''1'', 1, now())'),
    ('t_other', 'SELECT approval.hold_ticket(''jira-a'', ''1'', ''why'')'),
    ('t_other', 'SELECT approval.release_ticket(''jira-a'', ''1'', ''d1'')'),
    ('t_other', 'SELECT approval.refuse_ticket(''jira-a'', ''1'', ''why'', NULL, false)'),
    ('t_other', 'SELECT approval.claim_outbox(''jira-a'', ''1 minute'')'),
    ('t_other', 'SELECT approval.due_outbox(''jira-a'', ''{}'', 1)'),
    ('t_other', 'SELECT approval.settle_outbox(''jira-a'', ''request/1'', 1, ''delivered'', NULL, NULL)'),
    ('t_itsm', 'SELECT approval.claim_outbox(''salt'', ''1 minute'')')) AS refused (login, statement);
SELECT approval.put_speaker('t_other', 'salt', 'asserted') \g /dev/null
SELECT throws_ok($$SELECT pg_temp.act('t_other', 'SELECT approval.claim_outbox(''salt'', ''1 minute'')')$$, 'AP002', NULL,
    'nobody but the engine gets what is sent to minions, whatever the policy says');
SELECT throws_ok(format('SELECT pg_temp.act(''t_itsm'', %L)', statement), 'AP005', NULL, statement)
FROM unnest(ARRAY['SELECT approval.receive_delivery(''jira-a'', '''', ''x'', ''{}'')', 'SELECT approval.receive_delivery(''jira-a'', ''x'', repeat(''x'', 256), ''{}'')',
    'SELECT approval.receive_delivery(''jira-a'', ''x'', ''x'', NULL)', 'SELECT approval.settle_delivery(''jira-a'', ''k2'', ''gone'', NULL, NULL)',
    'SELECT approval.settle_delivery(''jira-a'', ''k2'', ''later'', NULL, NULL)']) AS statement;

-- Asking.
CREATE FUNCTION pg_temp.ticket(id text, digest text) RETURNS jsonb LANGUAGE sql AS $$
SELECT jsonb_build_object('id', id, 'key', 'SC-' || id, 'url', 'https://a.example/browse/SC-' || id, 'digest', digest)
$$;
CREATE FUNCTION pg_temp.wants(id text, digest text, version text DEFAULT '1', type text DEFAULT 'package', who text DEFAULT 'alice',
    for_whom text DEFAULT NULL, minions text[] DEFAULT '{web1}', after timestamptz DEFAULT NULL, editors text[] DEFAULT '{}',
    site text DEFAULT 'jira-a', login text DEFAULT 't_itsm', package text DEFAULT 'hello') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act(login, format(
    'SELECT concat_ws('' '', generation, outcome) FROM approval.ask_by_ticket(%L, %L, %L, %L, %L, ''because'', %L, %L, %L, %L, %L, %L)',
    site, who, for_whom, pg_temp.ticket(id, digest), type, minions, array_fill('package'::text, ARRAY[cardinality(minions)]),
    array_fill(package, ARRAY[cardinality(minions)]), array_fill(version, ARRAY[cardinality(minions)]), after, editors))
$$;
CREATE FUNCTION pg_temp.of_ticket(id text, site text DEFAULT 'jira-a') RETURNS bigint LANGUAGE sql AS $$
SELECT (approval.newest_of_ticket(site, id)).request_id
$$;
CREATE FUNCTION pg_temp.told(id text) RETURNS text LANGUAGE sql AS $$
SELECT string_agg(body ->> 'event', ',' ORDER BY seq) FROM approval.outbox
WHERE destination = 'jira-a' AND topic = 'ticket' AND request_id = pg_temp.of_ticket(id)
$$;
SELECT is(pg_temp.wants('1', 'd1', for_whom => 'dave'), '1 new', 'a ticket asks');
SELECT is((SELECT concat_ws(' ', r.source, r.external_ref, r.assurance, asker.name, other.name) FROM approval.request AS r
    JOIN approval.principal AS asker ON asker.principal_id = r.requester_id JOIN approval.principal AS other ON other.principal_id = r.on_behalf_of
    WHERE r.request_id = pg_temp.of_ticket('1')), 'jira-a 1#1 authenticated alice dave', 'in the name of its creator, for its reporter');
SELECT is(pg_temp.wants('1', 'd1', for_whom => 'dave'), '1 same', 'again: nothing');
SELECT is(pg_temp.told('1'), 'asked', 'and is told');
SELECT is((SELECT count(*) FROM approval.request WHERE source = 'jira-a'), 1::bigint, 'it is one request');
SELECT is(pg_temp.wants('1', 'd1', site => 'sn-c', login => 't_other'), '1 new', 'another site''s ticket of the same id is another');
SELECT is(pg_temp.wants('10', 'd1', for_whom => 'alice'), '1 new', 'creator and reporter may be one');
SELECT throws_ok($$SELECT pg_temp.wants('2', 'd1', who => 'nobody')$$, 'AP001', NULL, 'somebody unknown asks for nothing');
SELECT throws_ok($$SELECT pg_temp.wants('2', 'd1', for_whom => 'nobody')$$, 'AP001', NULL, 'nor for somebody unknown');
SELECT throws_ok($$SELECT pg_temp.wants('2', 'd1', login => 't_other')$$, 'AP002', NULL, 'a login asks for its own sites alone');
SELECT throws_ok($$SELECT pg_temp.wants('2', 'd1', minions => '{nowhere}')$$, 'AP004', NULL, 'one unknown minion refuses all');
SELECT throws_ok($$SELECT pg_temp.wants('2', '')$$, 'AP005', NULL, 'a ticket has a digest');
SELECT throws_ok($$SELECT pg_temp.wants('2 3', 'd1')$$, 'AP005', NULL, 'and an id');
SELECT throws_ok($$SELECT pg_temp.act('t_itsm', 'SELECT approval.ask_by_ticket(''jira-a'', ''alice'', NULL,
    ''{"id": "2", "key": "SC-2", "digest": "d", "seen_at": "soon"}'', ''package'', '''', ''{web1}'', ''{package}'', ''{x}'', ''{1}'', NULL, ''{}'')')$$,
    'AP005', NULL, 'was seen at a time');
SELECT throws_ok($$SELECT pg_temp.wants('1', 'd2', after => 'infinity', for_whom => 'dave')$$, 'AP016', NULL, 'a time has an end');
SELECT throws_ok($$SELECT pg_temp.act('t_alice', format('SELECT approval.amend_request(''pg'', ''t_alice'', %s, ''{web1}'', ''{package}'', ''{hello}'', ''{9}'', '''')',
    pg_temp.of_ticket('10')))$$, 'AP006', NULL, 'what a ticket asks for is changed there');

-- Refusing.
CREATE FUNCTION pg_temp.refuse(id text, reason text DEFAULT 'why', decider text DEFAULT NULL, ends boolean DEFAULT false) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_itsm', format('SELECT approval.refuse_ticket(''jira-a'', %L, %L, %L, %L)', id, reason, decider, ends))
$$;
CREATE FUNCTION pg_temp.refused(id text) RETURNS SETOF text LANGUAGE sql AS $$
SELECT concat_ws('/', o.seq, o.topic, o.body ->> 'reason', o.body ->> 'decider', o.body ->> 'ends') FROM approval.outbox AS o
WHERE o.destination = 'jira-a' AND o.thread = 'ticket/' || id AND o.request_id IS NULL AND o.body ->> 'event' = 'refused' ORDER BY o.seq
$$;
CREATE FUNCTION pg_temp.settle_told(seq integer, outcome text) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_itsm', format('SELECT approval.settle_outbox(''jira-a'', ''ticket/77'', %s, %L, NULL, NULL)', seq, outcome))
$$;
SELECT is(ARRAY[pg_temp.refuse('77'), pg_temp.refuse('77'), pg_temp.refuse('77', 'else'), pg_temp.refuse('77', decider => 'Bob'), pg_temp.refuse('77', decider => 'Bob')],
    '{true,false,true,true,false}', 'a ticket is told each refusal once');
SELECT is(ARRAY(SELECT pg_temp.refused('77')), '{1/ticket/why/false,2/ticket/else/false,3/ticket/why/Bob/false}', 'in their order');
SELECT is(ARRAY[pg_temp.settle_told(1, 'delivered'), pg_temp.refuse('77')], '{delivered,false}', 'also where it was told already');
SELECT is(ARRAY[pg_temp.refuse('77', ends => true), pg_temp.refuse('77', ends => true)], '{true,false}', 'one that ends it waits once');
UPDATE approval.outbox SET leased_until = now() + interval '1 minute' WHERE thread = 'ticket/77' AND seq = 4;
SELECT is(ARRAY[pg_temp.refuse('77', ends => true), pg_temp.refuse('77', ends => true)], '{true,false}', 'one that is told just now may have come too early for the next end');
SELECT is(ARRAY[pg_temp.settle_told(4, 'delivered'), pg_temp.settle_told(5, 'delivered'), pg_temp.refuse('77', ends => true)], '{delivered,delivered,true}',
    'a ticket that came back is ended again');
SELECT is((SELECT array_agg(pg_temp.settle_told(6, 'failed')) FROM generate_series(1, 12)) || pg_temp.refuse('77', ends => true),
    array_fill('waiting'::text, ARRAY[11]) || '{dead,false}', 'nothing comes behind one that was given up, however often the ticket is looked at');
SELECT throws_ok(format('SELECT pg_temp.refuse(%s)', given), 'AP005', NULL, format('no refusal: %s', left(given, 40)))
FROM unnest(ARRAY[$$NULL$$, $$'7 7'$$, $$'7', ''$$, $$'7', repeat('x', 1001)$$, $$'7', 'why', ''$$, $$'7', 'why', 'Bob', NULL$$]) AS given;

-- Deciding.
CREATE FUNCTION pg_temp.vote(who text, id text, entry text, digest text DEFAULT 'd1', at timestamptz DEFAULT now() + interval '1 second',
    assurance text DEFAULT 'authenticated', decision text DEFAULT 'approve', site text DEFAULT 'jira-a', login text DEFAULT 't_itsm') RETURNS text
    LANGUAGE sql AS $$
SELECT pg_temp.act(login, format('SELECT approval.decide_by_ticket(%L, %L, %s, %L, ''fine'', %L, %L, %L)', site, who, pg_temp.of_ticket(id, 'jira-a'), decision,
    digest, jsonb_build_object('key', entry, 'at', at, 'issue', id), assurance))
$$;
SELECT throws_ok($$SELECT pg_temp.vote('bob', '1', 'h1')$$, 'AP011', NULL, 'nothing is decided before the ticket tells what is asked for');
SELECT is(pg_temp.act('t_itsm', 'SELECT approval.bind_ticket(''jira-a'', ''1'', 1, now())')::bigint, pg_temp.of_ticket('1'), 'it tells');
SELECT is(pg_temp.act('t_itsm', 'SELECT approval.bind_ticket(''jira-a'', ''10'', 1, now(), ''d0'')'), NULL, 'what was changed since is not bound by it');
SELECT is((SELECT bound_at FROM approval.ticket_request WHERE request_id = pg_temp.of_ticket('10')), NULL, 'at all');
SELECT throws_ok($$SELECT pg_temp.act('t_itsm', 'SELECT approval.bind_ticket(''jira-a'', ''1'', 2, now())')$$, 'AP014', NULL, 'no request that there is not');
SELECT throws_ok($$SELECT pg_temp.act('t_itsm', 'SELECT approval.bind_ticket(''jira-a'', ''1'', 1, NULL)')$$, 'AP005', NULL, 'since a time');
SELECT throws_ok(format('SELECT pg_temp.vote(%s)', given), code, NULL, message) FROM (VALUES
    ($$'bob', '1', 'h1', at => now() - interval '1 second'$$, 'AP011', 'no decision from before counts'),
    ($$'bob', '1', 'h1', digest => 'd2'$$, 'AP011', 'none on another content'),
    ($$'bob', '1', 'h1', digest => NULL$$, 'AP005', 'none on no content'),
    ($$'alice', '1', 'h1'$$, 'AP007', 'none of who asked'),
    ($$'dave', '1', 'h1'$$, 'AP007', 'none of whom it is for'),
    ($$'nobody', '1', 'h1'$$, 'AP001', 'none of somebody unknown'),
    ($$'bob', '1', ''$$, 'AP005', 'none without an entry'),
    ($$'bob', '1', 'h1', at => NULL$$, 'AP005', 'none without a time'),
    ($$'bob', '1', 'h1', assurance => 'signed'$$, 'AP005', 'none is signed'),
    ($$'bob', '1', 'h1', decision => 'perhaps'$$, 'AP006', 'none but yes and no'),
    ($$'bob', '1', 'h1', login => 't_other'$$, 'AP002', 'none by another login'),
    ($$'bob', '1', 'h1', site => 'sn-c', login => 't_other'$$, 'AP002', 'none in another site''s ticket')) AS refused (given, code, message);
SELECT is(ARRAY[pg_temp.vote('bob', '1', 'h1'), pg_temp.vote('bob', '1', 'h1')], '{pending,pending}', 'a person of the stage''s group decides; an entry counts once');
SELECT throws_ok($$SELECT pg_temp.vote('bob', '1', 'h2')$$, 'AP010', NULL, 'and a person');
SELECT throws_ok($$SELECT pg_temp.vote('carol', '1', 'h2', assurance => 'asserted')$$, 'AP009', NULL, 'a stage that asks for more takes no word of a rule');
SELECT is(pg_temp.vote('carol', '1', 'h3'), 'approved', 'the last one approves it');
SELECT is(pg_temp.vote('bob', '1', 'h1'), 'approved', 'an entry that was read before changes nothing');
SELECT is(pg_temp.told('1'), 'asked,decided,decided,approved', 'the ticket is told of each');
SELECT is((SELECT array_agg(concat_ws(' ', d.provider, d.subject, d.assurance, p.proof_key, p.proof ->> 'issue') ORDER BY d.stage_no)
    FROM approval.decision AS d JOIN approval.decision_proof AS p USING (request_id, item_set_version, stage_no, counts_for)
    WHERE d.request_id = pg_temp.of_ticket('1')), '{jira-a bob authenticated h1 1,jira-a carol authenticated h3 1}', 'with the proof of each');
SELECT is((SELECT array_agg(detail::jsonb #>> '{proof,key}' ORDER BY seq) FROM approval.audit_entry WHERE stream = pg_temp.of_ticket('1') AND act = 'approve'),
    '{h1,h3}', 'which the audit has too');
SELECT throws_ok('DELETE FROM approval.decision_proof', 'AP002', NULL, 'and nobody takes away');
SELECT throws_ok($$SELECT pg_temp.act('t_itsm', format('SELECT approval.decide(''jira-a'', ''bob'', %s, ''approve'', '''', NULL)', pg_temp.of_ticket('10')))$$,
    '42501', NULL, 'there is no other way for the login to decide');

-- Who changed what is asked for.
SELECT is(pg_temp.wants('3', 'd1', editors => '{bob,stranger}'), '1 new', 'others wrote at the ticket');
SELECT pg_temp.act('t_itsm', 'SELECT approval.bind_ticket(''jira-a'', ''3'', 1, now())') \g /dev/null
SELECT throws_ok($$SELECT pg_temp.vote('bob', '3', 'h1')$$, 'AP007', NULL, 'who did does not decide there');
SELECT throws_ok($$SELECT pg_temp.decide('t_bob', pg_temp.of_ticket('3'))$$, 'AP007', NULL, 'nor by their own login');
SELECT is(pg_temp.act('t_bob', 'SELECT count(*) FROM approval.inbox(''pg'', ''t_bob'', NULL, 100) WHERE request_id = ' || pg_temp.of_ticket('3')), '0', 'nor is it in their inbox');
SELECT approval.put_identity('jira-a', 'stranger', 'carol') \g /dev/null
SELECT throws_ok($$SELECT pg_temp.decide('t_carol', pg_temp.of_ticket('3'))$$, 'AP007', NULL, 'nor who turns out to be the unknown one');
SELECT matches(approval.waiting_for(pg_temp.of_ticket('3')), 'blocked, owners has 0 of 1', 'they count for nothing');

-- Changing.
SELECT is(pg_temp.wants('4', 'd1'), '1 new', 'another one');
SELECT is(pg_temp.act('t_itsm', 'SELECT approval.bind_ticket(''jira-a'', ''4'', 1, now())')::bigint, pg_temp.of_ticket('4'), 'is bound');
SELECT pg_temp.act('t_itsm', format('SELECT approval.bind_ticket(''jira-a'', ''4'', 1, now() - interval %L, %L)', since, digest))
FROM (VALUES ('3 hours', NULL), ('2 hours', 'd0'), ('1 hour', 'd1'), ('30 minutes', 'd1')) AS given (since, digest) \g /dev/null
SELECT is((SELECT now() - bound_at FROM approval.ticket_request WHERE request_id = pg_temp.of_ticket('4')), '1 hour', 'since the earliest time at which it says the same');
SELECT is(pg_temp.vote('bob', '4', 'h1'), 'pending', 'and decided on');
SELECT is(pg_temp.wants('4', 'd2', after => '2030-01-01Z', editors => '{dave}'), '1 amended', 'then it is changed: to the same at another time');
SELECT is((SELECT concat_ws(' ', r.item_set_version, r.reviewed_version, r.not_before = '2030-01-01Z', t.bound_at IS NULL, t.digest)
    FROM approval.request AS r JOIN approval.ticket_request AS t USING (request_id) WHERE r.request_id = pg_temp.of_ticket('4')), '2 2 t t d2', 'decisions are void');
SELECT throws_ok($$SELECT pg_temp.vote('bob', '4', 'h1', digest => 'd2')$$, 'AP011', NULL, 'until the ticket tells of it');
SELECT pg_temp.act('t_itsm', 'SELECT approval.bind_ticket(''jira-a'', ''4'', 1, now() + interval ''1 minute'')') \g /dev/null
SELECT throws_ok($$SELECT pg_temp.vote('bob', '4', 'h1', digest => 'd2')$$, 'AP011', NULL, 'and no earlier entry counts');
SELECT is(pg_temp.vote('bob', '4', 'h5', digest => 'd2', at => now() + interval '2 minutes'), 'pending', 'a later one does');
SELECT approval.put_request_type('{"name": "pair", "kind": "package", "requesters": ["*"], "chain": [{"name": "two", "any_of": [{"group": "owners", "quorum": 2}]}]}') \g /dev/null
SELECT approval.put_principal('erin', 'person'), approval.put_identity('jira-a', 'erin', 'erin'), approval.put_membership('owners', 'erin'),
    pg_temp.wants('6', 'd1', type => 'pair', package => 'paired') \g /dev/null
SELECT pg_temp.act('t_itsm', 'SELECT approval.bind_ticket(''jira-a'', ''6'', 1, now())') \g /dev/null
SELECT is(ARRAY[pg_temp.vote('bob', '6', 'h1'), pg_temp.wants('6', 'd1', type => 'pair', package => 'paired', editors => '{bob}'), pg_temp.vote('carol', '6', 'h2'),
    pg_temp.vote('erin', '6', 'h3')], '{pending,"1 same",pending,approved}', 'who decides and then changes it, though only there and back, does not count');
SELECT is(pg_temp.wants('4', 'd3', type => 'standard'), '2 new', 'of another type it is another request');
SELECT is((SELECT array_agg(concat_ws(' ', t.generation, r.state) ORDER BY 1) FROM approval.ticket_request AS t JOIN approval.request AS r USING (request_id)
    WHERE t.provider = 'jira-a' AND t.ticket_id = '4'), '{1 cancelled,2 approved}', 'in place of the first');
SELECT is(pg_temp.wants('5', 'd1', site => 'jira-b'), '1 new', 'a site whose word is only asserted');
SELECT pg_temp.act('t_itsm', 'SELECT approval.bind_ticket(''jira-b'', ''5'', 1, now())') \g /dev/null
SELECT is((SELECT assurance FROM approval.request WHERE request_id = pg_temp.of_ticket('5', 'jira-b')), 'asserted', 'asserts who asks');
SELECT is(pg_temp.act('t_itsm', format('SELECT approval.decide_by_ticket(''jira-b'', ''bob'', %s, ''approve'', '''', ''d1'', %L, ''authenticated'')',
    pg_temp.of_ticket('5', 'jira-b'), jsonb_build_object('key', 'h', 'at', now() + interval '1 second'))), 'pending', 'and who decides');
SELECT is((SELECT assurance FROM approval.decision WHERE request_id = pg_temp.of_ticket('5', 'jira-b')), 'asserted', 'whatever the client claims');

-- Warnings for operators.
UPDATE approval.ticket_delivery SET due_at = now() - interval '1 hour', received_at = now() - interval '1 hour' WHERE key = 'k2';
SELECT is((SELECT array_agg(problem ORDER BY problem) FROM approval.check_work() WHERE subject = 'tickets of jira-a'),
    ARRAY['1 delivery could not be worked off', '1 delivery waits since ' || approval.when_text(now() - interval '1 hour') || ', and none is taken'],
    'deliveries that were given up, or that nobody takes');
UPDATE approval.ticket_delivery SET leased_until = now() + interval '1 minute' WHERE key = 'k2';
SELECT is((SELECT count(*) FROM approval.check_work() WHERE subject = 'tickets of jira-a'), 1::bigint, 'not of one that somebody has taken');
SELECT * FROM finish();
ROLLBACK;
