-- Requests for packages that a minion cannot get, and the sentences that they are told.
BEGIN;
\ir support/fixture.sql
SELECT plan(48);
INSERT INTO approval.package_name (name, key)
SELECT name, approval.resource_key('package', name) FROM unnest('{hello,hello:i386,hello-traditional,vim,GoogleChrome,gpfs.gplbin-4.18.x86_64,openssl,old}'::text[]) AS name;
INSERT INTO approval.catalog (sources, system, release, is_complete, content, is_apart, collected_at, seen_at, agreed_at)
SELECT repeat(n::text, 64), system, '1', system <> 'Windows', repeat(n::text, 64), false, now(), now(), now()
FROM unnest('{Debian,RedHat,Windows}'::text[]) WITH ORDINALITY AS s (system, n);
INSERT INTO approval.catalog_version (catalog_id, name_id, version, since, gone_since)
SELECT c.catalog_id, n.name_id, v.version, '2026-01-01', v.gone FROM (VALUES
    ('Debian', 'hello', '2.10-3', NULL::timestamptz), ('Debian', 'hello', '2.10-2', '2026-05-02 10:00+00'), ('Debian', 'hello:i386', '2.10-3', NULL), ('Debian', 'vim', '2:9.0-1', NULL),
    ('Debian', 'hello-traditional', '2.10-6', NULL), ('Debian', 'old', '1', '2026-05-02 10:00+00'),
    ('RedHat', 'openssl', '1:3.0.7-27.el9', NULL), ('RedHat', 'gpfs.gplbin-4.18.x86_64', '5-1', NULL),
    ('Windows', 'GoogleChrome', '1.2.0', NULL)) AS v (system, name, version, gone)
JOIN approval.catalog AS c USING (system) JOIN approval.package_name AS n USING (name);
SELECT approval.put_minions('{deb1,deb2,deb3,deb4,deb5,rh1,win1,claims}') \g /dev/null
INSERT INTO approval.catalog_member (minion_id, catalog_id, is_proven, seen_at)
SELECT m, c.catalog_id, m <> 'claims', now()
FROM unnest('{deb1,deb2,deb3,deb4,deb5,rh1,win1,claims}'::text[]) AS m
JOIN approval.catalog AS c ON c.system = CASE left(m, 1) WHEN 'r' THEN 'RedHat' WHEN 'w' THEN 'Windows' ELSE 'Debian' END;
SELECT approval.put_request_type('{"name": "warned", "kind": "package", "catalog": "warn", "requesters": ["*"], "pre_approved": true, "chain": []}'),
    approval.put_request_type('{"name": "unchecked", "kind": "package", "catalog": false, "requesters": ["*"], "pre_approved": true, "chain": []}'),
    approval.put_request_type('{"name": "revert", "kind": "any", "requesters": ["*"], "pre_approved": true, "chain": []}') \g /dev/null

-- The sentence that a request of a type that refuses is told; none where it is taken.
CREATE FUNCTION pg_temp.said(minions text[], name text, version text, type text DEFAULT 'standard') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_temp.ask('t_alice', type, minions, name, version, overlap => 'supersede');
    RETURN 'taken';
EXCEPTION WHEN SQLSTATE 'AP005' THEN
    RETURN SQLERRM;
END
$$;
CREATE FUNCTION pg_temp.notes() RETURNS text LANGUAGE sql AS $$
SELECT string_agg(concat_ws('|', n ->> 'note', n ->> 'minions', n ->> 'minion_count'), '; ')
FROM jsonb_path_query(pg_temp.act('t_bob', format('SELECT approval.show_request(%s)', (SELECT max(request_id) FROM approval.request)))::jsonb, '$.notes[*] ? (@ != null)') AS n
$$;

SELECT is(pg_temp.said('{web1}', 'whatever', '1'), 'taken', 'of a minion without a catalog nothing is known');
SELECT is(pg_temp.said('{deb1}', given.name, given.version), given.said, given.name || ' ' || given.version) FROM (VALUES
    ('hello', '2.10-3', 'taken'), ('hello', '0:2.10-3', 'taken'), ('hello', '2.10-*', 'taken'), ('hello', 'latest', 'taken'),
    ('hello:amd64', '2.10-3', 'taken'), ('hello:i386', '2.10-3', 'taken'), ('vim', '2:9.0-1', 'taken'), ('hello', 'absent', 'taken'), ('nothing', 'absent', 'taken'),
    ('hello', '2.10-2', 'on deb1 package hello has no version 2.10-2 any more: it is gone since Sat 2026-05-02 10:00 UTC (there is 2.10-3)'),
    ('hello', '9', 'on deb1 package hello has no version 9 (there is 2.10-3)'),
    ('hello', '9.*', 'on deb1 package hello has no version 9.* (there is 2.10-3)'),
    ('hello', '2x10-*', 'on deb1 package hello has no version 2x10-* (there is 2.10-3)'),
    ('vim', '9.0-1', 'on deb1 package vim has no version 9.0-1 (there is 2:9.0-1)'),
    ('helo', '1', 'on deb1 there is no package helo (did you mean hello?)'),
    ('Hello', '2.10-3', 'on deb1 there is no package Hello (did you mean hello?)'),
    ('zzz', 'latest', 'on deb1 there is no package zzz'),
    ('openssl', 'latest', 'on deb1 there is no package openssl'),
    ('old', '1', 'on deb1 there is no package old any more: it is gone since Sat 2026-05-02 10:00 UTC')) AS given (name, version, said);
