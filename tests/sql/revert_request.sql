BEGIN;
\ir support/fixture.sql
SELECT plan(31);

SELECT approval.put_request_type('{"name": "revert", "kind": "any", "requesters": ["*"], "chain": [{"name": "owner", "any_of": [{"group": "owners"}]}]}') \g /dev/null
CREATE FUNCTION pg_temp.revert(login text, number bigint, minions text[] DEFAULT NULL) RETURNS bigint LANGUAGE sql AS $$
SELECT pg_temp.act(login, format('SELECT approval.revert_request(''pg'', %L, %s, %L, ''back'')', login, number, minions))::bigint
$$;
CREATE FUNCTION pg_temp.held(minion text) RETURNS text LANGUAGE sql AS $$
SELECT string_agg(name || '=' || coalesce(content, 'absent'), ' ' ORDER BY name)
FROM approval.document AS d, unnest(d.names, d.contents) AS e (name, content) WHERE d.minion_id = minion
$$;
CREATE FUNCTION pg_temp.converge(minion text, package text, version text, before text[] DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.report(minion, (SELECT revision FROM approval.document WHERE minion_id = minion), ARRAY[package], '{converged}', ARRAY[version],
    gen_random_uuid()::text, before => before)
$$;

SELECT pg_temp.ask('t_alice', 'package', '{web1}', 'x', '1') AS waiting \gset
SELECT throws_ok(format('SELECT pg_temp.revert(''t_alice'', %s)', :waiting), 'AP006', NULL, 'what was never approved is not taken back');
SELECT throws_ok('SELECT pg_temp.revert(''t_alice'', 0)', 'AP014', NULL, 'nor what is not there');
SELECT throws_ok($$SELECT pg_temp.ask('t_alice', 'revert', '{web1}', 'x', '1')$$, 'AP005', NULL, 'nor by naming items');

SELECT pg_temp.ask('t_alice', 'standard', '{web1,web2}', 'hello', '1') AS first \gset
SELECT pg_temp.converge('web1', 'hello', '1', '{0.9}'), pg_temp.converge('web2', 'hello', '1', '{NULL}') \g /dev/null
SELECT pg_temp.ask('t_alice', 'standard', '{web1,web2}', 'hello', '2') AS second \gset
SELECT pg_temp.converge('web1', 'hello', '2'), pg_temp.converge('web2', 'hello', '2') \g /dev/null

SELECT throws_ok(format('SELECT pg_temp.revert(''t_alice'', %s, ''{web9}'')', :second), 'AP004', NULL, 'a minion that the request does not name');
SELECT pg_temp.revert('t_alice', :second) AS back \gset
SELECT is(pg_temp.state_of(:back), 'pending', 'a revert has its own chain');
SELECT throws_ok(format('SELECT pg_temp.decide(''t_alice'', %s)', :back), 'AP007', NULL, 'and its own separation of duties');
SELECT is(pg_temp.decide('t_bob', :back), 'approved', 'which it passes');
SELECT is(pg_temp.held('web1'), 'hello=1', 'the value approved before is restored');
SELECT pg_temp.converge('web1', 'hello', '1'), pg_temp.converge('web2', 'hello', '1') \g /dev/null
SELECT is(pg_temp.state_of(:back), 'converged', 'and proven');
SELECT is(pg_temp.decide('t_bob', pg_temp.revert('t_alice', :back)), 'approved', 'a revert can be reverted');
SELECT is(pg_temp.held('web1'), 'hello=2', 'which restores what it took back');

SELECT is(pg_temp.decide('t_bob', pg_temp.revert('t_alice', :first, '{web1}')), 'approved', 'on some minions only');
SELECT is(pg_temp.held('web1'), 'hello=0.9', 'with nothing approved before, what the minion had is restored');
SELECT is(pg_temp.held('web2'), 'hello=2', 'and the other minion stays');
SELECT is(pg_temp.decide('t_bob', pg_temp.revert('t_alice', :first, '{web2}')), 'approved', 'where it was not there');
SELECT is(pg_temp.held('web2'), 'hello=absent', 'it is removed');

-- It takes back what it can, and says of the rest why not.
SELECT pg_temp.ask('t_alice', 'standard', '{web1,web2,web_}', 'brk', 'absent') AS removal \gset
SELECT pg_temp.converge('web1', 'brk', NULL, ARRAY['1.1-2 (half-configured)']), pg_temp.converge('web2', 'brk', NULL, '{1.2}') \g /dev/null
SELECT pg_temp.revert('t_alice', :removal) AS partly \gset
SELECT results_eq(format('SELECT minion_id, content FROM approval.item WHERE request_id = %s', :partly), $$VALUES ('web2', '1.2')$$, 'a minion whose state before can be asked for');
SELECT results_eq(format('SELECT minion_id, kind, name, reason FROM approval.request_left_out WHERE request_id = %s ORDER BY 1', :partly),
    $$VALUES ('web1', 'package', 'brk', '''1.1-2 (half-configured)'' is not a version of package brk'),
             ('web_', 'package', 'brk', 'nothing is known of what was there before')$$, 'and those of which it cannot, by name');
SELECT is(approval.show_request(:partly) -> 'left_out' -> 0 ->> 'minion', 'web1', 'whoever approves sees it');
SELECT throws_ok(format('SELECT pg_temp.revert(''t_alice'', %s, ''{web1,web_}'')', :removal), 'AP015',
    format('nothing of request %s can be taken back: package brk on web1: ''1.1-2 (half-configured)'' is not a version of package brk; '
           'package brk on web_: nothing is known of what was there before', :removal), 'where nothing can be restored, it says why');
SELECT is(pg_temp.decide('t_bob', :partly), 'approved', 'the rest passes its chain');
SELECT is(pg_temp.held('web2') LIKE '%brk=1.2%', true, 'and is restored');
SELECT approval.put_minion_group('lab', '', '{web2}') \g /dev/null
SELECT approval.put_request_type('{"name": "labs", "kind": "any", "targets": ["lab"], "requesters": ["*"], "chain": [{"name": "owner", "any_of": [{"group": "owners"}]}]}') \g /dev/null
SELECT pg_temp.act('t_alice', format('SELECT approval.revert_request(''pg'', ''t_alice'', %s, NULL, ''back'', ''labs'')', :second)) AS inlab \gset
SELECT is((SELECT string_agg(minion_id || ': ' || reason, ', ') FROM approval.request_left_out WHERE request_id = :inlab),
    'web1: requests of type labs may not name this minion', 'a minion that is not of its type');
-- What is in the database from earlier releases, in a spelling that no minion can check.
SELECT pg_temp.ask('t_alice', 'standard', '{web1}', 'ok', '1') AS old \gset
INSERT INTO approval.item (minion_id, request_id, item_set_version, state, kind, name, type, content, digest, effective_at, approval_seq, before_known, before_content)
SELECT minion_id, request_id, item_set_version, state, 'value', v.name, 'json', '1', digest, effective_at, approval_seq, true, v.before
FROM approval.item, (VALUES ('spelled', '{ "a":1e3 }'), ('big', '18446744073709551616')) AS v (name, before) WHERE request_id = :old;
SELECT pg_temp.revert('t_alice', :old) AS values \gset
SELECT results_eq(format('SELECT name, content FROM approval.item WHERE request_id = %s', :values), $$VALUES ('spelled', '{"a":1000.0}')$$, 'is made canonical');
SELECT results_eq(format('SELECT name, reason FROM approval.request_left_out WHERE request_id = %s ORDER BY name', :values),
    $$VALUES ('big', 'the value of big is a number that Salt cannot carry'), ('ok', 'nothing is known of what was there before')$$, 'or left out');
-- Two names of what may be one, which were asked for at different times.
SELECT pg_temp.ask('t_alice', 'standard', '{web1,web2}', 'twin', '1') AS once \gset
SELECT pg_temp.act('t_alice', $$SELECT approval.submit_request('pg', 't_alice', 'standard', 'x', '{web1,web1,web2,web2}',
    '{package,package,package,package}', '{twin,Twin:amd64,twin,Twin:amd64}', '{2,2,2,2}', NULL, 'pg', NULL)$$) AS twice \gset
UPDATE approval.item SET before_known = true, before_content = '1' WHERE request_id = :twice AND name = 'Twin:amd64' AND minion_id = 'web1';
UPDATE approval.item SET before_known = true, before_content = NULL WHERE request_id = :twice AND name = 'Twin:amd64' AND minion_id = 'web2';
SELECT pg_temp.revert('t_alice', :twice) AS twins \gset
SELECT results_eq(format('SELECT minion_id, name, content FROM approval.item WHERE request_id = %s ORDER BY minion_id, name COLLATE "C"', :twins),
    $$VALUES ('web1', 'Twin:amd64', '1'), ('web1', 'twin', '1')$$, 'two names that were one thing');
SELECT results_eq(format('SELECT minion_id, name, reason FROM approval.request_left_out WHERE request_id = %s ORDER BY minion_id, name COLLATE "C"', :twins),
    $$VALUES ('web2', 'Twin:amd64', 'twin may be the same, and was to be something else'),
             ('web2', 'twin', 'Twin:amd64 may be the same, and was to be something else')$$, 'those that cannot be both are left out');
SELECT throws_ok(format('SELECT pg_temp.revert(''t_alice'', %s, ''{web2}'')', :twice), 'AP015', NULL, 'and where there is nothing else it says so');
-- A revert that contradicts an open request says what becomes of that, as any other request does.
SELECT pg_temp.ask('t_alice', 'standard', '{web2}', 'lap', '1'), pg_temp.ask('t_alice', 'standard', '{web2}', 'lap', '2') AS lapped \gset
SELECT pg_temp.ask('t_alice', 'package', '{web2}', 'lap', '3') AS rival \gset
CREATE FUNCTION pg_temp.revert_over(overlap text) RETURNS bigint LANGUAGE sql AS $$
SELECT pg_temp.act('t_alice', format('SELECT approval.revert_request(''pg'', ''t_alice'', %s, NULL, ''back'', ''revert'', %L)',
    (SELECT max(request_id) FROM approval.item WHERE name = 'lap' AND content = '2'), overlap))::bigint
$$;
SELECT throws_ok($$SELECT pg_temp.revert_over('perhaps')$$, 'AP005', NULL, 'a resolution that is none');
SELECT is((SELECT resolution FROM approval.request_overlap WHERE request_id = pg_temp.revert('t_alice', :lapped) AND other_id = :rival), NULL,
    'a revert that does not say what becomes of the request that it contradicts');
SELECT pg_temp.revert_over('supersede') AS over \gset
SELECT is((SELECT resolution FROM approval.request_overlap WHERE request_id = :over AND other_id = :rival), 'supersede', 'and one that does');
SELECT * FROM finish();
ROLLBACK;
