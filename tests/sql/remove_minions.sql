-- Minions that are removed: what was asked for and approved ends, what was stays, and they may come back.
BEGIN;
\ir support/fixture.sql
SELECT plan(40);

CREATE FUNCTION pg_temp.remove(minions text[], login text DEFAULT 't_policy', provider text DEFAULT 'pg', subject text DEFAULT 't_policy') RETURNS text
    LANGUAGE sql AS $$
SELECT pg_temp.act(login, format('SELECT approval.remove_minions(%L, %L, %L, ''gone'')', provider, subject, minions))
$$;
CREATE FUNCTION pg_temp.items(number bigint) RETURNS text LANGUAGE sql AS $$
SELECT string_agg(minion_id || ' ' || state || ' ' || outcome, ', ' ORDER BY minion_id) FROM approval.item WHERE request_id = number
$$;
CREATE FUNCTION pg_temp.held(minion text) RETURNS text LANGUAGE sql AS $$
SELECT string_agg(revision || ' ' || names::text, ', ' ORDER BY valid_from) FROM approval.document WHERE minion_id = minion
$$;

-- Who may.
SELECT throws_ok(format('SELECT pg_temp.act(%L, $q$SELECT approval.remove_minions(''pg'', %L, ''{web1}'', '''')$q$)', login, login), '42501', NULL, login || ' may not')
FROM unnest(ARRAY['t_alice', 't_engine', 't_returner', 't_exporter']) AS login;
SELECT throws_ok($$SELECT pg_temp.remove('{web1}', 't_runner', 'salt', 'nobody')$$, 'AP001', NULL, 'nor who is unknown to the policy');
SELECT throws_ok($$SELECT pg_temp.remove('{web1}', 't_policy', 'salt', 'alice')$$, 'AP002', NULL, 'nor an administrator as somebody else');
SELECT throws_ok($$SELECT pg_temp.remove('{web1,nowhere}')$$, 'AP004', 'unknown minion: ''nowhere''', 'all or none of those that are named');
SELECT throws_ok($$SELECT pg_temp.remove('{}')$$, 'AP004', 'no minion is named', 'and some must be');
SELECT throws_ok($$SELECT pg_temp.remove('{NULL}')$$, 'AP004', 'unknown minion: NULL', 'NULL is none');

-- What there is: proven, waiting, pending on both and on one alone, a request of ghosts, and an action.
SELECT pg_temp.ask('t_alice', 'standard', '{web1,web2}', 'hello', '1') AS proven \gset
SELECT pg_temp.report('web1', 1, '{hello}', '{converged}', '{1}', 'r1'), pg_temp.report('web2', 1, '{hello}', '{converged}', '{1}', 'r2') \g /dev/null
SELECT pg_temp.ask('t_alice', 'standard', '{web1,web2}', 'sl', '1') AS waiting \gset
SELECT pg_temp.report('web2', 2, '{hello,sl}', '{converged,converged}', '{1,1}', 'r3', before => '{NULL,NULL}') \g /dev/null
SELECT pg_temp.ask('t_alice', 'package', '{web1,web2}', 'both', '1') AS both \gset
SELECT pg_temp.ask('t_alice', 'package', '{web1}', 'alone', '1') AS alone \gset
SELECT pg_temp.ask('t_alice', 'standard', '{web_}', 'hello', '1') AS ghosts \gset
SELECT approval.put_request_type('{"name": "flush", "kind": "action", "action": {"function": "cache.flush"}, "requesters": ["*"], "pre_approved": true, "chain": []}') \g /dev/null
SELECT pg_temp.act('t_alice', $$SELECT approval.submit_request('pg', 't_alice', 'flush', 'because', '{web1}', '{action}', '{cache.flush}', '{"{}"}', NULL, 'pg', NULL, NULL, NULL)$$) AS action \gset
SELECT pg_temp.act('t_engine', format('SELECT approval.begin_dispatches(%s, ''{web1}'', ''{%s}'', ''perform'', ''j1'')', :action, (SELECT item_id FROM approval.item WHERE request_id = :action))) \g /dev/null
SELECT pg_temp.act('t_engine', format('SELECT approval.note_sent(%s, ''{web1}'', ''{%s}'', ''j1'', true)', :action, (SELECT item_id FROM approval.item WHERE request_id = :action))) \g /dev/null
SELECT is(pg_temp.state_of(:proven) || ' ' || pg_temp.state_of(:waiting), 'converged approved', 'as it was');

SELECT is(pg_temp.remove('{web1,web_,web1}', 't_runner', 'salt', 'bob'), '2', 'an operator removes them');
SELECT is(pg_temp.state_of(:waiting), 'converged', 'a request that waited for one of them alone is done');
SELECT is(pg_temp.items(:waiting), 'web1 superseded waiting, web2 approved converged', 'nothing is proven that was not');
SELECT is(pg_temp.state_of(:proven) || ': ' || pg_temp.items(:proven), 'converged: web1 superseded converged, web2 approved converged', 'what was proven stays so');
SELECT is(pg_temp.state_of(:ghosts), 'superseded', 'a request of removed ones alone is over');
SELECT is(pg_temp.state_of(:alone), 'cancelled', 'also a pending one');
SELECT is(pg_temp.state_of(:both) || ': ' || pg_temp.items(:both), 'pending: web1 void waiting, web2 proposed waiting', 'for the others it can still be approved');
SELECT is(pg_temp.state_of(:action) || ' ' || (SELECT state || ' ' || reason FROM approval.dispatch WHERE request_id = :action),
    'superseded silent the minion was removed', 'an action that was sent is not waited for');
SELECT is((SELECT outcome_text FROM approval.item WHERE request_id = :ghosts), 'the minion was removed', 'each item says why');
SELECT is(pg_temp.held('web1') || ' and ' || pg_temp.held('web_'), '4 {} and 2 {}', 'nothing is approved for them, also in copies that follow what is written');
SELECT is((SELECT count(*) FROM approval.document_history WHERE minion_id = 'web1'), 4::bigint, 'the history stays');
SELECT is(pg_temp.act('t_bob', 'SELECT string_agg(minion_id, '','' ORDER BY minion_id) FROM approval.list_minions() WHERE minion_id LIKE ''web%'''), 'web2', 'they are not listed');
SELECT is((SELECT count(*) FROM approval.standing WHERE minion_id LIKE 'web%'), 1::bigint, 'nor counted');
SELECT is((SELECT principal || ' ' || identity || ' ' || assurance || ' ' || detail FROM approval.audit_entry WHERE stream = 0 AND act = 'minions-removed'),
    'bob salt:bob asserted {"comment": "gone", "minions": ["web1", "web_"]}', 'it is on record');
SELECT is((SELECT string_agg(act, ',' ORDER BY seq DESC) FROM approval.audit_entry WHERE stream = :alone AND act <> 'submitted'), 'cancelled,minions-removed', 'with each request');
SELECT throws_ok($$SELECT pg_temp.remove('{web1}')$$, 'AP004', NULL, 'once');
SELECT throws_ok($$SELECT pg_temp.ask('t_alice', 'standard', '{web1,web2}', 'cowsay', '1')$$, 'AP004', 'unknown minion: ''web1''', 'requests do not name them');

-- What they return.
SELECT pg_temp.report('web1', 2, '{hello,sl}', '{converged,converged}', '{1,1}', 'r4') \g /dev/null
SELECT is((SELECT authenticated || ' ' || flags::text FROM approval.job_return WHERE run_id = 'r4'), 'false {removed,unknown-job}', 'what a removed one returns is kept, and proves nothing');
SELECT is(pg_temp.items(:waiting), 'web1 superseded waiting, web2 approved converged', 'nor moves anything');

-- The rest goes on.
SELECT pg_temp.decide('t_bob', :both), pg_temp.decide('t_dave', :both) \g /dev/null
SELECT is(pg_temp.state_of(:both) || ': ' || pg_temp.items(:both), 'approved: web1 void waiting, web2 approved waiting', 'an approval is of those that are left');
SELECT is(pg_temp.held('web1'), '4 {}', 'and reaches no removed one');
SELECT approval.put_request_type('{"name": "revert", "kind": "any", "requesters": ["*"], "chain": [{"name": "owner", "any_of": [{"group": "owners"}]}]}') \g /dev/null
SELECT pg_temp.act('t_alice', format('SELECT approval.revert_request(''pg'', ''t_alice'', %s, NULL, '''')', :waiting)) AS undo \gset
SELECT is(pg_temp.items(:undo), 'web2 proposed waiting', 'what is taken back is taken back from the others');
SELECT throws_ok(format('SELECT pg_temp.act(''t_alice'', $q$SELECT approval.revert_request(''pg'', ''t_alice'', %s, ''{web1}'', '''')$q$)', :waiting), 'AP015', NULL, 'also if somebody names them');

-- One comes back.
SELECT is(pg_temp.act('t_engine', 'SELECT approval.note_minion(''web1'', ''key'', false, NULL)'), 'unknown', 'a key that nobody accepted brings none back');
SELECT is(pg_temp.act('t_engine', 'SELECT approval.note_minion(''web1'', NULL, true, ''machine'')'), 'unknown', 'nor do grains that the master remembers');
SELECT is(pg_temp.act('t_engine', 'SELECT approval.note_minion(''web1'', ''key'', true, NULL)'), 'new', 'one that is accepted does');
SELECT is(pg_temp.held('web1') || ' ' || (SELECT key_digest FROM approval.minion WHERE minion_id = 'web1' AND removed_at IS NULL), '4 {} key', 'with nothing approved');
SELECT pg_temp.ask('t_alice', 'standard', '{web1}', 'hello', '2') AS again \gset
SELECT is(pg_temp.held('web1'), '5 {hello}', 'until something is; revisions go on');
SELECT pg_temp.report('web1', 5, '{hello}', '{converged}', '{2}', 'r5', before => '{NULL}') \g /dev/null
SELECT pg_temp.act('t_alice', format('SELECT approval.revert_request(''pg'', ''t_alice'', %s, NULL, '''')', :again)) AS undo \gset
SELECT is((SELECT type FROM approval.item WHERE request_id = :undo), 'absent', 'what was approved before it was removed is no state to go back to');
SELECT is(approval.put_minions('{web_,web2}'), 1, 'somebody may also say that one is back');
SELECT * FROM finish();
ROLLBACK;
