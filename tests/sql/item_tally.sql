-- Of large requests counts and groups are kept: the same as of one look at each item, whatever is done with these.
BEGIN;
\ir support/fixture.sql
SELECT plan(17);

CREATE FUNCTION pg_temp.kept(number bigint) RETURNS text LANGUAGE sql AS $$
SELECT string_agg(format('%s.%s %s %s', s.item_set_version, c.state, c.outcome, c.items), ', ' ORDER BY 1)
FROM (SELECT s.item_set_version, c.* FROM approval.item_set AS s, approval.count_items(s.request_id, s.item_set_version) AS c
      WHERE s.request_id = number) AS c JOIN approval.item_set AS s ON s.request_id = number AND s.item_set_version = c.item_set_version
$$;
CREATE FUNCTION pg_temp.recounted(number bigint) RETURNS text LANGUAGE sql AS $$
SELECT string_agg(format('%s.%s %s %s', c.item_set_version, c.state, c.outcome, c.items), ', ' ORDER BY 1)
FROM (SELECT i.item_set_version, i.state, i.outcome, count(*) AS items FROM approval.item AS i WHERE i.request_id = number
      GROUP BY 1, 2, 3) AS c
$$;
SELECT approval.put_minions(ARRAY(SELECT 'n' || lpad(n::text, 4, '0') FROM generate_series(1, 1002) AS n)) \g /dev/null
SELECT ARRAY(SELECT 'n' || lpad(n::text, 4, '0') FROM generate_series(1, 1002) AS n) AS every,
    ARRAY(SELECT 'n' || lpad(n::text, 4, '0') FROM generate_series(1, 1000) AS n) AS most \gset

SELECT pg_temp.ask('t_alice', 'package', :'most', 'hello', '1') AS small \gset
SELECT is((SELECT count(*) FROM approval.item_tally WHERE request_id = :small), 0::bigint, 'nothing is kept of a thousand items');
SELECT is(pg_temp.kept(:small), '1.proposed waiting 1000', 'they are counted');
SELECT pg_temp.act('t_alice', format('SELECT approval.cancel_request(''pg'', ''t_alice'', %s, '''')', :small)) \g /dev/null

SELECT pg_temp.ask('t_alice', 'package', :'every', 'hello', '1') AS large \gset
SELECT is(pg_temp.kept(:large), pg_temp.recounted(:large), 'of more a tally is kept');
SELECT is((SELECT string_agg(format('%s %s %s', minions, first_minion, last_minion), ', ') FROM approval.item_group WHERE request_id = :large),
          '1002 n0001 n1002', 'and the one group that they are');
SELECT pg_temp.act('t_alice', format(
    'SELECT approval.amend_request(''pg'', ''t_alice'', %s, %L, %L, %L, %L, '''')', :large, :'every'::text[] || '{n0002,n0003}'::text[],
    array_fill('package'::text, ARRAY[1004]), array_fill('hello'::text, ARRAY[1002]) || '{ed,ed}'::text[],
    array_fill('1'::text, ARRAY[1003]) || '{2}'::text[])) \g /dev/null
SELECT is(pg_temp.kept(:large), '1.void waiting 1002, 2.proposed waiting 1004', 'an amendment makes another set');
SELECT is((SELECT jsonb_agg(jsonb_build_array(g -> 'minions', g -> 'first', g -> 'last', jsonb_array_length(g -> 'items')))
           FROM jsonb_array_elements(approval.show_request(:large) -> 'groups') AS g),
          '[[1000, "n0001", "n1002", 1], [1, "n0002", "n0002", 2], [1, "n0003", "n0003", 2]]', 'with its groups');
SELECT is(approval.show_request(:large) -> 'group_count', '3', 'and how many they are');
SELECT throws_ok(statement, 'AP002', NULL, statement)
FROM unnest(ARRAY['UPDATE approval.item_group SET minions = 2', 'DELETE FROM approval.item_group']) AS statement;

SELECT pg_temp.decide('t_bob', :large), pg_temp.decide('t_carol', :large) \g /dev/null
SELECT is(pg_temp.kept(:large), pg_temp.recounted(:large), 'it is approved');
SELECT pg_temp.report('n' || lpad(n::text, 4, '0'), 1, '{hello}', ARRAY[CASE WHEN n % 10 = 0 THEN 'failed' ELSE 'converged' END], '{1}', 'r' || n)
FROM generate_series(1, 200) AS n \g /dev/null
SELECT is(pg_temp.kept(:large), pg_temp.recounted(:large), 'some have it, and some cannot');
SELECT cmp_ok((SELECT count(*) FROM approval.item_tally WHERE request_id = :large), '<', 150::bigint, 'entries become one');
SELECT pg_temp.report('n0001', 1, '{hello}', '{drift}', '{0}', 'again') \g /dev/null
SELECT is(approval.show_request(:large) -> 'standings', '{"drifted": 1, "failed": 20, "waiting": 804, "converged": 179}', 'how they stand');
SELECT is((SELECT string_agg(format('%s %s', i ->> 'minion', i ->> 'standing'), ', ')
           FROM jsonb_array_elements(approval.show_request(:large) -> 'deviating') AS i WHERE i ->> 'minion' < 'n0021'),
          'n0001 drifted, n0010 failed, n0020 failed', 'and the first that deviate');
SELECT is((SELECT string_agg(i ->> 'minion', ' ') FROM jsonb_array_elements(
               approval.show_request(:large, outcomes, '{n0012,package,hello}', 3) -> 'items') AS i), found, outcomes::text)
FROM (VALUES ('{failed,drift,drifted}'::text[], 'n0020 n0030 n0040'), ('{converged}', 'n0013 n0014 n0015')) AS v (outcomes, found);
-- Another request takes its place on some minions, and it is gone on one.
SELECT pg_temp.ask('t_alice', 'standard', '{n0300,n0301}', 'hello', '2', NULL, 'supersede') \g /dev/null
SELECT pg_temp.act('t_policy', $$SELECT approval.remove_minions('pg', 't_policy', '{n0400}', '')$$) \g /dev/null
SELECT is(pg_temp.kept(:large), pg_temp.recounted(:large), 'items that no longer hold are told apart');

SELECT * FROM finish();
ROLLBACK;
