-- What is no longer as it was applied, who does not answer, and where each minion stands.
BEGIN;
\ir support/fixture.sql
SELECT plan(66);
SELECT approval.put_route('chat-ops', 'drift', '{}', '{}') \g /dev/null

-- Authentic evidence of a check of one package.
CREATE FUNCTION pg_temp.check(minion text, revision bigint, package text, verdict text, observed text, reason text DEFAULT 'observed',
                              authenticated boolean DEFAULT true, jid text DEFAULT NULL)
    RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_returner', format(
    'SELECT outcome FROM approval.record_returns(ARRAY[%L], ARRAY[%L], ''{state.single}'', ''{0}'', ''{t}'', ARRAY[%L], ARRAY[%L]::boolean[], '
    'ARRAY[%L]::bigint[], ARRAY[%L], ARRAY[%L], ''{boot}'', ARRAY[%L], ''{NULL}'', ARRAY[''\x00''::bytea], ARRAY[%L]::bytea[])',
    coalesce(jid, to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISSUS')), minion, verdict, authenticated, revision,
    (SELECT h.digest FROM approval.document_history AS h WHERE h.minion_id = minion AND h.revision = "check".revision), run.id,
    json_build_array(json_build_array('package', package, verdict, reason, NULL, observed, 'observation', 'as the check saw it')),
    sha256(convert_to(run.id, 'UTF8'))))
FROM (SELECT gen_random_uuid()::text AS id) AS run
$$;
CREATE FUNCTION pg_temp.standing(minion text) RETURNS text LANGUAGE sql AS $$
SELECT standing FROM approval.standing WHERE minion_id = minion
$$;
CREATE FUNCTION pg_temp.drifting() RETURNS text LANGUAGE sql AS $$
SELECT string_agg(format('%s %s %s:%s', minion_id, name, coalesce(expected, 'absent'), coalesce(observed, 'absent')), ', ' ORDER BY minion_id, name)
FROM approval.out_of_line(100) WHERE standing = 'drifting'
$$;
-- As if what happened so far had happened a while ago.
CREATE FUNCTION pg_temp.later(elapsed interval) RETURNS void LANGUAGE sql AS $$
UPDATE approval.drift SET since = since - elapsed, last_seen = last_seen - elapsed, cleared_at = cleared_at - elapsed;
UPDATE approval.silence SET since = since - elapsed, asked_at = asked_at - elapsed;
UPDATE approval.job SET published_at = published_at - elapsed;
UPDATE approval.job_return SET received_at = received_at - elapsed;
UPDATE approval.silence_mark SET published_at = published_at - elapsed;
UPDATE approval.minion_check SET asked_at = asked_at - elapsed;
$$;

-- drift

SELECT pg_temp.ask('t_alice', 'standard', '{web1,web2}', 'hello', '1') AS request \gset
SELECT is(pg_temp.standing('web_'), 'unknown', 'nothing is approved for it');
SELECT is(pg_temp.standing('web1'), 'waiting', 'not proven yet');
SELECT is(pg_temp.check('web1', 1, 'hello', 'not-applied', NULL, 'never-applied'), 'recorded', 'a check before it was applied');
SELECT is(pg_temp.standing('web1'), 'waiting', 'finds no drift');
SELECT is((SELECT outcome FROM approval.item WHERE minion_id = 'web1'), 'waiting', 'and moves nothing');

SELECT pg_temp.report('web1', 1, '{hello}', '{failed}', '{NULL}', 'r1') \g /dev/null
SELECT is(pg_temp.standing('web1'), 'failed', 'it could not be applied');
SELECT pg_temp.check('web1', 1, 'hello', 'drift', NULL, 'missing') \g /dev/null
SELECT is((SELECT outcome || ', ' || outcome_text FROM approval.item WHERE minion_id = 'web1'), 'failed, as seen',
    'a check does not replace the reason why');
SELECT is((SELECT count(*) FROM approval.drift), 0::bigint, 'what never was as approved cannot drift');
SELECT is((SELECT standing || ' ' || name || ': ' || why FROM approval.out_of_line(10)), 'failed hello: as seen', 'it is out of line');
SELECT pg_temp.check('web1', 1, 'hello', 'converged', '1') \g /dev/null
SELECT is(pg_temp.standing('web1'), 'converged', 'a check proves what somebody mended by hand');
SELECT is((SELECT count(*) FROM approval.out_of_line(10)), 0::bigint, 'nothing is out of line then');

