BEGIN;
\ir support/fixture.sql
SELECT plan(46);

SELECT pg_temp.ask('t_alice', 'standard', '{web1,web2}', 'hello', '1') AS request \gset
SELECT is(pg_temp.report('web1', 1, '{hello}', '{converged}', '{1}', 'forged', false), 'recorded', 'a return without a valid mac is stored');
SELECT is((SELECT outcome FROM approval.item WHERE request_id = :request AND minion_id = 'web1'), 'waiting', 'and moves nothing');
SELECT is(pg_temp.report('web1', 1, '{hello}', '{converged}', '{1}', 'claim', true, 't_minion'), 'attempt', 'a minion''s own login stores a claim');
SELECT is((SELECT flags FROM approval.job_return WHERE run_id = 'claim'), '{claim,unknown-job}', 'flagged as such');
SELECT is((SELECT outcome FROM approval.item WHERE request_id = :request AND minion_id = 'web1'), 'waiting', 'that moves nothing either');

SELECT is(pg_temp.report('web1', 1, '{hello}', '{converged}', '{1}', 'run1', before => '{NULL}'), 'attempt', 'an authentic one');
SELECT is((SELECT outcome FROM approval.item WHERE request_id = :request AND minion_id = 'web1'), 'converged', 'moves the item');
SELECT is(pg_temp.state_of(:request), 'approved', 'the request waits for the other minion');
SELECT is(pg_temp.report('web1', 1, '{hello}', '{converged}', '{1}', 'run1', before => '{NULL}'), 'repeat', 'the same again is a repeat');
SELECT is((SELECT count(*) FROM approval.job_return WHERE minion_id = 'web1'), 3::bigint, 'stored once');
SELECT is((SELECT payload IS NOT NULL AND (SELECT authenticated FROM approval.job_return AS r WHERE r.attempt = 3 AND r.minion_id = 'web1')
           FROM approval.get_jid((SELECT max(jid) FROM approval.job_return)) WHERE minion_id = 'web1'), true, 'the authentic one is what the job cache gives');

SELECT is(pg_temp.report('web2', 1, '{hello}', '{failed}', '{NULL}', 'run2'), 'recorded', 'the other minion fails');
SELECT is(pg_temp.state_of(:request), 'partial', 'some converged, others not');
SELECT is((SELECT outcome_text FROM approval.item WHERE request_id = :request AND minion_id = 'web2'), 'as seen', 'the reason stands at the item');
SELECT is(pg_temp.report('web2', 1, '{hello}', '{converged}', '{1}', 'run2', jid => to_char(now() + interval '1 s', 'YYYYMMDDHH24MISSUS')), 'recorded',
    'a run id that was there already');
SELECT is(pg_temp.state_of(:request), 'partial', 'is a replay and moves nothing');
SELECT is((SELECT flags && '{replayed}' FROM approval.job_return WHERE run_id = 'run2' ORDER BY jid DESC LIMIT 1), true, 'flagged as such');
SELECT is(pg_temp.report('web2', 1, '{hello}', '{converged}', '{1}', 'run3'), 'attempt', 'a later run mends it');
SELECT is(pg_temp.state_of(:request), 'converged', 'then every item is proven');
SELECT is(pg_temp.report('web2', 1, '{hello}', '{drift}', '{0}', 'run4'), 'attempt', 'what is changed by hand afterwards');
SELECT is(pg_temp.state_of(:request), 'converged', 'does not take a closed request back');
SELECT is((SELECT before_known AND before_content IS NULL FROM approval.item WHERE request_id = :request AND minion_id = 'web1'), true,
    'what was there before is kept');

SELECT is(pg_temp.report('web1', 99, '{hello}', '{converged}', '{1}', 'run5'), 'attempt', 'a revision that never was');
SELECT is((SELECT authenticated FROM approval.job_return WHERE run_id = 'run5'), false, 'is not authentic whatever the recorder says');
SELECT is(pg_temp.report('web1', 1, '{hello}', '{converged}', '{1}', 'run6', jid => '123'), 'quarantined', 'a jid that is none');
SELECT is(pg_temp.report('web1', 1, '{hello}', '{converged}', '{1}', 'run6', jid => '19990101000000000000'), 'quarantined', 'one of long ago');
SELECT is(pg_temp.report('web1', 1, '{hello}', '{converged}', '{1}', 'run6', jid => to_char(now() + interval '9 days', 'YYYYMMDDHH24MISSUS')), 'quarantined',
    'one of days to come');
SELECT count(pg_temp.report('web1', 1, '{hello}', '{converged}', '{1}', 'bulk' || n, jid => '123')) FROM generate_series(1, 150) AS n \g /dev/null
SELECT is((SELECT count(*) FROM approval.quarantine WHERE minion_id = 'web1'), 100::bigint, 'the quarantine of a minion is bounded');

SELECT pg_temp.ask('t_alice', 'standard', '{web1}', 'sl', 'latest') AS newest \gset
SELECT pg_temp.report('web1', 2, '{sl}', '{converged}', '{5.02-1}', 'run7') \g /dev/null
SELECT is((SELECT pinned FROM approval.item WHERE request_id = :newest), '5.02-1', 'latest is pinned to what was first proven');
SELECT is((SELECT contents[array_position(names, 'sl')] || ' ' || types[array_position(names, 'sl')] || ' ' || revision
           FROM approval.exported_document WHERE minion_id = 'web1' AND valid_from <= now() ORDER BY valid_from DESC LIMIT 1), '5.02-1 version 3', 'and exported so from then on');
