BEGIN;
\ir support/fixture.sql
SELECT plan(16);

CREATE FUNCTION pg_temp.amend(login text, number bigint, minions text[], version text) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act(login, format('SELECT approval.amend_request(''pg'', %L, %s, %L, %L, %L, %L, ''amended'')', login, number, minions,
    array_fill('package'::text, ARRAY[cardinality(minions)]), array_fill('hello'::text, ARRAY[cardinality(minions)]),
    array_fill(version, ARRAY[cardinality(minions)])))
$$;
SELECT pg_temp.ask('t_alice', 'package', '{web1,web2}', 'hello', '1') AS request \gset
SELECT digest AS reviewed FROM approval.item_set WHERE request_id = :request \gset
SELECT is(pg_temp.decide('t_bob', :request), 'pending', 'stage 1 is passed');
SELECT throws_ok(format('SELECT pg_temp.amend(''t_bob'', %s, ''{web1}'', ''1'')', :request), 'AP002', NULL, 'only who asked amends');
SELECT is(pg_temp.amend('t_alice', :request, '{web1,web2}', '1'), '1', 'the same items are no amendment');
SELECT is(pg_temp.amend('t_alice', :request, '{web1}', '1'), '2', 'taking an item away');
SELECT ok((SELECT satisfied_at IS NOT NULL FROM approval.request_stage WHERE request_id = :request AND stage_no = 1), 'leaves the decisions made');
SELECT throws_ok(format('SELECT pg_temp.decide(''t_dave'', %s, ''approve'', %L)', :request, :'reviewed'), 'AP011', NULL, 'a decision on what was there before is refused');
SELECT is(pg_temp.amend('t_alice', :request, '{web1}', '2'), '3', 'changing an item');
SELECT ok((SELECT satisfied_at IS NULL FROM approval.request_stage WHERE request_id = :request AND stage_no = 1), 'voids them');
SELECT throws_ok(format('SELECT pg_temp.decide(''t_dave'', %s)', :request), 'AP008', NULL, 'the chain begins anew');
SELECT is(ARRAY[pg_temp.decide('t_bob', :request), pg_temp.decide('t_dave', :request)], '{pending,approved}', 'and passes');
SELECT results_eq($$SELECT minion_id, contents FROM approval.document$$, $$VALUES ('web1', '{2}'::text[])$$, 'what is applied is what was reviewed last');
SELECT is((SELECT array_agg(DISTINCT state) FROM approval.item WHERE request_id = :request AND item_set_version < 3), '{void}', 'earlier items are void');
SELECT throws_ok(format('SELECT pg_temp.amend(''t_alice'', %s, ''{web1}'', ''3'')', :request), 'AP006', NULL, 'what is approved is not amended');
-- An escalation is of what had waited.
SELECT approval.put_request_type('{"name": "urgent", "kind": "package", "requesters": ["*"], "chain": [
    {"name": "a", "timeout": "1 hour", "escalate_to": "board", "any_of": [{"group": "deserted"}]}]}') \g /dev/null
SELECT pg_temp.ask('t_alice', 'urgent', '{web1}', 'hello', '4') AS request \gset
UPDATE approval.request_stage SET started_at = now() - interval '2 hours' WHERE request_id = :request;
SELECT is(approval.expire_due(now()), 1, 'a stage is escalated');
SELECT pg_temp.amend('t_alice', :request, '{web1}', '5') \g /dev/null
SELECT throws_ok(format('SELECT pg_temp.decide(''t_dave'', %s)', :request), 'AP008', NULL, 'other items have not waited');
SELECT is((SELECT timeout FROM approval.request_stage WHERE request_id = :request), '1 hour'::interval, 'and have their time');
SELECT * FROM finish();
ROLLBACK;
