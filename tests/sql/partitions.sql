-- Partitions of jobs: which days each of them has, whatever the unit was when they were made, and what goes when.
BEGIN;
\ir support/fixture.sql
SELECT plan(34);

CREATE FUNCTION pg_temp.partitions(parent text) RETURNS text LANGUAGE sql AS $$
SELECT string_agg(since || ' ' || until - since, ', ' ORDER BY since) FROM approval.partitions_of(parent)
$$;
CREATE FUNCTION pg_temp.save(jid text) RETURNS text LANGUAGE sql AS $$
INSERT INTO approval.job VALUES (jid, 'test.ping', '*', 'glob', 'root', '{web1}', convert_to(jid, 'UTF8'), false, now());
SELECT CASE WHEN convert_from(load, 'UTF8') = save.jid THEN (SELECT j.tableoid::regclass::text FROM approval.job AS j WHERE j.jid = save.jid) END
FROM approval.get_load(save.jid)
$$;

-- Of weeks.
SELECT is(approval.make_partitions('job', 'week', '2020-01-01', '2020-01-20'), 3, 'a partition for each week that a day is of');
SELECT is(pg_temp.partitions('job'), '2019-12-30 7, 2020-01-06 7, 2020-01-13 7', 'from Monday on');
SELECT is(approval.make_partitions('job', 'week', '2020-01-01', '2020-01-20'), 0, 'made once');
SELECT is(pg_temp.save('20200105235959999999'), 'approval.job_20191230', 'the last of a week');
SELECT is(pg_temp.save('20200106000000000000'), 'approval.job_20200106', 'the first of the next');
SELECT is(pg_temp.save('20200106'), 'approval.job_20200106', 'a part of a jid');
SELECT is(pg_temp.save('20200112235959999999_42'), 'approval.job_20200106', 'a jid with the number of a process');
SELECT is(pg_temp.save('20200120000000000000'), 'approval.job_default', 'a day without a partition');
SELECT is(pg_temp.save('no jid'), 'approval.job_default', 'what is no jid');
SELECT is(pg_temp.save(''), 'approval.job_default', 'nor is nothing');
SELECT is(pg_temp.save('29990131235959999999'), 'approval.job_default', 'a day to come');
SELECT is(approval.make_partitions('job', 'month', '2999-01-15', '2999-01-16'), 1, 'which gets its month');
SELECT is((SELECT tableoid::regclass::text FROM approval.job WHERE jid = '29990131235959999999'), 'approval.job_29990101', 'and is taken there');
SELECT is((SELECT convert_from(load, 'UTF8') FROM approval.get_load('29990131235959999999')), '29990131235959999999', 'where it is found');
SELECT is((SELECT convert_from(load, 'UTF8') FROM approval.get_jids(2) WHERE jid LIKE '2999%'), '29990131235959999999', 'newest first');
SELECT is(approval.drop_partitions('job', '2999-02-01'), 4, 'partitions go whole');
SELECT is((SELECT count(*) FROM approval.job), 3::bigint, 'and leave what is in none of them');

-- One unit after the other.
SELECT is(approval.make_partitions('event', 'day', '2020-02-03', '2020-02-05'), 2, 'days');
SELECT is(approval.make_partitions('event', 'week', '2020-01-31', '2020-02-12'), 3, 'weeks about them');
SELECT is(approval.make_partitions('event', 'month', '2020-01-31', '2020-03-02'), 2, 'months behind them');
SELECT is(pg_temp.partitions('event'), '2020-01-27 7, 2020-02-03 1, 2020-02-04 1, 2020-02-05 5, 2020-02-10 7, 2020-02-17 13, 2020-03-01 31',
    'leave no day out, and have none twice');
SET LOCAL timezone = 'America/New_York';
SELECT is(approval.drop_partitions('event', '2020-02-05'), 3, 'days are those of UTC, wherever somebody is');
SELECT is((SELECT min(since) FROM approval.partitions_of('event')), date '2020-02-05', 'one of which a day is kept stays');
RESET timezone;
SELECT approval.drop_partitions('event', '2021-01-01') \g /dev/null

-- How long jobs are kept decides the unit.
CREATE FUNCTION pg_temp.longest(keep_hours integer) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    PERFORM approval.drop_partitions(parent, 'infinity') FROM unnest('{job,job_return,event}'::text[]) AS parent;
    PERFORM approval.maintain_jobs(keep_hours);
    RETURN (SELECT max(p.until - p.since) FROM unnest('{job,job_return,event}'::text[]) AS parent, approval.partitions_of(parent) AS p);
END
$$;
SELECT is(pg_temp.longest(60 * 24), 1, 'days for 60 days');
SELECT is(pg_temp.longest(60 * 24 + 1), 7, 'weeks for longer');
SELECT is(pg_temp.longest(60 * 7 * 24), 7, 'up to 60 weeks');
SELECT ok(pg_temp.longest(60 * 7 * 24 + 1) >= 28, 'months for longer than that');
SELECT ok(pg_temp.longest(876000) >= 28, 'and for ever');

-- What goes, goes by whole weeks with all that belongs to it; where jobs are to be kept for less long, at once.
SELECT to_char(date_trunc('week', now() AT TIME ZONE 'UTC' - interval '401 days'), 'YYYYMMDD') AS first_kept,
    to_char((now() AT TIME ZONE 'UTC')::date - 3, 'YYYYMMDD') || '120000000000' AS old, to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISSUS') AS new \gset
SELECT approval.make_partitions('job', 'week', :'first_kept'::date - 7, :'first_kept'::date + 7) \g /dev/null
SELECT pg_temp.save(:'old'), pg_temp.save(:'new') \g /dev/null
SELECT pg_temp.save(to_char(:'first_kept'::date - 1, 'YYYYMMDD') || '235959999999'), pg_temp.save(:'first_kept' || '000000000000') \g /dev/null
INSERT INTO approval.seen_run SELECT 'web1', j.jid, j.jid FROM approval.job AS j WHERE j.jid <> 'no jid' AND j.jid <> '';
SELECT is(dropped, 1, 'the week that is over') FROM approval.maintain_jobs(400 * 24);
SELECT is((SELECT min(jid) FROM approval.job WHERE jid <> ''), :'first_kept' || '000000000000', 'the next one is whole');
SELECT is((SELECT min(jid) FROM approval.seen_run), :'first_kept' || '000000000000', 'and a replay of it is known');
SELECT is(dropped >= 1, true, 'kept for a day') FROM approval.maintain_jobs(24);
SELECT is((SELECT array_agg(jid) FROM approval.job WHERE jid < 'a' AND jid <> ''), ARRAY[:'new'], 'they leave no rest of a week');
SELECT is((SELECT max(until - since) FROM approval.partitions_of('job')) > 1, true, 'where a partition has other days, too');
SELECT * FROM finish();
ROLLBACK;