SELECT is(pg_temp.state_of(:newest), 'converged', 'its request is done');
-- Junk under a job's jid leaves room for the minion's own return.
SELECT pg_temp.ask('t_alice', 'standard', '{web2}', 'zsh', '5') AS late \gset
SELECT count(pg_temp.report('web2', 1, '{zsh}', '{converged}', '{5}', 'junk' || n, false, jid => to_char(now() + interval '2 s', 'YYYYMMDDHH24MISSUS')))
FROM generate_series(1, 20) AS n \g /dev/null
SELECT is(pg_temp.report('web2', 2, '{zsh}', '{converged}', '{5}', 'junk', false, jid => to_char(now() + interval '2 s', 'YYYYMMDDHH24MISSUS')), 'quarantined',
    'the returns of one job are bounded');
SELECT is(pg_temp.report('web2', 1, '{hello}', '{converged}', '{2}', 'run3', jid => to_char(now() + interval '2 s', 'YYYYMMDDHH24MISSUS')), 'quarantined',
    'a replay is one of them');
SELECT is(pg_temp.state_of(:late), 'approved', 'nothing was proven');
SELECT is(pg_temp.report('web2', 2, '{hello,zsh}', '{converged,converged}', '{1,5}', 'run8', jid => to_char(now() + interval '2 s', 'YYYYMMDDHH24MISSUS')), 'attempt',
    'but what the minion itself proves is taken');
SELECT is(pg_temp.state_of(:late), 'converged', 'and counts');
SELECT count(pg_temp.report('web2', 2, '{zsh}', '{converged}', '{5}', 'many' || n, jid => to_char(now() + interval '2 s', 'YYYYMMDDHH24MISSUS')))
FROM generate_series(1, 30) AS n \g /dev/null
SELECT is((SELECT max(attempt) FROM approval.job_return WHERE minion_id = 'web2'), 40, 'it has its bound too');

-- A run is known whatever partition its return is in, and as long as that is kept.
SELECT approval.maintain_jobs(24) \g /dev/null
SELECT to_char((now() AT TIME ZONE 'UTC')::date - 1, 'YYYYMMDD') || '230000000001' AS yesterday, to_char((now() AT TIME ZONE 'UTC')::date, 'YYYYMMDD') || '000000000001' AS today,
    to_char((now() AT TIME ZONE 'UTC')::date - 2, 'YYYYMMDD') AS first_kept \gset
SELECT is(pg_temp.report('web1', 3, '{sl}', '{converged}', '{5.02-1}', 'night', jid => :'yesterday'), 'recorded', 'a run of yesterday');
SELECT is(pg_temp.report('web1', 3, '{sl}', '{converged}', '{5.03}', 'night', jid => :'today'), 'recorded', 'under a job of today');
SELECT is((SELECT string_agg(authenticated || ' ' || (flags && '{replayed}'), ', ' ORDER BY jid) FROM approval.job_return WHERE run_id = 'night'), 'true false, false true',
    'is a replay');
SELECT is((SELECT jid FROM approval.seen_run WHERE run_id = 'night'), :'yesterday', 'and is not kept for longer thereby');
SELECT is((SELECT count(*) FROM approval.seen_run WHERE run_id IN ('forged', 'claim', 'run5', 'junk1')), 0::bigint, 'what proved nothing was no run');
INSERT INTO approval.seen_run SELECT 'web1', run, jid FROM (VALUES ('gone', to_char(:'first_kept'::date - 1, 'YYYYMMDD') || '235959999999'), ('kept', :'first_kept' || '000000000000')) AS r (run, jid);
SELECT approval.maintain_jobs(24) \g /dev/null
SELECT is((SELECT string_agg(run_id, ' ' ORDER BY run_id) FROM approval.seen_run WHERE run_id IN ('gone', 'kept', 'night')), 'kept night', 'runs go with the day of their returns');
SELECT is(pg_temp.report('web1', 3, '{sl}', '{converged}', '{5.02-1}', 'kept', jid => to_char(now() + interval '3 s', 'YYYYMMDDHH24MISSUS')), 'recorded', 'until then');
SELECT is((SELECT flags && '{replayed}' FROM approval.job_return WHERE run_id = 'kept'), true, 'they are known');
-- Of several at once, as of one.
SELECT pg_temp.act('t_returner', format('SELECT count(*) FROM approval.record_returns(ARRAY[%1$L, %2$L], ''{web1,web1}'', ''{state.apply,state.apply}'', ''{0,0}'', ''{t,t}'', '
    '''{converged,converged}'', ''{t,t}'', ''{3,3}'', ARRAY[%3$L, %3$L], ''{twin,twin}'', ''{boot,boot}'', ''{[],[]}'', ''{NULL,NULL}'', ''{a,b}'', ''{a,b}'')', :'yesterday'::numeric + 1, :'today'::numeric + 1,
    (SELECT digest FROM approval.document_history WHERE minion_id = 'web1' AND revision = 3))) \g /dev/null
SELECT is((SELECT string_agg(authenticated || ' ' || (flags && '{replayed}'), ', ' ORDER BY jid) FROM approval.job_return WHERE run_id = 'twin'), 'true false, false true',
    'in a batch the second of a minion is one, too');

SELECT * FROM finish();
ROLLBACK;