SELECT is(pg_temp.check('web1', 1, 'hello', 'drift', '0', 'wrong-version', false), 'attempt', 'a check that is not authentic');
SELECT is(pg_temp.standing('web1'), 'converged', 'finds nothing');
SELECT pg_temp.check('web1', 1, 'hello', 'drift', '0', 'wrong-version') \g /dev/null
SELECT is(pg_temp.standing('web1'), 'drifting', 'an authentic one does');
SELECT is(pg_temp.drifting(), 'web1 hello 1:0', 'with what was expected and what was observed');
SELECT is((SELECT outcome FROM approval.item WHERE minion_id = 'web1'), 'converged', 'the item stays what it was: it was applied');
SELECT pg_temp.later('1 hour') \g /dev/null
SELECT pg_temp.check('web1', 1, 'hello', 'drift', NULL, 'missing') \g /dev/null
SELECT is(pg_temp.drifting(), 'web1 hello 1:absent', 'what is observed now');
SELECT is((SELECT last_seen - since FROM approval.drift), interval '1 hour', 'since when it deviates');
SELECT pg_temp.report('web1', 1, '{hello}', '{converged}', '{1}', 'r2') \g /dev/null
SELECT is(pg_temp.standing('web1'), 'converged', 'a highstate mends it');
SELECT is((SELECT cleared_at = now() AND since < now() FROM approval.drift), true, 'what was is kept');
SELECT pg_temp.later('1 hour') \g /dev/null
SELECT pg_temp.report('web1', 1, '{hello}', '{failed}', '{NULL}', 'r3') \g /dev/null
SELECT is(pg_temp.standing('web1'), 'drifting', 'a run that cannot mend it shows drift, too');
SELECT is((SELECT since = now() AND cleared_at IS NULL FROM approval.drift), true, 'since now: it was well in between');
SELECT pg_temp.check('web1', 1, 'hello', 'converged', '1') \g /dev/null
SELECT pg_temp.check('web1', 1, 'hello', 'not-applied', NULL, 'never-applied') \g /dev/null
SELECT is(pg_temp.standing('web1'), 'drifting', 'a minion that lost its memory does not hide it');
SELECT pg_temp.check('web1', 1, 'hello', 'unproven', NULL, 'not-shown') \g /dev/null
SELECT is(pg_temp.standing('web1'), 'drifting', 'what shows nothing clears nothing');
SELECT is((SELECT string_agg(standing || '=' || minions || coalesce('/' || resources, ''), ' ') FROM approval.compliance()),
    'converged=0 drifting=1/1 failed=0 waiting=1 silent=0 unknown=3', 'the numbers');

-- another approved value

SELECT pg_temp.ask('t_alice', 'standard', '{web1}', 'hello', '2') AS newer \gset
SELECT is(pg_temp.standing('web1'), 'waiting', 'with another approved version it is not applied yet');
SELECT is(pg_temp.drifting(), NULL, 'that the older one drifted is past');
SELECT pg_temp.check('web1', 1, 'hello', 'drift', '0', 'wrong-version') \g /dev/null
SELECT is((SELECT cleared_at IS NOT NULL FROM approval.drift), true, 'evidence of an older revision opens none, and the row is closed');
SELECT pg_temp.report('web1', 2, '{hello}', '{converged}', '{2}', 'r4') \g /dev/null
SELECT pg_temp.check('web1', 2, 'hello', 'drift', '0', 'wrong-version') \g /dev/null
SELECT is(pg_temp.drifting(), 'web1 hello 2:0', 'the newer one drifts by itself');

-- several returns in one call: as if each came after those before it

