BEGIN;
\ir support/fixture.sql
SELECT plan(19);

CREATE FUNCTION pg_temp.resolve(login text, number bigint, other bigint, resolution text) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act(login, format('SELECT approval.resolve_overlap(''pg'', %L, %s, %s, %L)', login, number, other, resolution))
$$;
SELECT pg_temp.ask('t_alice', 'package', '{web1,web2}', 'hello', '1') AS first \gset
SELECT is_empty('SELECT * FROM approval.request_overlap', 'nothing to contradict');
SELECT pg_temp.ask('t_alice', 'package', '{web2}', 'hello', '1') AS same, pg_temp.ask('t_alice', 'package', '{web2}', 'sl', '2') AS other \gset
SELECT is_empty('SELECT * FROM approval.request_overlap', 'the same wish, or another resource, contradicts nothing');
SELECT pg_temp.act('t_alice', format('SELECT approval.cancel_request(''pg'', ''t_alice'', %s, NULL)', :same)) \g /dev/null
SELECT pg_temp.ask('t_dave', 'package', '{web2}', 'hello', '2') AS second \gset
SELECT results_eq('SELECT request_id, other_id, resources, example FROM approval.request_overlap',
    format('VALUES (%s::bigint, %s::bigint, 1::bigint, ''package hello on web2'')', :second, :first), 'a contradiction is found at intake');
SELECT is(approval.waiting_for(:second), format('it contradicts request %s (package hello on web2); stage 1 (owner): 1 of owners', :first), 'and named');
SELECT throws_ok(format('SELECT pg_temp.decide(''t_bob'', %s)', :second), 'AP018', NULL, 'nothing is approved before it is resolved');
SELECT throws_ok(format('SELECT pg_temp.resolve(''t_alice'', %s, %s, ''wait'')', :second, :first), 'AP002', NULL, 'by who asked');
SELECT throws_ok(format('SELECT pg_temp.resolve(''t_dave'', %s, %s, ''ignore'')', :second, :first), 'AP005', NULL, 'in one of two ways');
SELECT throws_ok(format('SELECT pg_temp.resolve(''t_dave'', %s, %s, ''wait'')', :second, :other), 'AP014', NULL, 'for what contradicts it');
SELECT pg_temp.resolve('t_dave', :second, :first, 'wait') \g /dev/null
SELECT throws_ok(format('SELECT pg_temp.decide(''t_bob'', %s)', :second), 'AP018', format('request %s cannot be approved yet: it waits for request %s (package hello on web2)', :second, :first), 'wait');
SELECT pg_temp.resolve('t_dave', :second, :first, 'supersede') \g /dev/null
SELECT is(pg_temp.decide('t_bob', :second), 'pending', 'supersede');
SELECT throws_ok(format('SELECT pg_temp.resolve(''t_dave'', %s, %s, ''wait'')', :second, :first), 'AP010', NULL, 'what was decided on stays as it was');
SELECT is(pg_temp.decide('t_carol', :second), 'approved', 'it passes its chain');
SELECT is(pg_temp.state_of(:first), 'cancelled', 'and the other is cancelled');

-- One that is approved for later.
SELECT pg_temp.ask('t_alice', 'standard', '{web1}', 'hello', '5', now() + interval '1 day') AS later \gset
SELECT throws_ok($$SELECT pg_temp.ask('t_dave', 'standard', '{web1}', 'hello', '6')$$, 'AP018', NULL, 'a pre-approved type says so at once');
SELECT pg_temp.ask('t_dave', 'standard', '{web1}', 'hello', '6', overlap => 'supersede') AS sooner \gset
SELECT is(pg_temp.state_of(:later), 'superseded', 'what was due later is superseded');
SELECT results_eq($$SELECT contents FROM approval.document WHERE minion_id = 'web1'$$, $$VALUES ('{6}'::text[])$$, 'and never comes');
-- What is in force stays until what supersedes it takes its place.
SELECT pg_temp.ask('t_alice', 'package', '{web2}', 'vim', '1') AS before, pg_temp.ask('t_dave', 'package', '{web2}', 'vim', '2', now() + interval '1 day', 'supersede') AS after \gset
SELECT pg_temp.decide('t_bob', :before), pg_temp.decide('t_carol', :before), pg_temp.decide('t_bob', :after), pg_temp.decide('t_carol', :after) \g /dev/null
SELECT is((SELECT contents[array_position(names, 'vim')] FROM approval.exported_document
           WHERE minion_id = 'web2' AND valid_from <= now() ORDER BY valid_from DESC LIMIT 1), '1', 'until then the present one holds');

-- An amendment that takes the contradiction away.
SELECT pg_temp.ask('t_alice', 'package', '{web1}', 'git', '1') AS bystander \gset
SELECT pg_temp.act('t_dave', 'SELECT approval.submit_request(''pg'', ''t_dave'', ''package'', '''', ''{web1,web1}'', ''{package,package}'', ''{git,nano}'', ''{2,1}'', NULL, ''pg'', NULL, NULL, ''supersede'')') AS amended \gset
SELECT pg_temp.act('t_dave', format('SELECT approval.amend_request(''pg'', ''t_dave'', %s, ''{web1}'', ''{package}'', ''{nano}'', ''{1}'', NULL)', :amended)) \g /dev/null
SELECT pg_temp.decide('t_bob', :amended), pg_temp.decide('t_carol', :amended) \g /dev/null
SELECT is(pg_temp.state_of(:bystander), 'pending', 'leaves the other request alone');
SELECT is((SELECT count(*) FROM approval.verify_audit()), 0::bigint, 'all of it is in the trail');
SELECT * FROM finish();
ROLLBACK;
