-- Catalogs of the packages that each minion could get: how reports become catalogs, and searches in these.
BEGIN;
\ir support/fixture.sql
SELECT plan(70);
SELECT approval.put_minions('{a1,a2,a3,a4,w1,new1}') \g /dev/null
-- Each of them but new1 was given a document once, so that it has a key.
INSERT INTO approval.document_history
SELECT m, 1, now(), now(), 'sha256:' || repeat('0', 64), sha256(m::bytea), '{}', '{}', '{}', '{}', '{}'
FROM unnest('{a1,a2,a3,a4,w1}'::text[]) AS m;

CREATE FUNCTION pg_temp.ask_all(minions text[], nonce text DEFAULT 'n', collectors text[] DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
UPDATE approval.catalog_ask SET asked_at = now() - interval '2 days', answered_at = now() WHERE minion_id = ANY (minions);
SELECT pg_temp.act('t_engine', format(
    'SELECT array_to_string(minions, '','') || ''|'' || array_to_string(collectors, '','') FROM approval.take_catalogs(%L, ''1 day'', ''10 min'', 50, %L, %L, ''j'')',
    minions, collectors, nonce))
$$;
CREATE FUNCTION pg_temp.report(minion text, packages text, sources text, system text, told boolean, nonce text, tampered text) RETURNS jsonb LANGUAGE sql AS $$
WITH body AS (
    SELECT jsonb_build_object('system', system, 'release', '12', 'complete', system <> 'Windows', 'revision', 1,
        'sources', encode(sha256(sources::bytea), 'hex'), 'content', CASE WHEN told THEN approval.catalog_content(
            ARRAY(SELECT split_part(p, '=', 1) FROM unnest(string_to_array(packages, ' ')) AS p),
            ARRAY(SELECT split_part(p, '=', 2) FROM unnest(string_to_array(packages, ' ')) AS p)) END) AS b
)
SELECT b || jsonb_build_object('mac', encode(approval.hmac(sha256(minion::bytea), approval.field('apv1-catalog') || approval.field(minion)
    || approval.field('1') || approval.field(nonce) || approval.field(system) || approval.field('12') || approval.field(b ->> 'complete')
    || approval.field(b ->> 'sources') || approval.field(b ->> 'content')), 'hex') || tampered) FROM body
$$;
-- The answer of a minion that was asked: packages as 'hello=1 vim=2'; NULL: its sources alone.
CREATE FUNCTION pg_temp.put(minion text, packages text, sources text DEFAULT 's', system text DEFAULT 'Debian', whole boolean DEFAULT true,
    collectors text[] DEFAULT '{}', tampered text DEFAULT '', nonce text DEFAULT 'n') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.ask_all(ARRAY[minion]);
SELECT pg_temp.act('t_engine', format('SELECT approval.put_catalog(%L, ''n'', 1, %L, %L, %L, %L)', minion,
    pg_temp.report(minion, packages, sources, system, packages IS NOT NULL, nonce, tampered),
    CASE WHEN whole AND packages IS NOT NULL THEN ARRAY(SELECT split_part(p, '=', 1) FROM unnest(string_to_array(packages, ' ')) AS p) END,
    CASE WHEN whole AND packages IS NOT NULL THEN ARRAY(SELECT split_part(p, '=', 2) FROM unnest(string_to_array(packages, ' ')) AS p) END, collectors))
$$;
CREATE FUNCTION pg_temp.catalog_of(minion text) RETURNS text LANGUAGE sql AS $$
SELECT concat_ws(' ', dense_rank, CASE WHEN agreed_at IS NOT NULL THEN 'agreed' END, CASE WHEN is_apart THEN 'apart' END)
FROM (SELECT c.*, dense_rank() OVER (ORDER BY catalog_id) FROM approval.catalog AS c) AS c JOIN approval.catalog_member AS m USING (catalog_id) WHERE m.minion_id = minion
$$;
CREATE FUNCTION pg_temp.search(pattern text, minion text DEFAULT NULL, most integer DEFAULT 10) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_bob', format('SELECT string_agg(concat_ws('' '', name, array_to_string(versions, ''/''), ''-'' || array_to_string(gone, ''/''), minions), ''; '') '
    'FROM approval.search_packages(%L, %L, %L)', pattern, minion, most))
$$;

