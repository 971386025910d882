-- A known minion that appears with another key or machine id.
BEGIN;
\ir support/fixture.sql
SELECT plan(26);
SELECT pg_temp.ask('t_alice', 'standard', '{web1}', 'hello', '1') \g /dev/null

CREATE FUNCTION pg_temp.note(key text, accepted boolean, machine text DEFAULT NULL, minion text DEFAULT 'web1') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_engine', format('SELECT approval.note_minion(%L, %L, %L, %L)', minion, key, accepted, machine))
$$;
CREATE FUNCTION pg_temp.states() RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_bob', 'SELECT string_agg(state || '' '' || coalesce(key, ''-''), '','' ORDER BY noticed_at) FROM approval.list_reinstalls(NULL, 10)')
$$;
CREATE FUNCTION pg_temp.proof(
    jid text, verdict text, authentic boolean, fun text DEFAULT 'state.highstate', published interval DEFAULT '1 s', flags text[] DEFAULT '{}',
    revision bigint DEFAULT 1, source text DEFAULT 'evidence') RETURNS integer LANGUAGE sql AS $$
INSERT INTO approval.job VALUES (jid, fun, 'web1', 'list', 'root', '{web1}', '\x00', true, clock_timestamp() + published, NULL);
INSERT INTO approval.job_return (jid, minion_id, attempt, fun, verdict, authenticated, flags, revision, received_at, payload_digest, payload, findings)
VALUES (jid, 'web1', 1, fun, verdict, authentic, flags, revision, clock_timestamp(), '\x00', '\x00',
    json_build_array(json_build_array('package', 'hello', verdict, 'observed', '1', '1', source, 'as seen')));
SELECT pg_temp.act('t_engine', 'SELECT approval.settle_reinstalls()')::integer
$$;

SELECT is(pg_temp.note('k', false, NULL, 'nobody') || ' ' || pg_temp.note(NULL, true, 'machine', 'nobody'), 'unknown unknown',
    'who is not registered is none of our minions');
SELECT is(pg_temp.note('k', true, NULL, 'newcomer') || ' ' || pg_temp.note('k', true, NULL, 'newcomer'), 'new known', 'until its key is accepted');
SELECT is((SELECT key_digest || ' ' || revision FROM approval.minion WHERE minion_id = 'newcomer'), 'k 0', 'it is registered then');
SELECT is((SELECT detail::jsonb FROM approval.audit_entry WHERE act = 'minions-added' ORDER BY seq DESC LIMIT 1), '{"minions": ["newcomer"]}', 'on record');
SELECT is(pg_temp.note('k0', false), 'known', 'of a minion that was never seen, any key is the first');
SELECT is(pg_temp.note('k1', true), 'known', 'the first that is accepted is its key');
SELECT is(pg_temp.note('k1', true), 'known', 'which it comes with every day');
SELECT is(pg_temp.states(), NULL, 'nothing was reinstalled');
SELECT is(pg_temp.note('k2', false), 'waiting', 'another key');
SELECT is(pg_temp.note('k3', false), 'waiting', 'and another');
SELECT is(pg_temp.states(), 'waiting k3', 'are one thing to decide');
SELECT is(pg_temp.note('k1', true), 'known', 'the machine that is there goes on');
SELECT is(pg_temp.proof('j1', 'converged', true), 0, 'and what it proves is no receipt for the other');
SELECT is(pg_temp.note('k3', true), 'accepted', 'the key is accepted');
SELECT is(pg_temp.note('k3', true), 'known', 'and is its key from now on');
SELECT is(pg_temp.proof('j2', 'converged', false) + pg_temp.proof('j3', 'failed', true) + pg_temp.proof('j4', 'converged', true, 'pkg.version'), 0,
    'a claim, a failure, or anything but a state run is no receipt');
SELECT is(pg_temp.proof('k1', 'converged', true, published => '-1 hour'), 0, 'nor is a run of before that was recorded late');
SELECT is(pg_temp.proof('k2', 'converged', true, flags => '{stale}'), 0, 'nor one that another document came after');
SELECT is(pg_temp.proof('k3', 'converged', true, revision => 0), 0, 'nor one of a revision that is not in force');
SELECT is(pg_temp.proof('k4', 'converged', true, source => 'changes'), 0, 'nor one of which not all is evidence');
SELECT is(pg_temp.proof('j5', 'converged', true), 1, 'evidence that it converged is');
SELECT is(pg_temp.states(), 'converged k3', 'done');
SELECT is((SELECT string_agg(act, ',' ORDER BY seq) FROM approval.audit_entry WHERE act LIKE 'reinstall-%'),
    'reinstall-noticed,reinstall-accepted,reinstall-converged', 'all of it is on record');
SELECT is(pg_temp.note(NULL, true, 'machine-1') || pg_temp.note(NULL, true, 'machine-1'), 'knownknown', 'a machine id');
SELECT is(pg_temp.note(NULL, true, 'machine-2'), 'accepted', 'another one under the old key');
SELECT is(pg_temp.proof('j6', 'converged', true) || pg_temp.states(), '1converged k3,converged -', 'is a reinstall as well');
SELECT * FROM finish();
ROLLBACK;