SELECT is(pg_temp.said('{rh1}', given.name, given.version), given.said, 'rpm ' || given.name || ' ' || given.version) FROM (VALUES
    ('openssl', '3.0.7-27.el9', 'taken'), ('openssl', '1:3.0.7-27.el9', 'taken'), ('openssl', '3.0.7', 'taken'), ('openssl.x86_64', '3.0.*', 'taken'),
    ('gpfs.gplbin-4.18.x86_64', '5-1', 'taken'),
    ('openssl', '2:3.0.7-27.el9', 'on rh1 package openssl has no version 2:3.0.7-27.el9 (there is 1:3.0.7-27.el9)'),
    ('openssl', '3.0', 'on rh1 package openssl has no version 3.0 (there is 1:3.0.7-27.el9)')) AS given (name, version, said);
SELECT is(pg_temp.said('{win1}', given.name, given.version), given.said, 'Windows ' || given.name || ' ' || given.version) FROM (VALUES
    ('googlechrome', '1.2', 'taken'), ('GoogleChrome', '1.1', 'taken'),
    ('googlechrom', '1.2', 'on win1 there is no package googlechrom (did you mean GoogleChrome?)')) AS given (name, version, said);
SELECT is(approval.is_offered('Windows', w.wanted, w.version), w.is_so, 'NuGet: ' || w.wanted || ' and ' || w.version) FROM (VALUES
    ('1.2', '1.2.0.0', true), ('1.2.0-RC', '1.2-rc', true), ('1.20', '1.2', false), ('1.2', '1.2.0+build', true)) AS w (wanted, version, is_so);

SELECT is(pg_temp.said('{deb1,deb2,deb3,deb4,deb5,rh1}', 'helo', '1'), 'on rh1 there is no package helo; on deb1, deb2, deb3 and 2 more there is no package helo (did you mean hello?)',
    'each minion is named with what it lacks, many in few words');
SELECT is(pg_temp.said('{deb1}', 'helo', '1', 'warned'), 'taken', 'a type that warns');
SELECT is(pg_temp.notes(), 'there is no package helo (did you mean hello?)|["deb1"]|1', 'says so to who decides');
SELECT is(pg_temp.said('{claims}', 'helo', '1', 'standard'), 'taken', 'of a minion whose catalog is a claim');
SELECT is(pg_temp.notes(), 'there is no package helo (did you mean hello?)|["claims"]|1', 'it is said as well');
SELECT is(pg_temp.said('{deb1}', 'helo', '2', 'unchecked'), 'taken', 'a type that does not look');
SELECT is(pg_temp.notes(), NULL, 'says nothing');
SELECT throws_ok($$SELECT pg_temp.act('t_alice', format('SELECT approval.amend_request(''pg'', ''t_alice'', %s, ''{deb2}'', ''{package}'', ''{helo}'', ''{1}'', '''')',
    pg_temp.ask('t_alice', 'package', '{deb2}', 'vim', '2:9.0-1')))$$, 'AP005', 'on deb2 there is no package helo (did you mean hello?)', 'amending is asking too');
-- A revert to a version that is gone.
SELECT pg_temp.ask('t_alice', 'unchecked', '{deb3}', 'hello', '2.10-2'), pg_temp.ask('t_alice', 'standard', '{deb3}', 'hello', '2.10-3') AS number \gset
SELECT lives_ok(format($$SELECT pg_temp.act('t_alice', 'SELECT approval.revert_request(''pg'', ''t_alice'', %s, NULL, NULL, ''revert'', NULL)')$$, :number), 'what was before can be asked for again');
SELECT is(pg_temp.notes(), 'package hello has no version 2.10-2 any more: it is gone since Sat 2026-05-02 10:00 UTC (there is 2.10-3)|["deb3"]|1', 'though it may not be had');
UPDATE approval.catalog SET seen_at = now() - interval '8 days' WHERE system = 'Debian';
SELECT is(pg_temp.said('{deb1}', 'helo', '1'), 'taken', 'a catalog that nobody saw for a week refuses nothing');
UPDATE approval.catalog SET seen_at = now(), agreed_at = NULL WHERE system = 'Debian';
SELECT is(pg_temp.said('{deb1}', 'helo', '1'), 'taken', 'nor does one on which nobody agrees');
SELECT throws_ok($$SELECT approval.put_request_type('{"name": "x", "kind": "package", "catalog": "maybe", "requesters": ["*"], "pre_approved": true, "chain": []}')$$, 'AP017',
    'request type x: catalog is one of refuse, warn, off', 'another word is refused');
SELECT throws_ok($$SELECT approval.put_request_type('{"name": "x", "kind": "service", "catalog": "warn", "requesters": ["*"], "pre_approved": true, "chain": []}')$$, 'AP017',
    'request type x: catalog is for types of kind package or any', 'and so is another kind');
SELECT * FROM finish();
ROLLBACK;
