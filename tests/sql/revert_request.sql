BEGIN;
\ir support/fixture.sql
SELECT plan(16);

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
SELECT * FROM finish();
ROLLBACK;
