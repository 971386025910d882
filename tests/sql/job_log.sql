-- The job log: what is written into it, how jobs end in it, what is read, and how long it is kept.
BEGIN;
\ir support/fixture.sql
SELECT plan(55);

CREATE FUNCTION pg_temp.jid(number integer) RETURNS text LANGUAGE sql AS $$
SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDDHH24MI') || lpad(number::text, 8, '0')
$$;
CREATE FUNCTION pg_temp.save(number integer, minions text[], command text, claimed boolean DEFAULT false, fun text DEFAULT 'cmd.run',
                             age interval DEFAULT '0', test boolean DEFAULT false, runner boolean DEFAULT false, username text DEFAULT 'root')
    RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_returner', format('SELECT approval.save_load(%L, %L, ''*'', ''glob'', %L, %L, ''\x00'', %L, %L, %L, %L, %L)',
    pg_temp.jid(number), fun, username, minions, claimed, extract(epoch FROM now() - age), command, test, runner))
$$;
CREATE FUNCTION pg_temp.jobs(minion text DEFAULT NULL, since interval DEFAULT NULL, before interval DEFAULT NULL, fun text DEFAULT NULL,
                             username text DEFAULT NULL, request bigint DEFAULT NULL, behind integer DEFAULT NULL, most integer DEFAULT 100)
    RETURNS text LANGUAGE sql AS $$
SELECT coalesce(string_agg(ltrim(right(j.jid, 8), '0'), ',' ORDER BY j.place), '')
FROM (SELECT *, row_number() OVER () AS place FROM approval.list_jobs(
    minion, now() - since, now() - before, fun, username, request,
    (SELECT published_at FROM approval.job_log WHERE jid = pg_temp.jid(behind)), pg_temp.jid(behind), most)) AS j
$$;
CREATE FUNCTION pg_temp.job(number integer) RETURNS SETOF approval.job_log LANGUAGE sql AS $$
SELECT * FROM approval.job_log WHERE jid = pg_temp.jid(number)
$$;
SELECT approval.maintain_jobs(24) \g /dev/null

-- Rows that are written.
SELECT is(pg_temp.save(1, '{web1,web2}', 'salt ''*'' cmd.run date', age => '3 hours'), 'true', 'a job that is published');
SELECT is((SELECT command || ' ' || job_user || ' ' || minion_count || ' ' || is_claim FROM pg_temp.job(1)),
    'salt ''*'' cmd.run date root 2 false', 'stands in the log as it was typed');
SELECT is((SELECT count(*) FROM approval.job_log_default), 0::bigint, 'in the partition of its week');
SELECT is(pg_temp.save(1, '{web1}', 'another'), 'false', 'a second load of the job');
SELECT is((SELECT command FROM pg_temp.job(1)), 'salt ''*'' cmd.run date', 'changes nothing there');
SELECT is(pg_temp.save(2, '{web1}', NULL), 'true', 'housekeeping is kept in the job cache');
SELECT is_empty('SELECT FROM pg_temp.job(2)', 'and left out of the log');
SELECT is(pg_temp.save(3, '{web2}', 'salt-call state.apply', true, 'state.apply', age => '2 hours'), 'true', 'a return without a job');
SELECT is((SELECT is_claim FROM pg_temp.job(3)), true, 'is a claim of its minion');
SELECT is(pg_temp.save(3, '{web2,web1}', 'salt web2 state.apply', false, 'state.apply'), 'true', 'what the master published of it');
SELECT is((SELECT command || ' ' || minion_count || ' ' || is_claim FROM pg_temp.job(3)), 'salt web2 state.apply 2 false', 'takes its place');
SELECT is(pg_temp.save(4, '{master}', 'salt-run state.orch x', true, 'runner.state.orch', age => '1 hour', runner => true), 'true', 'a runner''s job');
SELECT is((SELECT is_claim FROM pg_temp.job(4)), false, 'is no claim');
SELECT is(pg_temp.save(5, '{web1}', 'salt web1 test.version test=True', test => true, fun => 'test.version', username => 'sudo_bob'), 'true', 'a test');
SELECT is((SELECT is_test FROM pg_temp.job(5)), true, 'is marked');
SELECT approval.save_minions(pg_temp.jid(5), '{web2}', NULL) \g /dev/null
SELECT is((SELECT minion_count FROM pg_temp.job(5)), 2, 'a further batch adds its minions');
SELECT is(pg_temp.save(6, '{web_,""}', repeat('ß', 4000), fun => repeat('f', 300), username => repeat('u', 300)), 'true', 'what is long');
SELECT ok((SELECT command LIKE '%ß…' AND octet_length(command) <= 512 AND octet_length(fun) = 96 AND octet_length(job_user) = 64 AND minion_count = 1
           FROM pg_temp.job(6)), 'is cut, and what is no id is left out');