-- RFC 4231.
SELECT is(encode(approval.hmac('Jefe', 'what do ya want for nothing?'), 'hex'),
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843', 'a key that is shorter than a block');
SELECT is(encode(approval.hmac(decode(repeat('aa', 131), 'hex'), 'Test Using Larger Than Block-Size Key - Hash Key First'), 'hex'),
    '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54', 'and one that is longer');

-- Who is asked.
SELECT is(pg_temp.ask_all('{a1,a2,a3,nobody}'), 'a1,a2,a3|a1,a2', 'those that are known are asked; of several without a catalog two tell all');
SELECT is(pg_temp.act('t_engine', 'SELECT minions FROM approval.take_catalogs(''{a1,a4}'', ''1 day'', ''10 min'', 50, ''{}'', ''m'', ''j'')'), '{a4}', 'nobody is asked twice');
SELECT is(pg_temp.act('t_engine', 'SELECT minions FROM approval.take_catalogs(''{w1,new1}'', ''1 day'', ''10 min'', 5, ''{}'', ''m'', ''j'')'), '{new1}',
    'nor are more than so many at a time');
SELECT throws_ok($$SELECT pg_temp.act('t_engine', 'SELECT * FROM approval.take_catalogs(''{a1}'', ''1 s'', ''10 min'', 5, ''{}'', ''m'', ''j'')')$$, 'AP016',
    NULL, 'nor again and again');

-- One alone, then two.
SELECT is(pg_temp.put('a1', 'hello=2.10-3 hello=2.10-2 vim=2:9.0 libhello-dev=1'), 'stored', 'the first of its kind');
SELECT is(pg_temp.catalog_of('a1'), '1', 'has a catalog, on which nobody agrees');
SELECT is(pg_temp.put('a3', NULL), 'joined', 'another with the same repositories');
SELECT is(pg_temp.catalog_of('a3'), '1', 'shares it');
SELECT is(pg_temp.put('a1', 'hello=2.10-3 hello=2.10-2 vim=2:9.0 libhello-dev=1', whole => false), 'same', 'the first one says it again');
SELECT is(pg_temp.catalog_of('a1'), '1', 'which is still its word alone');
SELECT is(pg_temp.put('new1', 'hello=2.10-3 hello=2.10-2 vim=2:9.0 libhello-dev=1', whole => false), 'same', 'one that has no key yet');
SELECT is(pg_temp.catalog_of('a1'), '1', 'proves nothing');
SELECT is(pg_temp.put('a2', 'vim=2:9.0 hello=2.10-2 hello=2.10-3 libhello-dev=1', whole => false), 'same', 'the second that found the same, in whatever order');
SELECT is(pg_temp.catalog_of('a3'), '1 agreed', 'makes it the catalog of all');
SELECT is(pg_temp.put('a4', 'evil=1', sources => 's4', collectors => '{a4}'), 'stored', 'a collector that is named');
SELECT is(pg_temp.catalog_of('a4'), '2 agreed', 'is enough');
SELECT is(pg_temp.put('a4', 'hello=2.10-3 hello=2.10-2 vim=2:9.0 libhello-dev=1', whole => false), 'same', 'one whose repositories changed');
SELECT is(pg_temp.catalog_of('a4') || ' ' || (SELECT count(*) FROM approval.catalog) || (SELECT count(*) FROM approval.package_name WHERE name = 'evil'),
    '1 agreed 10', 'has another catalog; the one that nobody has is gone, with its names');

-- Answers that are not taken.
SELECT is(pg_temp.put('a3', 'bad=1', tampered => '0'), 'unproven', 'a wrong mac is somebody else''s');
SELECT is(pg_temp.put('a3', 'bad=1', nonce => 'older'), 'unproven', 'and so is an earlier answer, sent again');
SELECT is((SELECT (answered_at IS NULL)::text || ' ' || refusal FROM approval.catalog_ask WHERE minion_id = 'a3'),
    'true its answer is not proven to be its own: its pillar may be missing, or somebody else gave it', 'its own is still waited for');
SELECT is(pg_temp.catalog_of('a3'), '1 agreed', 'nothing changed');
SELECT throws_ok($$SELECT pg_temp.act('t_engine', format('SELECT approval.put_catalog(''a1'', ''x'', 1, %L, NULL, NULL, ''{}'')',
    pg_temp.report('a1', 'hello=1', 's', 'Debian', true, 'n', '')))$$, 'AP006', 'minion a1 does not owe this answer', 'nor one that nobody asked for');
SELECT throws_ok($$SELECT pg_temp.put('a1', E'x\ty=1')$$, 'AP005', NULL, 'a control character');
SELECT throws_ok($$SELECT pg_temp.put('a1', repeat('x', 256) || '=1')$$, 'AP005', NULL, 'a long name');
SELECT throws_ok($$SELECT pg_temp.put('a1', 'x=')$$, 'AP005', NULL, 'no version');
SELECT throws_ok($$SELECT pg_temp.put('a1', 'x=1', system => '')$$, 'AP005', NULL, 'no system');
SELECT throws_ok($$SELECT pg_temp.act('t_engine', format('SELECT approval.put_catalog(''a1'', ''n'', 1, %L, array_fill(''p''::text, ''{300001}''), array_fill(''1''::text, ''{300001}''), ''{}'')',
    pg_temp.report('a1', 'p=1', 's', 'Debian', true, 'n', '')))$$, 'AP005',
    'it has more than 300000 versions of packages', 'very many names');
SELECT throws_ok($$SELECT pg_temp.act('t_engine', format('SELECT approval.put_catalog(''a1'', ''n'', 1, %L, ''{hello}'', ''{2}'', ''{}'')',
    pg_temp.report('a1', 'hello=1', 's', 'Debian', true, 'n', '')))$$, 'AP005', 'its packages are not those of its own digest', 'others than it says');
SELECT approval.put_route('chat', 'inventory', '{}') \g /dev/null
SELECT is(pg_temp.ask_all('{a1}') || pg_temp.act('t_engine', format('SELECT approval.refuse_catalog(''a1'', ''n'', 1, %L, ''too many'')',
    pg_temp.report('a1', 'hello=1', 's', 'Debian', true, 'n', ''))), 'a1|true', 'what is wrong with one');
SELECT is((SELECT body FROM approval.outbox WHERE thread = 'catalog/a1')::jsonb, '{"act": "catalog-refused", "minion": "a1", "reason": "too many", "proven": true}', 'is told');
SELECT is(pg_temp.ask_all('{a1}') || pg_temp.act('t_engine', 'SELECT approval.refuse_catalog(''a1'', ''n'', 1, ''{}'', ''too many'')'), 'a1|false',
    'but not what somebody else may have sent');
SELECT is(pg_temp.ask_all('{a1}') || pg_temp.act('t_engine', format('SELECT approval.refuse_catalog(''a1'', ''n'', 1, %L, ''too many'')',
    pg_temp.report('a1', 'hello=1', 's', 'Debian', true, 'n', ''))), 'a1|true', 'after that, what is wrong');
SELECT is(pg_temp.ask_all('{a1}') || pg_temp.act('t_engine', format('SELECT approval.refuse_catalog(''a1'', ''n'', 1, %L, ''too many'')',
    pg_temp.report('a1', 'hello=1', 's', 'Debian', true, 'n', ''))), 'a1|true', 'and wrong again');
SELECT is((SELECT count(*) FROM approval.outbox WHERE thread = 'catalog/a1'), 2::bigint, 'is told once');

-- Changes, and contradiction.
SELECT is(pg_temp.put('a1', 'hello=2.10-4 vim=2:9.0'), 'claimed', 'against what another stands by');
SELECT is(pg_temp.search('hello', 'a3'), 'hello 2.10-2/2.10-3 5; libhello-dev 1 5', 'one alone changes nothing');
SELECT is((SELECT string_agg(minion_id, ',') FROM approval.catalog_ask WHERE wanted_at IS NOT NULL), 'a4', 'another one is asked at once');
SELECT is(pg_temp.ask_all('{a2,a3,a4}'), 'a2,a3,a4|a2,a4', 'to tell all');
SELECT is(pg_temp.put('a2', 'hello=2.10-4 vim=2:9.0'), 'stored', 'a second one claims the same');
SELECT is(pg_temp.search('hello', 'a3'), 'hello 2.10-4 -2.10-2/2.10-3 5; libhello-dev -1 0', 'what is no longer there is gone since then');
SELECT is(pg_temp.catalog_of('a1') || (SELECT count(*) FROM approval.catalog_member WHERE claimed_at IS NOT NULL), '1 agreed0', 'and they agree');
SELECT is(pg_temp.put('a3', 'evil=6 hello=6'), 'claimed', 'one claims something');
SELECT is(pg_temp.put('a2', 'hello=2.10-4 vim=2:9.0', whole => false), 'same', 'another stands by what there is');
SELECT is((SELECT string_agg(minion_id, ',') FROM approval.catalog_ask WHERE wanted_at IS NOT NULL), 'a3', 'so the first one is asked again');
SELECT is(pg_temp.put('a3', 'evil=6 hello=6'), 'contradicts', 'and contradicts');
SELECT is(pg_temp.catalog_of('a3') || ', ' || pg_temp.catalog_of('a2'), '2 apart, 1 agreed', 'it has a catalog of its own');
SELECT is((SELECT body ->> 'act' FROM approval.outbox WHERE thread = 'catalog/a3'), 'catalog-contradicts', 'which is told');
SELECT is(pg_temp.search('evil') || coalesce(pg_temp.search('evil', 'a2'), ''), NULL, 'nobody else finds what it has');
SELECT is(pg_temp.search('evil', 'a3'), 'evil 6 1', 'but who looks there');
SELECT is(pg_temp.put('a3', NULL), 'joined', 'its sources alone');
SELECT is(pg_temp.catalog_of('a3'), '1 agreed', 'bring it back to the others');

-- Searching.
SELECT is(pg_temp.search('HELLO', NULL, 1), 'hello 2.10-4 -2.10-2/2.10-3 5', 'first what begins so, in whatever letter case');
SELECT is(pg_temp.search('ello'), 'hello 2.10-4 -2.10-2/2.10-3 5; libhello-dev -1 0', 'else where it stands within');
SELECT is(pg_temp.search('%'), NULL, 'what is a pattern elsewhere is a character here');
SELECT throws_ok($$SELECT pg_temp.search(' ')$$, 'AP005', NULL, 'nothing is not looked for');
SELECT throws_ok($$SELECT pg_temp.search('x', 'w1')$$, 'AP004', NULL, 'of a minion that nobody asked, nobody knows');

-- Facts, and asking out of turn.
SELECT is(pg_temp.act('t_engine', 'SELECT approval.note_facts(''{a1,nobody}'', ''{Debian,x}'', ''{Debian,x}'', ''{amd64,x}'', ''{Linux,x}'', ''{12,x}'', ''{3008.1,x}'', ''{NULL,NULL}'')'), '1', 'known minions');
SELECT is(pg_temp.act('t_auditor', 'SELECT approval.show_minion(''a1'')')::jsonb #>> '{catalog,refuses}', 'true', 'with their catalogs');
SELECT throws_ok($$SELECT pg_temp.act('t_bob', 'SELECT approval.show_minion(''nobody'')')$$, 'AP004', 'unknown minion: ''nobody''', 'others are not');
SELECT is(pg_temp.act('t_bob', 'SELECT approval.want_catalogs(''{a1,w1}'')') || pg_temp.ask_all('{}'), '2|', 'asked out of turn');
SELECT throws_ok($$SELECT pg_temp.act('t_bob', 'SELECT approval.want_catalogs(''{a1,nobody}'')')$$, 'AP004', NULL, 'but nobody who is not known');
SELECT is(pg_temp.act('t_engine', 'SELECT approval.want_catalogs(''{a1,nobody}'', ''1 hour'')'), '0', 'a start is no reason, where it was asked within the hour');
-- One that answered before anything was approved for it.
UPDATE approval.catalog_ask SET asked_at = now() - interval '1 hour', answered_at = now(), wanted_at = NULL, nonce = 'n', jid = 'j' \g /dev/null
SELECT is(pg_temp.act('t_engine', 'SELECT minions FROM approval.take_catalogs(''{a1,new1}'', ''1 day'', ''10 min'', 50, ''{}'', ''m'', ''j'')'), '{}', 'nobody is due');
INSERT INTO approval.document_history
SELECT 'new1', 1, '-infinity', now(), 'sha256:' || repeat('0', 64), sha256('new1'), '{}', '{}', '{}', '{}', '{}' \g /dev/null
SELECT is(pg_temp.act('t_engine', 'SELECT minions FROM approval.take_catalogs(''{a1,new1}'', ''1 day'', ''10 min'', 50, ''{}'', ''m'', ''j'')'), '{new1}',
    'but who can prove now what it tells');
UPDATE approval.catalog_ask SET asked_at = now() - interval '2 hours', answered_at = now(), refusal = 'no module' WHERE minion_id = 'a2' \g /dev/null
SELECT is(pg_temp.act('t_engine', 'SELECT minions FROM approval.take_catalogs(''{a1,a2}'', ''1 day'', ''10 min'', 50, ''{}'', ''m'', ''j'')'), '{a2}',
    'and, an hour later, whose answer was not taken');
SELECT is(pg_temp.act('t_policy', 'SELECT approval.remove_minions(''pg'', ''t_policy'', ''{a1,a2}'', '''')') || (
    SELECT count(*) FROM approval.catalog_member WHERE minion_id IN ('a3', 'a4')), '22', 'minions are removed');
SELECT is((SELECT count(*) FROM approval.catalog_member AS m FULL JOIN approval.catalog_ask USING (minion_id) WHERE minion_id IN ('a1', 'a2')), 0::bigint,
    'with what was asked of them, and told');
SELECT * FROM finish();
ROLLBACK;
