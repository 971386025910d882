-- why, what if, replay.
BEGIN;
\ir support/fixture.sql
SELECT plan(14);

SELECT pg_temp.ask('t_alice', 'package', '{web1}', 'hello', '1') AS first \gset
SELECT pg_temp.decide('t_bob', :first), pg_temp.decide('t_dave', :first) \g /dev/null
SELECT pg_temp.report('web1', 1, '{hello}', '{converged}', '{1}', 'r', before => '{0.9}') \g /dev/null
SELECT pg_temp.ask('t_alice', 'standard', '{web1}', 'hello', '2', now() + interval '1 day') AS later \gset
SELECT pg_temp.ask('t_alice', 'package', '{web1}', 'hello', '3') AS waiting \gset
SELECT approval.why('web1', 'package', 'hello') AS answer \gset
SELECT is((:'answer'::jsonb ->> 'in_force')::bigint, :first::bigint, 'which request is in force');
SELECT is((SELECT array_agg(e ->> 'standing' ORDER BY n) FROM jsonb_array_elements(:'answer'::jsonb -> 'requests') WITH ORDINALITY AS x (e, n)),
    '{waits for approval,due later,in force}', 'what comes next');
SELECT is(:'answer'::jsonb #>> '{requests,2,decided_by,1}', 'approved by dave at stage 2 (authenticated)', 'who decided');
SELECT is(:'answer'::jsonb #>> '{requests,2,before,value}', '0.9', 'what it replaced');
SELECT throws_ok($$SELECT approval.why('web%', 'package', 'hello')$$, 'AP004', NULL, 'of a minion, by equality');
SELECT is(approval.why('web2', 'package', 'hello') -> 'requests', '[]', 'nothing about it: nothing');

SELECT approval.what_if('package', 'carol', 1) AS answer \gset
SELECT is(:'answer'::jsonb #>> '{stages,0,any_of,0,approvers}', '["alice", "bob"]', 'who would have to approve, without the requester');
SELECT is(:'answer'::jsonb #>> '{stages,1,any_of,0,possible}', 'true', 'and whether it can pass');
SELECT approval.put_request_type('{"name": "lost", "kind": "package", "requesters": ["board"], "chain": [{"name": "x", "any_of": [{"group": "deserted"}]}]}') \g /dev/null
SELECT is(approval.what_if('lost', 'alice', 1) #>> '{stages,0,any_of,0,possible}', 'false', 'or not');
SELECT is(approval.what_if('lost', 'alice', 1) ->> 'may_request', 'false', 'or not even be asked');

SELECT results_eq($$SELECT request_id, would_pass, stage FROM approval.replay_type('{"name": "package", "chain": [
    {"name": "board", "min_assurance": "authenticated", "any_of": [{"group": "board"}]}]}', 10)$$,
    format('VALUES (%s::bigint, true, NULL::text)', :first), 'a laxer chain would have passed it');
SELECT results_eq($$SELECT request_id, would_pass, stage FROM approval.replay_type('{"name": "package", "chain": [
    {"name": "board", "any_of": [{"group": "board", "quorum": 2}]}]}', 10)$$,
    format('VALUES (%s::bigint, false, ''stage 1 (board)'')', :first), 'a stricter one names the stage');
SELECT is((SELECT count(*) FROM approval.request_type WHERE type_name = 'package'), 1::bigint, 'and nothing is changed');
SELECT is((SELECT count(*) FROM approval.export_audit()), (SELECT count(*) FROM approval.audit_entry) + (SELECT count(*) FROM approval.audit_seal),
    'the export holds everything');
SELECT * FROM finish();
ROLLBACK;
