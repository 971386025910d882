BEGIN;
\ir support/fixture.sql
SELECT plan(30);

SELECT pg_temp.ask('t_alice', 'package', '{web1,web2}', 'hello', '2.10-3') AS request \gset
SELECT is(pg_temp.state_of(:request), 'pending', 'a request with a chain waits');
SELECT is(approval.waiting_for(:request), 'stage 1 (owner): 1 of owners', 'it says for whom');

SELECT throws_ok(format('SELECT pg_temp.decide(''t_alice'', %s)', :request), 'AP007', NULL, 'the requester never approves, though in the group');
SELECT throws_ok(format('SELECT pg_temp.decide(''t_alice'', %s, ''reject'')', :request), 'AP007', NULL, 'nor rejects');
SELECT throws_ok(format('SELECT pg_temp.decide(''t_dave'', %s)', :request), 'AP008', NULL, 'an approver of stage 2 cannot decide at stage 1');
SELECT throws_ok(format('SELECT pg_temp.decide(''t_bob'', %s, ''perhaps'')', :request), 'AP006', NULL, 'a decision is approve or reject');
SELECT throws_ok('SELECT pg_temp.decide(''t_bob'', 0)', 'AP014', NULL, 'a request that is not there');
SELECT throws_ok(
    format('SELECT pg_temp.act(''t_bob'', ''SELECT approval.decide(''''pg'''', ''''t_carol'''', %s, ''''approve'''', NULL, NULL)'')', :request),
    'AP002', NULL, 'a login cannot act as another');
SELECT throws_ok(
    format('SELECT pg_temp.act(''t_bob'', ''SELECT approval.decide(''''salt'''', ''''carol'''', %s, ''''approve'''', NULL, NULL)'')', :request),
    'AP002', NULL, 'a person''s login cannot name somebody as the runner does');
SELECT throws_ok(
    format('SELECT pg_temp.act(''t_runner'', ''SELECT approval.decide(''''salt'''', ''''mallory'''', %s, ''''approve'''', NULL, NULL)'')', :request),
    'AP001', NULL, 'an identity that nobody has');
SELECT throws_ok(
    format('SELECT pg_temp.act(''t_stranger'', ''SELECT approval.decide(''''pg'''', ''''t_stranger'''', %s, ''''approve'''', NULL, NULL)'')', :request),
    '42501', NULL, 'a login without a role may not call it at all');
SELECT throws_ok(format('SELECT pg_temp.decide(''t_bob'', %s, ''approve'', ''sha256:0'')', :request), 'AP011', NULL, 'not what was reviewed');

SELECT is(
    pg_temp.act('t_runner', format('SELECT approval.decide(''salt'', ''bob'', %s, ''approve'', ''ok'', %L)', :request,
        (SELECT digest FROM approval.item_set WHERE request_id = :request))),
    'pending', 'stage 1 takes an asserted approval, of just what was reviewed');
SELECT is((SELECT assurance FROM approval.decision WHERE request_id = :request), 'asserted', 'and keeps that it was only asserted');
SELECT throws_ok(format('SELECT pg_temp.decide(''t_bob'', %s)', :request), 'AP010', NULL, 'one person counts once');
SELECT throws_ok(
    format('SELECT pg_temp.act(''t_runner'', ''SELECT approval.decide(''''salt'''', ''''dave'''', %s, ''''approve'''', NULL, NULL)'')', :request),
    'AP009', NULL, 'stage 2 does not take an asserted one');
SELECT is((SELECT count(*) FROM approval.document), 0::bigint, 'nothing is exported before the last approval');
SELECT throws_ok(
    format('SELECT pg_temp.act(''t_dave'', ''SELECT approval.decide(''''pg'''', ''''t_dave'''', %s, ''''%s'''', NULL, NULL, %s)'')', :request, decision, stage),
    'AP011', NULL, format('stage 2 is not passed by %s of stage %s', decision, stage))
FROM (VALUES ('approve', 1), ('reject', 1), ('approve', 3)) AS other (decision, stage);
SELECT is(pg_temp.act('t_dave', format('SELECT approval.decide(''pg'', ''t_dave'', %s, ''approve'', NULL, NULL, 2)', :request)), 'approved',
    'the last approval');
SELECT throws_ok(
    format('SELECT pg_temp.act(''t_carol'', ''SELECT approval.decide(''''pg'''', ''''t_carol'''', %s, ''''approve'''', NULL, NULL, 1)'')', :request),
    'AP006', NULL, 'one that is approved says so, whichever stage is named');
SELECT throws_ok(format('SELECT pg_temp.decide(''t_carol'', %s)', :request), 'AP006', NULL, 'nothing left to decide');
SELECT is(
    (SELECT encode(decided_bytes, 'escape') LIKE '%apv1-decision%' || (SELECT digest FROM approval.item_set WHERE request_id = :request) || '%'
     FROM approval.decision WHERE request_id = :request AND stage_no = 2),
    true, 'the bytes decided on name the reviewed digest');

SELECT pg_temp.ask('t_alice', 'package', '{web1}', 'sl', '1') AS request \gset
SELECT is(pg_temp.decide('t_bob', :request, 'reject'), 'rejected', 'one reject ends it');
SELECT is((SELECT array_agg(DISTINCT state) FROM approval.item WHERE request_id = :request), '{void}', 'its items are void');

SELECT pg_temp.ask('t_alice', 'package', '{web1}', 'sl', '1') AS request \gset
SELECT approval.disable_principal('bob') \g /dev/null
SELECT throws_ok(format('SELECT pg_temp.decide(''t_bob'', %s)', :request), 'AP001', NULL, 'who was disabled decides nothing');
UPDATE approval.request SET submitted_at = now() - interval '2 days', expires_at = now() - interval '1 day' WHERE request_id = :request;
SELECT throws_ok(format('SELECT pg_temp.decide(''t_carol'', %s)', :request), 'AP006', NULL, 'an expired request is not decided');

SELECT approval.put_request_type('{"name": "nobody", "kind": "package", "requesters": ["*"], "chain": [
    {"name": "lost", "any_of": [{"group": "deserted"}]}]}') \g /dev/null
SELECT pg_temp.ask('t_alice', 'nobody', '{web1}', 'sl', '1') AS request \gset
SELECT is(approval.waiting_for(:request), 'stage 1 (lost): blocked, deserted has 0 of 1 approvers it needs', 'an empty group blocks');
SELECT approval.put_request_type('{"name": "two", "kind": "package", "requesters": ["*"], "chain": [
    {"name": "both", "any_of": [{"group": "board", "quorum": 2}]}]}') \g /dev/null
SELECT pg_temp.ask('t_alice', 'two', '{web1}', 'sl', '1') AS request \gset
SELECT is(ARRAY[pg_temp.decide('t_carol', :request), pg_temp.decide('t_dave', :request)], '{pending,approved}', 'a quorum of two takes two');
SELECT * FROM finish();
ROLLBACK;
