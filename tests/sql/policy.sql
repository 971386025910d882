BEGIN;
\ir support/fixture.sql
SELECT plan(104);

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

-- A duration has a unit.
CREATE FUNCTION pg_temp.with_duration(key text, duration jsonb) RETURNS integer LANGUAGE sql AS $$
SELECT approval.put_request_type(jsonb_build_object('name', 'timed', 'kind', CASE key WHEN 'proof_within' THEN 'action' ELSE 'package' END, 'requesters', ARRAY['*'])
    || CASE key WHEN 'proof_within' THEN '{"action": {"function": "f"}}' ELSE '{}' END::jsonb
    || CASE key WHEN 'timeout' THEN '{}' ELSE jsonb_build_object(key, duration) END
    || jsonb_build_object('chain', jsonb_build_array('{"name": "s", "any_of": [{"group": "board"}]}'::jsonb
                                                     || CASE key WHEN 'timeout' THEN jsonb_build_object(key, duration) ELSE '{}' END)))
$$;
SELECT throws_ok(format('SELECT pg_temp.with_duration(%L, %L)', key, duration), 'AP017', NULL, format('%s: %s', key, duration))
FROM unnest(ARRAY['max_open', 'valid_for', 'plan_within', 'proof_within', 'timeout']) AS key,
    unnest(ARRAY['90', '22.5', '"1:30"', '"90"', 'true', 'null', '"0 s"', '"300000 years"']) AS duration;
SELECT throws_ok(format('SELECT approval.duration(''x'', to_jsonb(%L::text))', duration), 'AP017', NULL, format('no duration: %L', duration))
FROM unnest(ARRAY['', ' ', '1 hour 30', '30 1 hour', '-1 day', '1 day -2 hours', '1 day ago', '4 fortnights', 'P', 'PT', 'P1', 'soon', '1,5 hours', 'infinity',
                  '101 years', 'P200Y', '999999999 years', '0 days', '0.0000001 s', '1 00:00:00', '1 year; 2 days', '٣ days']) AS duration;
SELECT throws_ok('SELECT pg_temp.with_duration(''valid_for'', ''90'')', 'AP017', 'request type timed: valid_for: 90 is not a duration with a unit',
    'type and key are named');
SELECT is(approval.duration('x', to_jsonb(given)), length::interval, format('%s is %s', given, length))
FROM (VALUES ('4 hours', '04:00'), ('90 days', '90 days'), ('1 day 12 hours', '36:00'), ('1 week, 2 days', '9 days'), ('1 hour and 30 minutes', '01:30'),
             ('PT4H', '04:00'), ('P1DT12H', '36:00'), ('90m', '01:30'), ('2 d', '2 days'), (' 1.5 hours ', '01:30')) AS v (given, length);

-- Names that people would take for one.
SELECT throws_ok($$SELECT approval.put_identity('pg', ' dora', 'bob')$$, 'AP017', NULL, 'spaces around a subject');
SELECT throws_ok($$SELECT approval.put_identity('salt', 'dora ', 'bob')$$, 'AP017', NULL, 'also behind it');
SELECT is(approval.put_identity('ldap', 'Dora Smith', 'bob'), true, 'not in it');
SELECT approval.put_principal(name, 'person') FROM unnest(ARRAY['Bob', U&'zoe\0308', 'zoë', U&'ali\200bce', 'ＣＡＲＯＬ']) AS name \g /dev/null
SELECT throws_ok(format('SELECT approval.put_membership(''owners'', %L)', name), 'AP017', NULL, 'looks like a member: ' || name)
FROM unnest(ARRAY['Bob', U&'ali\200bce', 'ＣＡＲＯＬ']) AS name;
SELECT approval.put_membership('board', 'zoë') \g /dev/null
SELECT throws_ok($$SELECT approval.put_membership('board', U&'zoe\0308')$$, 'AP017', NULL, 'the same letters, composed otherwise');
SELECT is(approval.put_membership('owners', U&'zoe\0308'), true, 'in another group it is told only');
SELECT is((SELECT count(*) FROM approval.check_policy() WHERE problem LIKE 'their names look alike%'), 4::bigint, 'by the check of the policy');

SELECT pg_temp.ask('t_alice', 'package', '{web1}', 'hello', '1') AS request \gset
SELECT is(approval.put_request_type('{"name": "package", "kind": "package", "requesters": ["*"], "pre_approved": true, "chain": []}'), 2,
    'a changed type is a new version');
SELECT is((SELECT count(*) FROM approval.request_stage WHERE request_id = :request), 2::bigint, 'a request in flight keeps its chain');
SELECT is(approval.put_request_type('{"name": "package", "kind": "package", "requesters": ["*"], "pre_approved": true, "chain": []}'), 2,
    'the same definition again is no new version');
SELECT * FROM finish();
ROLLBACK;
