-- The job cache: loads, returns, partitions.
BEGIN;
\ir support/fixture.sql
SELECT plan(23);

SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISSUS') AS jid \gset
CREATE FUNCTION pg_temp.save(number text, fun text, minions text[], claimed boolean DEFAULT false) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_returner', format('SELECT approval.save_load(%L, %L, ''*'', ''glob'', ''root'', %L, %L, %L)', number, fun, minions, convert_to(fun, 'UTF8'), claimed))
$$;
CREATE FUNCTION pg_temp.load(number text) RETURNS text LANGUAGE sql AS $$
SELECT convert_from(load, 'UTF8') || array_to_string(minions, ',', '?') FROM approval.get_load(number)
$$;

SELECT is(pg_temp.load(:'jid'), NULL, 'a jid nobody published has no load');
SELECT is(pg_temp.save(:'jid', 'claimed', '{}', true), 'true', 'a load taken from a return is kept while none was published');
SELECT is(pg_temp.save(:'jid', 'test.ping', '{web1}'), 'true', 'what the master published displaces it');
SELECT is(pg_temp.save(:'jid', 'state.apply', '{web2}'), 'false', 'a second load is not taken');
SELECT is(pg_temp.save(:'jid', 'claimed', '{}', true), 'false', 'nor another claim');
SELECT is(pg_temp.save('no jid', 'claimed', '{}', true), 'false', 'nor a claim under what is no jid');
SELECT is(pg_temp.save('99990101000000000000', 'claimed', '{}', true), 'false', 'or one of a year to come');
SELECT is(pg_temp.load(:'jid'), 'test.pingweb1', 'the first is what the job cache gives');
SELECT approval.save_minions(:'jid', '{web2,web1}', 'syndic') \g /dev/null
SELECT is(pg_temp.load(:'jid'), 'test.pingweb1,web2', 'a syndic adds its minions');
SELECT is((SELECT array_agg(jid) FROM approval.get_jids(1)), ARRAY[:'jid'], 'jobs, newest first');
SELECT approval.update_endtime(:'jid', 1795362467.5) \g /dev/null
SELECT is(approval.get_endtime(:'jid'), 1795362467.5::double precision, 'when it ended');
SELECT is(approval.get_endtime('nothing'), NULL, 'not known: NULL');

SELECT pg_temp.report('web1', NULL, '{}', '{invalid}', '{}', 'none', false, jid => :'jid') \g /dev/null
SELECT pg_temp.report('web1', NULL, '{}', '{unproven}', '{}', 'none', false, jid => :'jid') \g /dev/null
SELECT pg_temp.report('web9', NULL, '{}', '{invalid}', '{}', 'none', false, jid => :'jid') \g /dev/null
SELECT is((SELECT flags FROM approval.job_return WHERE minion_id = 'web9'), '{untargeted}', 'who was not asked is flagged');
SELECT set_eq('SELECT minion_id FROM approval.get_minions()', '{web1,web9}'::text[], 'who returned');
SELECT set_eq(format('SELECT minion_id FROM approval.get_jid(%L)', :'jid'), '{web1,web9}'::text[], 'of one job, each minion once');
SELECT set_eq('SELECT minion_id FROM approval.get_fun(''state.apply'')', '{web1,web9}'::text[], 'of one function likewise');
SELECT is(approval.save_events('{a,b}', '{"\\x00","\\x01"}'), 2, 'events are kept');

SELECT is(created, 15, 'partitions of the days and weeks around now') FROM approval.maintain_jobs(24);
SELECT is(created + dropped, 0, 'are made once') FROM approval.maintain_jobs(24);
SELECT is((SELECT count(*) FROM approval.job_default) + (SELECT count(*) FROM approval.job_return_default)
          + (SELECT count(*) FROM approval.event_default), 0::bigint, 'and take over what came before them');
SELECT approval.make_partition('job', date '2020-01-01', '20200101', '20200102') \g /dev/null
SELECT is(dropped, 1, 'goes whole') FROM approval.maintain_jobs(24);
SELECT is((SELECT detail::json ->> 'partitions' FROM approval.audit_entry WHERE stream = 0 AND act = 'jobs-dropped'), '1', 'which is in the trail');
SELECT throws_ok('SELECT approval.maintain_jobs(0)', 'AP005', NULL, 'keeping nothing is refused');
SELECT * FROM finish();
ROLLBACK;
