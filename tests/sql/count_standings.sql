-- Where minions stand, as it is kept: the same numbers as of one look at each of them.
BEGIN;
\ir support/fixture.sql
SELECT plan(11);

-- The numbers of the view beside those of the function; as text, which says what differs.
CREATE FUNCTION pg_temp.one_by_one() RETURNS text LANGUAGE sql AS $$
SELECT string_agg(format('%s %s %s', coalesce(c.minion_group, '-'), c.standing, c.minions), ', '
                  ORDER BY c.minion_group COLLATE "C" NULLS FIRST, c.standing)
FROM (SELECT NULL AS minion_group, s.standing, count(*) AS minions FROM approval.standing AS s GROUP BY s.standing
      UNION ALL
      SELECT g.group_name, s.standing, count(*)
      FROM approval.standing AS s JOIN approval.minion_group_member AS g USING (minion_id) GROUP BY g.group_name, s.standing) AS c
$$;
CREATE FUNCTION pg_temp.summed() RETURNS text LANGUAGE sql AS $$
SELECT string_agg(format('%s %s %s', coalesce(c.minion_group, '-'), c.standing, c.minions), ', '
                  ORDER BY c.minion_group COLLATE "C" NULLS FIRST, c.standing)
FROM approval.count_standings() AS c
$$;
-- Once before what changed is brought in line with what is kept, and once after, which has to be the same.
CREATE FUNCTION pg_temp.counted() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    before text := pg_temp.summed();
BEGIN
    PERFORM pg_temp.act('t_engine', 'SELECT approval.maintain_standings()');
    RETURN CASE WHEN pg_temp.summed() = before THEN before ELSE format('%s, and then %s', before, pg_temp.summed()) END;
END
$$;
SELECT approval.put_minions(ARRAY(SELECT 'm' || n FROM generate_series(1, 8) AS n)) \g /dev/null
SELECT approval.put_minion_group('even', '', '{m2,m4,m6,m8}'), approval.put_minion_group('low', '', '{m1,m2,m3}'),
    approval.put_minion_group('nobody', '', '{}') \g /dev/null

SELECT is(pg_temp.counted(), pg_temp.one_by_one(), 'nothing is approved for anybody');
SELECT is(pg_temp.counted(), '- unknown 13, even unknown 4, low unknown 3', 'which are all that there are');

SELECT pg_temp.ask('t_alice', 'standard', '{m1,m2,m3,m4,m5,m6}', 'hello', '1') AS request \gset
SELECT is(pg_temp.counted(), pg_temp.one_by_one(), 'something waits');

SELECT pg_temp.report(m, 1, '{hello}', '{converged}', '{1}', 'r' || m) FROM unnest('{m1,m2,m3,m4}'::text[]) AS m \g /dev/null
SELECT pg_temp.report('m5', 1, '{hello}', '{failed}', '{NULL}', 'r5') \g /dev/null
SELECT is(pg_temp.counted(), pg_temp.one_by_one(), 'some have it, and one cannot');

SELECT pg_temp.report('m1', 1, '{hello}', '{drift}', '{0}', 'r1 again') \g /dev/null
INSERT INTO approval.silence VALUES ('m2', now(), 'j', 'state.apply', now(), 1), ('m7', now(), 'j', 'state.apply', now(), 1);
SELECT is(pg_temp.counted(), pg_temp.one_by_one(), 'one drifted, and some are silent');
SELECT is(pg_temp.counted(),
    '- converged 2, - drifting 1, - failed 1, - silent 1, - unknown 7, - waiting 1, even converged 1, even silent 1, even unknown 1, '
    'even waiting 1, low converged 1, low drifting 1, low silent 1', 'each is counted once');

-- An item that no longer holds says nothing of its minion.
SELECT pg_temp.ask('t_alice', 'standard', '{m5}', 'hello', '2', NULL, 'supersede') \g /dev/null
SELECT is(pg_temp.counted(), pg_temp.one_by_one(), 'what failed was overtaken');

SELECT pg_temp.ask('t_alice', 'standard', '{m8}', 'hello', '1', now() + interval '1 day') \g /dev/null
SELECT is(pg_temp.counted(), pg_temp.one_by_one(), 'something holds only later');

SELECT pg_temp.act('t_policy', $$SELECT approval.remove_minions('pg', 't_policy', '{m2,m3,m7}', '')$$) \g /dev/null
SELECT is(pg_temp.counted(), pg_temp.one_by_one(), 'who was removed is counted nowhere');
SELECT approval.put_minions('{m2}') \g /dev/null
SELECT is(pg_temp.counted(), pg_temp.one_by_one(), 'who is back has nothing approved');
SELECT is((SELECT sum(minions)::bigint FROM approval.compliance()), 11::bigint, 'compliance counts all that are left');

SELECT * FROM finish();
ROLLBACK;
