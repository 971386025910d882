BEGIN;
\ir support/fixture.sql
SELECT plan(22);

SELECT is(approval.put_principal('alice', 'person'), false, 'the same again changes nothing');
SELECT throws_ok('SELECT approval.put_principal(''alice'', ''service'')', 'AP017', NULL, 'a person does not become a service');
SELECT throws_ok('SELECT approval.put_principal(''x'', ''robot'')', 'AP017', NULL, 'nor is there another kind');
SELECT throws_ok('SELECT approval.put_identity(''pg'', ''t_alice'', ''bob'')', 'AP017', NULL, 'an identity is one principal''s');
SELECT throws_ok('SELECT approval.put_identity(''pg'', ''x'', ''nobody'')', 'AP017', NULL, 'and that one is known');
SELECT throws_ok('SELECT approval.put_identity(''P G'', ''x'', ''bob'')', 'AP017', NULL, 'a provider is a plain name');
SELECT throws_ok('SELECT approval.put_group(''*'', '''')', 'AP017', NULL, '* is no group');
SELECT throws_ok('SELECT approval.put_membership(''nothing'', ''bob'')', 'AP017', NULL, 'no such group');
SELECT throws_ok('SELECT approval.put_membership(''board'', ''nobody'')', 'AP017', NULL, 'no such principal');
SELECT throws_ok('SELECT approval.disable_principal(''nobody'')', 'AP017', NULL, 'no such principal to disable');
SELECT is(ARRAY[approval.drop_identity('pg', 't_dave'), approval.drop_identity('pg', 't_dave')], '{t,f}', 'an identity is dropped once');
SELECT is(ARRAY[approval.drop_membership('board', 'dave'), approval.drop_membership('board', 'dave')], '{t,f}', 'a membership likewise');

SELECT throws_ok(format('SELECT approval.put_request_type(%L)', definition), 'AP017', NULL, definition)
FROM unnest(ARRAY[
    '{"name": "x", "kind": "package", "requesters": ["*"], "chain": []}',
    '{"name": "x", "kind": "package", "requesters": ["*"], "pre_approved": true, "chain": [{"name": "s", "any_of": [{"group": "board"}]}]}',
    '{"name": "x", "kind": "package", "requesters": ["*"], "chain": [{"name": "s", "any_of": [{"group": "no such"}]}]}',
    '{"name": "x", "kind": "package", "requesters": ["*"], "chain": [{"name": "s", "any_of": []}]}',
    '{"name": "x", "kind": "planet", "requesters": ["*"], "pre_approved": true, "chain": []}',
    '{"name": "x", "kind": "package", "requesters": [], "pre_approved": true, "chain": []}',
    '{"name": "x", "kind": "package", "requesters": ["*"], "pre_approved": true, "chain": [], "chian": 1}']) AS definition;

SELECT pg_temp.ask('t_alice', 'package', '{web1}', 'hello', '1') AS request \gset
SELECT is(approval.put_request_type('{"name": "package", "kind": "package", "requesters": ["*"], "pre_approved": true, "chain": []}'), 2,
    'a changed type is a new version');
SELECT is((SELECT count(*) FROM approval.request_stage WHERE request_id = :request), 2::bigint, 'a request in flight keeps its chain');
SELECT is(approval.put_request_type('{"name": "package", "kind": "package", "requesters": ["*"], "pre_approved": true, "chain": []}'), 2,
    'the same definition again is no new version');
SELECT * FROM finish();
ROLLBACK;
