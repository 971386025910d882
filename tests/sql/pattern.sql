-- A version with * is a pattern: what it meant is pinned when a minion proves it, as with latest; and so is a version that was found spelled otherwise.
BEGIN;
\ir support/fixture.sql
SELECT plan(11);

SELECT throws_ok(format('SELECT approval.item_type(''package'', ''hello'', %L)', version), 'AP005', NULL, format('not %s', version))
FROM unnest(ARRAY['*', '1.?', '1.[0-9]']) AS version;
SELECT pg_temp.ask('t_alice', 'standard', '{web1,web2}', 'hello', '2.*') AS request \gset
SELECT is((SELECT contents FROM approval.exported_document WHERE minion_id = 'web1' AND valid_from <= now() ORDER BY valid_from DESC LIMIT 1), '{2.*}', 'the pattern is what minions are given');
SELECT pg_temp.report('web1', 1, '{hello}', '{converged}', '{2.10-3}', 'run') \g /dev/null
SELECT is((SELECT pinned FROM approval.item WHERE request_id = :request AND minion_id = 'web1'), '2.10-3', 'once proven it is a version');
SELECT is((SELECT ARRAY[types, contents] FROM approval.exported_document WHERE minion_id = 'web1' AND valid_from <= now() ORDER BY valid_from DESC LIMIT 1), '{{version},{2.10-3}}', 'which a reinstalled minion gets too');
SELECT is((SELECT contents FROM approval.exported_document WHERE minion_id = 'web2' AND valid_from <= now() ORDER BY valid_from DESC LIMIT 1), '{2.*}', 'for each minion by itself');
SELECT pg_temp.ask('t_alice', 'standard', '{web2}', 'sl', '5.02-1') AS request \gset
SELECT pg_temp.report('web2', 2, '{sl}', '{converged}', '{5.02-1}', 'run2') \g /dev/null
SELECT is((SELECT pinned FROM approval.item WHERE request_id = :request), NULL, 'an exact version needs no pin');
SELECT pg_temp.ask('t_alice', 'standard', '{web2}', 'bind-libs', '9.11.4') AS request \gset
SELECT pg_temp.report('web2', 3, '{bind-libs}', '{converged}', '{32:9.11.4-9.el7}', 'run3') \g /dev/null
SELECT is((SELECT ARRAY[content, pinned, outcome] FROM approval.item WHERE request_id = :request), '{9.11.4,32:9.11.4-9.el7,converged}', 'one without epoch and release means what was found');
SELECT is((SELECT contents[array_position(names, 'bind-libs')] FROM approval.exported_document WHERE minion_id = 'web2' AND valid_from <= now() ORDER BY valid_from DESC LIMIT 1), '32:9.11.4-9.el7', 'and minions are given that from then on');
SELECT throws_ok(format('UPDATE approval.item SET kind = ''service'', type = ''state'', content = ''running'' WHERE request_id = %s', :request), '23514', NULL, 'only packages have versions to pin');
SELECT * FROM finish();
ROLLBACK;
