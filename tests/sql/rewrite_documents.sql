BEGIN;
\ir support/fixture.sql
SELECT plan(22);

CREATE FUNCTION pg_temp.exported(minion text) RETURNS text LANGUAGE sql AS $$
SELECT (SELECT revision || ': ' || coalesce(string_agg(name || '=' || coalesce(content, 'absent'), ' ' ORDER BY ordinal), '')
        FROM unnest(names, contents) WITH ORDINALITY AS e (name, content, ordinal))
FROM approval.exported_document
WHERE minion_id = minion AND valid_from <= now()
ORDER BY valid_from DESC
LIMIT 1
$$;

SELECT is(pg_temp.exported('web1'), NULL, 'nothing approved: no row');
SELECT pg_temp.ask('t_alice', 'standard', '{web1,web2}', 'hello', '1') AS first \gset
SELECT is(pg_temp.exported('web1'), '1: hello=1', 'an approved item is exported');
SELECT is(pg_temp.exported('web_'), NULL, 'an id with an underscore is no pattern');
SELECT is(pg_temp.exported('%'), NULL, 'nor is a percent sign');
SELECT is(pg_temp.exported('web'), NULL, 'nor a prefix');
SELECT pg_temp.ask('t_alice', 'standard', ARRAY['%', 'Zoë''s "box"'], 'secret', '9') \g /dev/null
SELECT is(pg_temp.exported('%'), '1: secret=9', 'a minion named % gets its own');
SELECT is(pg_temp.exported('Zoë''s "box"'), '1: secret=9', 'quotes and Unicode are exact');
SELECT is(pg_temp.exported('web1'), '1: hello=1', 'and nobody else''s changes');

SELECT pg_temp.ask('t_alice', 'standard', '{web1}', 'bash', '5') \g /dev/null
SELECT is(pg_temp.exported('web1'), '2: bash=5 hello=1', 'a further request adds, sorted bytewise, with a new revision');
SELECT is(pg_temp.exported('web2'), '1: hello=1', 'another minion''s revision stays');
SELECT pg_temp.ask('t_alice', 'standard', '{web1}', 'hello', 'absent') AS removal \gset
SELECT is(pg_temp.exported('web1'), '3: bash=5 hello=absent', 'the later approved wins');
SELECT is((SELECT state FROM approval.item WHERE request_id = :first AND minion_id = 'web1'), 'superseded', 'the loser is superseded');
SELECT is(pg_temp.state_of(:first), 'approved', 'its request still has another minion to wait for');

SELECT is((SELECT count(DISTINCT evidence_key) = count(*) FROM approval.document_history), true, 'each document has its own key');
SELECT is((SELECT count(*) FROM approval.document AS d
           WHERE digest <> approval.document_digest(minion_id, revision, (
               SELECT string_agg(approval.item_fields(kind, name, type, content), '' ORDER BY kind COLLATE "C", name COLLATE "C")
               FROM unnest(kinds, names, types, contents) AS e (kind, name, type, content)))), 0::bigint, 'digests are of the content');
SELECT bag_eq('SELECT minion_id, revision, digest, evidence_key FROM approval.document WHERE revision > 0',
    'SELECT DISTINCT ON (minion_id) minion_id, revision, digest, evidence_key FROM approval.document_history ORDER BY minion_id, revision DESC',
    'what is in force stands in the history');

-- A change with a due time.
SELECT pg_temp.ask('t_alice', 'standard', '{web1}', 'hello', '2', now() + interval '1 hour') AS later \gset
SELECT is(pg_temp.exported('web1'), '4: bash=5 hello=absent', 'a change that is not due is not exported');
SELECT results_eq($$SELECT revision, valid_until = 'infinity', contents FROM approval.document WHERE minion_id = 'web1' ORDER BY valid_from$$,
    $$VALUES (4::bigint, false, '{5,NULL}'::text[]), (5, true, '{5,2}')$$, 'but stands written, with its own revision');
SELECT is((SELECT revision FROM approval.expected_documents('{web1}', '{5}', '{x}')), NULL, 'a document that is not in force yet cannot be claimed');
SELECT pg_temp.ask('t_alice', 'standard', '{web1}', 'bash', '6') \g /dev/null
SELECT results_eq($$SELECT revision, contents FROM approval.document WHERE minion_id = 'web1' ORDER BY valid_from$$,
    $$VALUES (6::bigint, '{6,NULL}'::text[]), (7, '{6,2}')$$, 'a change before it rewrites what comes, with higher revisions');
SELECT is(pg_temp.act('t_alice', format('SELECT approval.cancel_request(''pg'', ''t_alice'', %s, ''no'')', :later)), 'withdrawn', 'what is not due can be withdrawn');
SELECT results_eq($$SELECT revision, contents FROM approval.document WHERE minion_id = 'web1' ORDER BY valid_from$$,
    $$VALUES (8::bigint, '{6,NULL}'::text[])$$, 'and is gone from the documents');
SELECT * FROM finish();
ROLLBACK;