SELECT is(approval.shortened('äöü', 6) || approval.shortened('äöü!', 6) || approval.shortened('', 0), 'äöüä…', 'cut between characters');

-- The request that a job was sent for.
SELECT pg_temp.ask('t_alice', 'standard', '{web1}', 'sent', '1') AS sent \gset
INSERT INTO approval.dispatch (request_id, minion_id, item_id, proof, proof_within, state, state_at, jid, sent_at, observe_jid)
SELECT request_id, minion_id, item_id, 'return', '1 hour', 'sent', now(), pg_temp.jid(7), now(), pg_temp.jid(8) FROM approval.item
WHERE request_id = :sent \g /dev/null
SELECT pg_temp.save(7, '{web1}', 'salt web1 x.y', age => '10 minutes'), pg_temp.save(8, '{web1}', 'salt web1 z', age => '20 minutes') \g /dev/null
SELECT is(pg_temp.jobs(request => :sent), '7,8', 'jobs of a request');
SELECT is(pg_temp.jobs(request => :sent + 1), '', 'and of no other');

-- Rows that are read.
SELECT is(pg_temp.jobs(), '6,5,7,8,4,3,1', 'newest first');
SELECT is(pg_temp.jobs('web1'), '5,7,8,3,1', 'on a minion');
SELECT is(pg_temp.jobs('web_'), '6', 'whose id is no pattern');
SELECT is(pg_temp.jobs('Zoë''s "box"'), '', 'of one that nothing ran on: none');
SELECT throws_ok($$SELECT approval.list_jobs('nobody', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1)$$, 'AP004', NULL, 'an unknown minion');
SELECT is(pg_temp.jobs(since => '3 hours', before => '2 hours'), '1', 'from a time until before another');
SELECT is(pg_temp.jobs(fun => 'state.*'), '3', 'of functions');
SELECT is(pg_temp.jobs(fun => 'cmd?run'), '7,8,1', 'any one character');
SELECT is(pg_temp.jobs(fun => 'cmd%') || pg_temp.jobs(fun => 'cmd_run') || pg_temp.jobs(fun => 'cmd\'), '', 'no patterns of SQL');
SELECT is(pg_temp.jobs(username => 'sudo_bob'), '5', 'by a user');
SELECT is(pg_temp.jobs('web1', most => 2), '5,7', 'a page');
SELECT is(pg_temp.jobs('web1', behind => 7, most => 2), '8,3', 'the next one');
SELECT throws_ok($$SELECT approval.list_jobs(NULL, NULL, NULL, NULL, NULL, NULL, now(), NULL, 1)$$, 'AP005', NULL, 'a place that is none');
SELECT is((SELECT minions FROM approval.list_jobs('web1', NULL, NULL, 'state.*', NULL, NULL, NULL, NULL, 1)), '{web1,web2}', 'with names of its minions');
SELECT throws_ok($$SELECT pg_temp.act('t_bob', 'SELECT approval.list_jobs(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1)')$$, '42501', NULL,
    'not for everybody');

SELECT pg_temp.save(9, '{web1}', 'salt web1 old', age => '300 days') \g /dev/null
SELECT is(pg_temp.jobs('web1', most => 6), '5,7,8,3,1,9', 'however long ago');
DELETE FROM approval.job_log WHERE command LIKE '%old';

-- How it ended.
SELECT pg_temp.report('web1', NULL, '{}', '{unproven}', '{}', 'a', false, jid => pg_temp.jid(1)),
    pg_temp.report('web_', NULL, '{}', '{unproven}', '{}', 'b', false, jid => pg_temp.jid(1)) \g /dev/null
CREATE FUNCTION pg_temp.ended(number integer) RETURNS text LANGUAGE sql AS $$
SELECT concat_ws(' ', ok, failed, silent, duration_s) FROM approval.list_jobs(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 100) WHERE jid = pg_temp.jid(number)
$$;
SELECT is(pg_temp.ended(1), '1 0 1 10800', 'one did it and one was silent; who was not asked does not count');
SELECT approval.maintain_jobs(24) \g /dev/null
SELECT is((SELECT concat_ws(' ', ok, failed, silent, duration_s) FROM pg_temp.job(1)), '1 0 1 10800', 'which is written after an hour');
SELECT is((SELECT silent FROM pg_temp.job(7)), NULL, 'and not before');
SELECT is(pg_temp.ended(7), '0 0 1', 'of no return there is no duration');
SELECT pg_temp.report('web2', NULL, '{}', '{failed}', '{}', 'c', false, jid => pg_temp.jid(1)) \g /dev/null
SELECT approval.maintain_jobs(24) \g /dev/null
SELECT is(pg_temp.ended(1), '1 1 0 10800', 'one that returns late is not silent: its states failed, whatever it says');
DELETE FROM approval.job_return;
SELECT approval.maintain_jobs(24) \g /dev/null
SELECT is(pg_temp.ended(1), '1 1 0 10800', 'what was counted stays when the returns are gone');

-- Jobs that somebody published where the log does not look.
SELECT is_empty('SELECT FROM approval.check_job_log()', 'no gaps');
SELECT pg_temp.save(30, '{web1}', 'salt-call test.version', true) \g /dev/null
SELECT pg_temp.report('web1', NULL, '{}', '{unproven}', '{}', 'd', false, jid => pg_temp.jid(30)) \g /dev/null
SELECT is_empty('SELECT FROM approval.check_job_log()', 'a minion that tells of itself is none');
SELECT pg_temp.report('web2', NULL, '{}', '{unproven}', '{}', 'e', false, jid => pg_temp.jid(30)),
    pg_temp.report('web2', NULL, '{}', '{unproven}', '{}', 'f', false, jid => pg_temp.jid(31)),
    pg_temp.report('web2', NULL, '{}', '{unproven}', '{}', 'g', false, jid => pg_temp.jid(7)) \g /dev/null
SELECT matches((SELECT problem FROM approval.check_job_log()), '^2 jobs ', 'two minions of one, and a return of no job');
SELECT matches((SELECT remedy FROM approval.check_job_log()), pg_temp.jid(30), 'with an example');
DELETE FROM approval.job_log WHERE is_claim;

-- Many minions: one form where they are most of all, the other where they are few of them.
SELECT pg_temp.save(20, ARRAY(SELECT 'm' || n FROM generate_series(1, 3000) AS n), 'salt ''*'' x'),
    pg_temp.save(21, ARRAY(SELECT 'm' || 100 * n FROM generate_series(1, 20) AS n), 'salt ''m*00'' x') \g /dev/null
SELECT is(ARRAY(SELECT ROW(minion_count, minions IS NULL,
                           coalesce(octet_length(minion_bits) - (SELECT max(minion_number) / 8 FROM approval.minion_number), cardinality(minions)))::text
                FROM approval.job_log WHERE minion_count > 16 ORDER BY jid), '{"(3000,t,1)","(20,f,20)"}', 'in bits, and in numbers');
SELECT is(pg_temp.jobs('m100') || ' ' || pg_temp.jobs('m101') || ' ' || pg_temp.jobs('m3000'), '21,20 20 20', 'are found both');
SELECT is((SELECT minions FROM approval.list_jobs('m101', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1)), NULL, 'and counted, not named');
SELECT is(pg_temp.jobs('web1'), '5,7,8,3,1', 'others are not among them');

-- How long.
SELECT approval.make_partition('job_log', date '2020-01-06', '2020-01-06T00:00:00Z', '2020-01-13T00:00:00Z') \g /dev/null
SELECT is(dropped, 1, 'a week goes whole') FROM approval.maintain_jobs(24, 100);
SELECT is((SELECT content FROM approval.setting WHERE name = 'keep_log_days'), '100', 'after as long as was last said');
SELECT is((SELECT detail::json ->> 'partitions' FROM approval.audit_entry WHERE stream = 0 AND act = 'job-log-dropped'), '1', 'which is in the trail');
SELECT throws_ok('SELECT approval.maintain_jobs(24, 0)', 'AP005', NULL, 'keeping nothing is refused');
SELECT * FROM finish();
ROLLBACK;
