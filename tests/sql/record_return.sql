BEGIN;
\ir support/fixture.sql
SELECT plan(34);

-- A return of web1, validated against a revision's document (digest and key digest of it, unless given), with one finding.
CREATE FUNCTION pg_temp.report_one(
    run text, revision bigint DEFAULT 1, login text DEFAULT 't_returner', jid text DEFAULT NULL, authenticated boolean DEFAULT true,
    verdict text DEFAULT 'converged', digest text DEFAULT NULL, key_digest bytea DEFAULT NULL, minion text DEFAULT 'web1',
    reason text DEFAULT 'observed')
    RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act(login, format(
    'SELECT outcome || '' '' || attempt FROM approval.record_return(%L, %L, ''state.apply'', 0, true, %L, %L, %L, %L, %L, ''boot'', %L, NULL, ''\x00'', %L, %L)',
    coalesce(jid, to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISSUS')), minion, verdict, authenticated, revision,
    coalesce(report_one.digest, h.digest), run, json_build_array(json_build_array('package', 'hello', verdict, reason, NULL, '1', 'evidence', 'as seen')),
    sha256(convert_to(run || verdict, 'UTF8')), coalesce(report_one.key_digest, sha256(h.evidence_key))))
FROM (SELECT) AS one LEFT JOIN approval.document_history AS h ON h.minion_id = report_one.minion AND h.revision = report_one.revision
$$;
CREATE FUNCTION pg_temp.jid(n integer) RETURNS text LANGUAGE sql AS $$
SELECT to_char(now() AT TIME ZONE 'UTC' + make_interval(secs => n), 'YYYYMMDDHH24MISSUS')
$$;
CREATE FUNCTION pg_temp.counted() RETURNS bigint LANGUAGE sql AS $$
SELECT sum(last_value)::bigint FROM pg_sequences WHERE schemaname = 'approval' AND sequencename LIKE 'returns%'
$$;

SELECT pg_temp.ask('t_alice', 'standard', '{web1}', 'hello', '1') AS request \gset
SELECT sha256('another key') AS other \gset
-- Against another document than the one that the return has to be held against.
SELECT is(pg_temp.report_one('run1', digest => 'sha256:' || repeat('0', 64)), 'outdated 0', 'another digest');
SELECT is(pg_temp.report_one('run1', key_digest => :'other'), 'outdated 0', 'another key');
SELECT is(pg_temp.report_one('run1', revision => 9, digest => 'sha256:' || repeat('0', 64), key_digest => :'other'), 'outdated 0', 'a document where none is expected');
SELECT is(pg_temp.report_one('run1', minion => 'nobody', digest => 'sha256:' || repeat('0', 64), key_digest => :'other'), 'outdated 0', 'of nobody');
SELECT is(pg_temp.act('t_returner', format(
    'SELECT outcome FROM approval.record_return(%L, ''web1'', ''state.apply'', 0, true, ''converged'', true, 1, %L, ''run1'', ''boot'', ''[]'', NULL, ''\x00'', ''\x00'', NULL)',
    pg_temp.jid(0), (SELECT digest FROM approval.document_history WHERE minion_id = 'web1'))), 'outdated', 'no key where there is one');
SELECT is((SELECT count(*) FROM approval.job_return) + (SELECT count(*) FROM approval.seen_run), 0::bigint, 'nothing of it is stored');
SELECT is((SELECT outcome FROM approval.item WHERE request_id = :request), 'waiting', 'or moves anything');
SELECT is(pg_temp.report_one('run1'), 'recorded 1', 'against the right one');
SELECT is((SELECT authenticated FROM approval.job_return), true, 'it is authentic');
SELECT is((SELECT outcome FROM approval.item WHERE request_id = :request), 'converged', 'and moves the item');
SELECT is(pg_temp.report_one('run1'), 'repeat 1', 'the same again');
UPDATE approval.item SET before_known = true WHERE request_id = :request;
SELECT pg_temp.counted() AS counted \gset
SELECT is(pg_temp.report_one('run2', jid => pg_temp.jid(1)), 'recorded 1', 'one that moves nothing');
SELECT is((SELECT count(*) FROM approval.seen_run), 2::bigint, 'its run is known');
SELECT is(pg_temp.counted(), :counted::bigint + 1, 'and it is counted once');
SELECT is(pg_temp.report_one('run3', jid => pg_temp.jid(1)), 'attempt 2', 'another one of that job');
SELECT is(pg_temp.report_one('run2', jid => pg_temp.jid(2)), 'recorded 1', 'a run that came before');
SELECT is((SELECT authenticated || ' ' || flags::text FROM approval.job_return WHERE jid = pg_temp.jid(2)), 'false {replayed,unknown-job}', 'is a replay');
SELECT is((SELECT count(*) FROM approval.alarm_signal WHERE kind = 'forged-return' AND jid = pg_temp.jid(2)), 1::bigint, 'which raises an alarm');
SELECT is(pg_temp.report_one('run4', jid => '123'), 'quarantined 0', 'a jid that is none');
SELECT is(pg_temp.report_one('run5', jid => pg_temp.jid(3), login => 't_minion'), 'recorded 1', 'of a minion''s own login');
SELECT is((SELECT authenticated || ' ' || flags::text FROM approval.job_return WHERE jid = pg_temp.jid(3)), 'false {claim,unknown-job}', 'it is a claim');
SELECT is(pg_temp.report_one('run10', jid => pg_temp.jid(9), authenticated => false), 'recorded 1', 'without a valid mac');
SELECT is((SELECT count(*) FROM approval.seen_run WHERE run_id IN ('run4', 'run5', 'run10')), 0::bigint, 'what proved nothing was no run');
SELECT is(pg_temp.act('t_returner', format(
    'SELECT outcome FROM approval.record_return(%L, ''web1'', ''state.apply'', 0, true, ''converged'', true, 1, NULL, ''run6'', ''boot'', ''[]'', NULL, ''\x00'', ''\x00'', NULL)',
    pg_temp.jid(4))), 'recorded', 'held against nothing');
SELECT is((SELECT authenticated FROM approval.job_return WHERE jid = pg_temp.jid(4)), false, 'it proves nothing');
SELECT is(pg_temp.report_one('run8', jid => pg_temp.jid(7), verdict => 'drift'), 'recorded 1', 'one that is otherwise');
SELECT is((SELECT jid FROM approval.drift WHERE minion_id = 'web1' AND cleared_at IS NULL), pg_temp.jid(7), 'is noted as drift');
-- Of a job that was sent to others.
SELECT approval.save_load(pg_temp.jid(8), 'state.apply', 'web2', 'glob', 'root', '{web2}', '', false) \g /dev/null
SELECT is(pg_temp.report_one('run9', jid => pg_temp.jid(8)), 'recorded 1', 'of a job for others');
SELECT is((SELECT flags FROM approval.job_return WHERE jid = pg_temp.jid(8)), '{untargeted}', 'it is flagged');
-- The second document that the minion has.
SELECT pg_temp.ask('t_alice', 'standard', '{web1}', 'hello', '2') AS newer \gset
SELECT is(pg_temp.act('t_returner', format(
    'SELECT outcome FROM approval.record_return(%L, ''web1'', ''state.apply'', 0, true, ''failed'', false, NULL, %L, NULL, NULL, ''[]'', NULL, ''\x00'', ''\x00'', %L)',
    pg_temp.jid(5), h.digest, sha256(h.evidence_key))), CASE h.revision WHEN 1 THEN 'outdated' ELSE 'recorded' END, 'without a claim: revision ' || h.revision)
FROM approval.document_history AS h WHERE h.minion_id = 'web1' ORDER BY h.revision;
UPDATE approval.minion SET removed_at = now() WHERE minion_id = 'web1';
SELECT is(pg_temp.report_one('run7', 2, jid => pg_temp.jid(6)), 'recorded 1', 'of a minion that was removed');
SELECT is((SELECT authenticated || ' ' || flags::text FROM approval.job_return WHERE jid = pg_temp.jid(6)), 'false {removed,unknown-job}', 'it proves nothing');
-- A package may have the name of a reason: that is no reason for an alarm.
SELECT is((SELECT r.suspicion FROM approval.return_judgement('web2', NULL, NULL, NULL, 'failed',
    '[["package", "forged", "failed", "missing", "1", null, "none", "as seen"]]', false, true, now(), true, now()) AS r), NULL, 'a package that is called forged');

SELECT * FROM finish();
ROLLBACK;