SELECT pg_temp.act('t_returner', format(
    'SELECT count(*) FROM approval.record_returns(%L, ''{web1,web1}'', ''{state.apply,state.apply}'', ''{0,0}'', ''{t,t}'', %L, ''{t,t}'', '
    '''{2,2}'', %L, ''{b1,b2}'', ''{boot,boot}'', %L, ''{NULL,NULL}'', ARRAY[''\x00''::bytea, ''\x00''], ARRAY[''\x01''::bytea, ''\x02''])',
    array_fill(to_char(now() + interval '1 s', 'YYYYMMDDHH24MISSUS'), '{2}'), ARRAY['drift', 'converged'],
    (SELECT array_fill(digest, '{2}') FROM approval.document_history WHERE minion_id = 'web1' AND revision = 2),
    ARRAY['[["package","hello","drift","missing",null,null,"evidence","gone"]]', '[["package","hello","converged","observed",null,"2","evidence","there"]]']))
    \g /dev/null
SELECT is(pg_temp.standing('web1'), 'converged', 'the last of a batch holds');
SELECT is((SELECT finding FROM approval.drift), 'gone', 'and the first was seen');
SELECT is(
    (SELECT string_agg(concat_ws(' ', o.body ->> 'act', o.body ->> 'count'), ', ' ORDER BY o.seq) FROM approval.outbox AS o
     WHERE o.destination = 'chat-ops' AND o.topic = 'drift' AND o.thread = 'drift/web1'),
    'began 1, changed 1, ended 0, began 1, ended 0, began 1, ended 0, began 1, changed 1, ended 0',
    'all of this was told where a route leads, once each');
SELECT is(
    (SELECT array_agg(o.body - '{act,count}'::text[] ORDER BY o.seq) FROM approval.outbox AS o WHERE o.thread = 'drift/web1' AND o.seq IN (1, 3)),
    ARRAY['{"minion": "web1", "found": [{"kind": "package", "name": "hello", "expected": "1", "observed": "0"}], "restored": []}'::jsonb,
          '{"minion": "web1", "found": [], "restored": [{"kind": "package", "name": "hello", "expected": "1", "observed": null}]}'],
    'with what it is');
SELECT is((SELECT count(*) FROM approval.outbox AS o WHERE o.thread = 'drift/web2'), 0::bigint, 'and nothing of others');

-- silence

CREATE FUNCTION pg_temp.publish(number integer, minions text[], fun text DEFAULT 'state.apply', claimed boolean DEFAULT false) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_returner', format('SELECT approval.save_load(%L, %L, ''*'', ''glob'', ''root'', %L, ''\x00'', %L)',
    to_char(now() + make_interval(secs => number), 'YYYYMMDDHH24MISSUS'), fun, minions, claimed))
$$;
CREATE FUNCTION pg_temp.find() RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_engine', 'SELECT approval.note_silence(interval ''10 minutes'')')
$$;
SELECT pg_temp.publish(10, '{web1,web2,web_,nobody}') \g /dev/null
SELECT pg_temp.publish(11, '{web1,web2}', 'test.ping') \g /dev/null
SELECT pg_temp.publish(12, '{web1,web2}', 'state.apply', true) \g /dev/null
SELECT is(pg_temp.find(), '0', 'nobody is silent before the time is up');
SELECT pg_temp.report('web1', 2, '{hello}', '{converged}', '{2}', 'r5', jid => to_char(now() + interval '10 s', 'YYYYMMDDHH24MISSUS')) \g /dev/null
SELECT pg_temp.later('11 minutes') \g /dev/null
SELECT is(pg_temp.find(), '1', 'a published state run is looked at');
SELECT is(pg_temp.find(), '0', 'once');
SELECT set_eq('SELECT minion_id FROM approval.silence', ARRAY['web2', 'web_'], 'who has not returned, of those that are known');
SELECT is(pg_temp.standing('web2'), 'silent', 'is silent');
CREATE FUNCTION pg_temp.told() RETURNS text LANGUAGE sql AS $$
WITH gone AS (DELETE FROM approval.outbox AS o WHERE o.body ->> 'act' IN ('silent', 'heard') RETURNING o.thread, o.body)
SELECT string_agg(concat_ws(' ', g.thread, g.body ->> 'act', g.body ->> 'count'), ', ' ORDER BY g.thread COLLATE "C") FROM gone AS g
$$;
SELECT is(pg_temp.told(), 'drift/web2 silent 0, drift/web_ silent 0', 'which is told where routes of drift lead');
SELECT is(pg_temp.standing('web_'), 'unknown', 'where something is approved');
SELECT matches((SELECT why FROM approval.out_of_line(10) WHERE standing = 'silent'),
    '^The minion has not returned from state.apply \(job [0-9]{20}\)\.$', 'with the reason');
SELECT pg_temp.publish(20, '{web2}') \g /dev/null
SELECT pg_temp.later('11 minutes') \g /dev/null
SELECT is(pg_temp.find(), '1', 'the next run');
SELECT is((SELECT missed || ' ' || (asked_at - since) FROM approval.silence WHERE minion_id = 'web2'), '2 00:11:00', 'is missed, too');
SELECT matches((SELECT why FROM approval.out_of_line(10) WHERE standing = 'silent'), ', nor from 1 before\.$', 'which is said');
SELECT pg_temp.check('web2', 1, 'hello', 'not-applied', NULL, 'never-applied', false, to_char(now() + interval '21 s', 'YYYYMMDDHH24MISSUS')) \g /dev/null
SELECT is(pg_temp.standing('web2'), 'silent', 'a return that proves nothing does not end it');
SELECT pg_temp.check('web2', 1, 'hello', 'not-applied', NULL, 'never-applied', true, to_char(now() + interval '22 s', 'YYYYMMDDHH24MISSUS')) \g /dev/null
SELECT is(pg_temp.standing('web2'), 'waiting', 'an authentic one does');
SELECT is(pg_temp.told(), 'drift/web2 heard 0', 'and is told');
SELECT pg_temp.publish(30, '{web_}') \g /dev/null
SELECT pg_temp.publish(31, '{web2}') \g /dev/null
SELECT pg_temp.later('11 minutes') \g /dev/null
SELECT pg_temp.report('web_', NULL, '{}', '{invalid}', '{}', 'r6', false, jid => to_char(now() + interval '30 s', 'YYYYMMDDHH24MISSUS')) \g /dev/null
SELECT pg_temp.check('web2', 1, 'hello', 'not-applied', NULL, 'never-applied', true, to_char(now() + interval '23 s', 'YYYYMMDDHH24MISSUS')) \g /dev/null
SELECT is(pg_temp.find(), '2', 'later runs');
SELECT is((SELECT count(*) FROM approval.silence), 0::bigint, 'one answered, and one whose minion has proven itself since');
SELECT is(pg_temp.told(), 'drift/web_ heard 0', 'who is silent no more is told, and none twice');
SELECT pg_temp.publish(40, '{web_}', 'approval.observe') \g /dev/null
SELECT pg_temp.publish(41, '{web_}', 'approval.observed') \g /dev/null
SELECT pg_temp.later('11 minutes') \g /dev/null
SELECT is(pg_temp.find(), '1', 'a check is looked at like a run, another function is not');
SELECT is((SELECT fun FROM approval.silence), 'approval.observe', 'who does not answer it is silent');
SELECT pg_temp.publish(50, '{web1,web2}', 'approval.observe') \g /dev/null
SELECT pg_temp.check('web1', 2, 'hello', 'converged', '2', 'observed', true, to_char(now() + interval '50 s', 'YYYYMMDDHH24MISSUS')) \g /dev/null
SELECT pg_temp.check('web2', 1, 'hello', 'not-applied', NULL, 'not-synced', false, to_char(now() + interval '50 s', 'YYYYMMDDHH24MISSUS')) \g /dev/null
SELECT pg_temp.later('11 minutes') \g /dev/null
SELECT is(pg_temp.find(), '1', 'the next check');
SELECT set_eq('SELECT minion_id FROM approval.silence', ARRAY['web2', 'web_'], 'who answers a check without evidence is silent');
SELECT matches((SELECT why FROM approval.out_of_line(10) WHERE standing = 'silent'),
    '^The minion has not returned evidence from approval.observe \(job [0-9]{20}\)\.$', 'with the reason');
SELECT throws_ok($$SELECT approval.note_silence(interval '1 s')$$, 'AP016', NULL, 'a bound that is none');

-- whom to check

CREATE FUNCTION pg_temp.due(minions text[], how_many integer) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_engine', format('SELECT minions::text || '' of '' || checked FROM approval.take_checks(%L, interval ''4 hours'', %s)', minions, how_many))
$$;
SELECT is(pg_temp.due('{web1,web2,web_,nobody,web1}', 1), '{web1} of 2', 'a slice of those for whom something is approved');
SELECT is(pg_temp.due('{web1,web2,web_,nobody}', 5), '{web2} of 2', 'then the others');
SELECT is(pg_temp.due('{web1,web2}', 5), '{} of 2', 'each once');
SELECT pg_temp.later('5 hours') \g /dev/null
SELECT is(pg_temp.due('{web2}', 5), '{web2} of 1', 'again when it is time, and only the master''s own');
SELECT is(pg_temp.due('{web1,web2}', 5), '{web1} of 2', 'who waits longest');
SELECT throws_ok($$SELECT approval.take_checks('{}', interval '1 s', 5)$$, 'AP016', NULL, 'an interval that is none');
SELECT throws_ok($$SELECT approval.take_checks('{}', interval '4 hours', 0)$$, 'AP016', NULL, 'nobody at a time');

INSERT INTO approval.drift (minion_id, kind, name, item_id, request_id, expected, observed, finding, jid, since, last_seen)
SELECT i.minion_id, i.kind, i.name, i.item_id, i.request_id, i.content, NULL, '', '1', now(), now() FROM approval.item AS i
WHERE i.minion_id = 'web2' ORDER BY i.item_id LIMIT 1;
SELECT pg_temp.told() \g /dev/null
SELECT pg_temp.act('t_policy', $$SELECT approval.remove_minions('pg', 't_policy', '{web2,web_}', '')$$) \g /dev/null
SELECT is(pg_temp.told(), 'drift/web_ heard 0', 'a minion that is removed is silent no more');
SELECT is((SELECT string_agg(concat_ws(' ', o.body ->> 'act', o.body ->> 'count'), ', ' ORDER BY o.seq) FROM approval.outbox AS o
           WHERE o.thread = 'drift/web2'), 'ended 0', 'of a minion that is removed it is told that its drift is over');
SELECT * FROM finish();
ROLLBACK;
