-- The change numbers of what pages show: they grow with all that changes it, and with nothing else.
BEGIN;
\ir support/fixture.sql
SELECT plan(24);
CREATE ROLE t_portal LOGIN; GRANT approval_portal TO t_portal;
SELECT approval.put_identity('web', 'bob', 'bob'), approval.put_speaker('t_portal', 'web', 'authenticated') \g /dev/null
CREATE FUNCTION pg_temp.watch(what text, number text, token text DEFAULT '\x00') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_portal', format('SELECT %s FROM approval.watch_by_session(%L, %s)', what, token, number))
$$;
-- The streams that have changed since it was asked last, as if the next act were another transaction.
CREATE FUNCTION pg_temp.changed() RETURNS bigint[] LANGUAGE sql AS $$
WITH apart AS (DELETE FROM approval.change WHERE changed_xid > '0' RETURNING stream)
SELECT array_agg(a.stream ORDER BY a.stream) FROM apart AS a
$$;
SELECT pg_temp.changed() \g /dev/null

-- Acts that change them.
SELECT pg_temp.ask('t_alice', 'package', '{web1,web2}', 'hello', '1') AS number \gset
SELECT is(pg_temp.changed(), ARRAY[0, :number]::bigint[], 'a request waits for people from now on');
SELECT pg_temp.act('t_runner', 'SELECT approval.show_request(' || :number || ')') \g /dev/null
SELECT is(pg_temp.changed(), NULL, 'who looks changes nothing');
SELECT throws_ok(format('SELECT pg_temp.decide(''t_alice'', %s)', :number), 'AP007', NULL, 'nor does who is refused');
SELECT is(pg_temp.changed(), NULL, 'anything');
SELECT pg_temp.decide('t_bob', :number) \g /dev/null
SELECT is(pg_temp.changed(), ARRAY[0, :number]::bigint[], 'a decision');
SELECT pg_temp.decide('t_dave', :number) \g /dev/null
SELECT is(pg_temp.changed(), ARRAY[0, :number]::bigint[], 'the last one');
SELECT pg_temp.report('web1', 1, '{hello}', '{failed}', '{NULL}', 'r1') \g /dev/null
SELECT is(pg_temp.changed(), ARRAY[:number]::bigint[], 'a verdict, for which nobody is waited');
SELECT pg_temp.report('web1', 1, '{hello}', '{converged}', '{1}', 'r2') \g /dev/null
SELECT is(pg_temp.changed(), ARRAY[:number]::bigint[], 'another one');
SELECT pg_temp.report('web1', 1, '{hello}', '{converged}', '{1}', 'r3') \g /dev/null
SELECT is(pg_temp.changed(), NULL, 'the same again is none');
SELECT pg_temp.report('web1', 1, '{hello}', '{drift}', '{0}', 'r4') \g /dev/null
SELECT is(pg_temp.changed(), ARRAY[:number]::bigint[], 'drift begins');
UPDATE approval.drift SET last_seen = last_seen - interval '1 hour', since = since - interval '1 hour';
SELECT pg_temp.report('web1', 1, '{hello}', '{converged}', '{1}', 'r5') \g /dev/null
SELECT is(pg_temp.changed(), ARRAY[:number]::bigint[], 'and ends');
SELECT approval.drop_membership('owners', 'bob') \g /dev/null
SELECT is(pg_temp.changed(), ARRAY[0]::bigint[], 'the policy, by which others are waited for');

-- To add them up changes nothing.
INSERT INTO approval.change VALUES (0, '0', 5), (0, '7', 1), (0, '9', 1), (:number, '9', 1), (8, '0', 2);
SELECT is(ARRAY[approval.change_number(0), approval.change_number(:number), approval.change_number(8), approval.change_number(9)], '{7,1,2,0}', 'the sum of all');
SELECT is(pg_temp.act('t_engine', 'SELECT approval.maintain_changes()'), '2', 'those that changed are added up');
SELECT is(ARRAY[approval.change_number(0), approval.change_number(:number), approval.change_number(8), approval.change_number(9)], '{7,1,2,0}', 'and stay as they are');
SELECT is((SELECT array_agg(c.changes ORDER BY c.changes) FROM approval.change AS c), '{1,2,7}', 'in a row for each');
SELECT is(pg_temp.act('t_engine', 'SELECT approval.maintain_changes()'), '0', 'then there is nothing to do');

-- To watch them.
SELECT pg_temp.act('t_portal', 'SELECT approval.begin_session(''web'', ''bob'', decode(repeat(''00'', 32), ''hex''), ''c1'', NULL, ''infinity'', ''{}'')') \g /dev/null
UPDATE approval.web_session SET seen_at = seen_at - interval '5 minutes', ends_at = ends_at - interval '5 minutes';
SELECT is(pg_temp.watch('concat_ws('' '', name, assurance, credential, change)', :'number', '\x' || repeat('00', 32)), 'bob authenticated c1 1', 'a page asks');
SELECT is(pg_temp.watch('change', 'NULL', '\x' || repeat('00', 32)), '7', 'or another');
SELECT is((SELECT ends_at - now() < interval '26 minutes' FROM approval.web_session), true, 'and no session lasts longer for it');
SELECT throws_ok($$SELECT pg_temp.watch('change', '99', '\x' || repeat('00', 32))$$, 'AP014', NULL, 'no such request');
SELECT throws_ok($$SELECT pg_temp.watch('change', 'NULL')$$, 'AP021', NULL, 'no session');
SELECT throws_ok($$SELECT pg_temp.act('t_alice', 'SELECT approval.watch_by_session(NULL, NULL)')$$, '42501', NULL, 'nobody else''s login');
SELECT approval.disable_principal('bob') \g /dev/null
SELECT throws_ok($$SELECT pg_temp.watch('change', 'NULL', '\x' || repeat('00', 32))$$, 'AP021', NULL, 'nor whoever is disabled');
SELECT * FROM finish();
ROLLBACK;
