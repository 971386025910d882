-- Packages that minions of groups could get, which tickets are offered.
BEGIN;
\ir support/fixture.sql
SELECT plan(14);
CREATE ROLE t_itsm LOGIN; GRANT approval_itsm TO t_itsm;
SELECT approval.put_minions('{a1,a2,a3,w1,lone}') \g /dev/null
SELECT pg_temp.act('t_policy', 'SELECT approval.put_minion_group(''shops'', '''', ''{a1,w1}'')') \g /dev/null
SELECT pg_temp.act('t_policy', 'SELECT approval.put_minion_group(''empty'', '''', ''{}'')') \g /dev/null
INSERT INTO approval.minion_fact (minion_id, kernel, seen_at)
VALUES ('a1', 'Linux', now()), ('a2', 'Linux', now()), ('a3', 'Linux', now()), ('w1', 'Windows', now());
INSERT INTO approval.catalog (sources, system, release, is_complete, content, is_apart, collected_at, seen_at)
SELECT repeat(digit, 64), system, '', true, repeat(digit, 64), digit = 'c', now(), now()
FROM (VALUES ('a', 'Debian'), ('b', 'Windows'), ('c', 'Debian')) AS c (digit, system);
INSERT INTO approval.catalog_member (minion_id, catalog_id, is_proven, seen_at)
SELECT m.minion_id, c.catalog_id, true, now()
FROM (VALUES ('a1', 'a'), ('a2', 'a'), ('w1', 'b'), ('a3', 'c')) AS m (minion_id, digit)
JOIN approval.catalog AS c ON c.sources = repeat(m.digit, 64);
INSERT INTO approval.package_name (name, key) SELECT name, name FROM unnest('{hello,vim,git,evil}'::text[]) AS name;
INSERT INTO approval.catalog_version (catalog_id, name_id, version, since, gone_since)
SELECT c.catalog_id, n.name_id, v.version, now(), CASE WHEN v.version = 'old' THEN now() END
FROM (VALUES ('a', 'hello', '1.0'), ('a', 'hello', '2.0'), ('a', 'hello', 'old'), ('a', 'vim', '9'), ('b', 'vim', '10'), ('b', 'git', '1'),
      ('b', 'hello', '2.0'),
      ('c', 'evil', '1')) AS v (digit, name, version)
JOIN approval.catalog AS c ON c.sources = repeat(v.digit, 64) JOIN approval.package_name AS n USING (name);
INSERT INTO approval.document (minion_id, valid_from, revision, digest, evidence_key, kinds, names, types, contents, item_ids)
SELECT m, '-infinity', 1, 'sha256:' || repeat('0', 64), sha256('k'), '{package,service}', '{vim,hello}', '{version,state}', '{9,running}', '{1,2}'
FROM unnest('{a2,w1}'::text[]) AS m;
CREATE FUNCTION pg_temp.offers(groups text[] DEFAULT NULL, kernel text DEFAULT NULL, login text DEFAULT 't_itsm') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act(login, format('SELECT string_agg(concat_ws('' '', name, array_to_string(ARRAY(SELECT unnest(versions) ORDER BY 1), ''/''), minions, standing), ''; '') '
    'FROM approval.list_offers(%L, %L)', groups, kernel))
$$;
CREATE FUNCTION pg_temp.offered(groups text[] DEFAULT NULL, kernel text DEFAULT NULL, login text DEFAULT 't_itsm') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act(login, format('SELECT string_agg(m, '' '') FROM approval.list_offered_minions(%L, %L) AS m', groups, kernel))
$$;

SELECT is(pg_temp.offers(), 'git 1 1 0; hello 1.0/2.0 3 0; vim 10/9 3 2', 'all that any could get, each version once; what is gone is not, nor what one claims alone');
SELECT is(pg_temp.offers('{shops}'), 'git 1 1 0; hello 1.0/2.0 2 0; vim 10/9 2 1', 'by minions of a group');
SELECT is(pg_temp.offers('{shops,empty}', 'Windows'), 'git 1 1 0; hello 2.0 1 0; vim 10 1 1', 'of several, with a kernel');
SELECT is(pg_temp.offers('{empty}'), NULL, 'by nobody');
SELECT throws_ok($$SELECT pg_temp.offers('{shops,nowhere}')$$, 'AP005', 'there is no group of minions ''nowhere''', 'a group that is none');
SELECT is(pg_temp.offered('{shops}'), 'a1 w1', 'minions of a group');
SELECT is(pg_temp.offered(NULL, 'Linux'), 'a1 a2 a3', 'with a kernel');
UPDATE approval.minion SET removed_at = now() WHERE minion_id = 'a1';
SELECT is(pg_temp.offered('{shops}'), 'w1', 'removed ones are none');
SELECT is(pg_temp.offers(NULL, 'Linux'), 'hello 1.0/2.0 1 0; vim 9 1 1', 'and count no more');
SELECT throws_ok($$SELECT pg_temp.offers(login => 't_bob')$$, '42501', NULL, 'people search by themselves');
SELECT throws_ok($$SELECT pg_temp.offered(login => 't_engine')$$, '42501', NULL, 'and the engine is offered nothing');
SELECT pg_temp.act('t_policy', 'SELECT approval.put_speaker(''t_itsm'', ''jira-acme'', ''asserted'')') \g /dev/null
SELECT lives_ok($$SELECT pg_temp.act('t_itsm', 'SELECT approval.want_options(''jira-acme'')')$$, 'a site has its fields looked at');
SELECT throws_ok($$SELECT pg_temp.act('t_itsm', 'SELECT approval.want_options(''jira-other'')')$$, 'AP002', NULL, 'and nobody those of others');
SELECT throws_ok($$SELECT pg_temp.act('t_runner', 'SELECT approval.want_options(''jira-acme'')')$$, '42501', NULL, 'the runner has none looked at');
SELECT finish();
ROLLBACK;
