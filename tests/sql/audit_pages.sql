-- The audit on the web, by the token of a session: to find an act, to verify all, to take it away.
BEGIN;
\ir support/fixture.sql
SELECT plan(17);

CREATE ROLE t_portal LOGIN; GRANT approval_portal TO t_portal;
SELECT approval.put_speaker('t_portal', 'web', 'authenticated'), approval.put_identity('web', 'alice', 'alice') \g /dev/null
SELECT pg_temp.act('t_portal', 'SELECT approval.begin_session(''web'', ''alice'', sha256(''a''), ''c'', NULL, ''infinity'', ''{}'')') \g /dev/null
CREATE FUNCTION pg_temp.portal(what text, token text DEFAULT 'a') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_portal', format('SELECT ' || what, format('sha256(%L)', token)))
$$;
SELECT throws_ok(format('SELECT pg_temp.portal(%L, ''b'')', call), 'AP021', NULL, 'no session: ' || call)
FROM unnest(ARRAY['* FROM approval.list_audit_by_session(%s, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 10)', 'approval.show_audit_entry_by_session(%s, 0, 1)',
    'approval.verify_audit_by_session(%s, NULL)', '* FROM approval.export_audit_by_session(%s)']) AS call;

SELECT pg_temp.ask('t_alice', 'package', '{web1}', 'hello', '1') AS request \gset
SELECT pg_temp.decide('t_bob', :request) \g /dev/null
CREATE FUNCTION pg_temp.acts(arguments text) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.portal(format('string_agg(act || '' '' || seq, '', '') FROM approval.list_audit_by_session(%%s, %s)', arguments))
$$;
SELECT is(pg_temp.acts(:'request' || ', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 10'), 'approve 2, submitted 1', 'of a request, the newest first');
SELECT is(ARRAY[pg_temp.acts(:'request' || ', ''bob'', NULL, NULL, NULL, NULL, NULL, NULL, 10'), pg_temp.acts(:'request' || ', ''pg:t_bob'', NULL, NULL, NULL, NULL, NULL, NULL, 10'),
        pg_temp.acts(:'request' || ', ''t_bob'', NULL, NULL, NULL, NULL, NULL, NULL, 10')], '{approve 2,approve 2,approve 2}', 'by somebody, their identity, or login');
SELECT is(ARRAY[pg_temp.acts(:'request' || ', NULL, ''submitted'', NULL, NULL, NULL, NULL, NULL, 10'), pg_temp.acts(:'request' || ', NULL, NULL, now() + interval ''1 hour'', NULL, NULL, NULL, NULL, 10'),
        pg_temp.acts(:'request' || ', NULL, NULL, NULL, now() - interval ''1 hour'', NULL, NULL, NULL, 10')], ARRAY['submitted 1', NULL, NULL], 'of a kind, and between two times');
SELECT is(pg_temp.acts(format('NULL, NULL, NULL, NULL, NULL, %L, %s, 2, 1', (SELECT at FROM approval.audit_entry WHERE stream = :request AND seq = 2), :request)), 'submitted 1', 'page by page');
SELECT throws_ok($$SELECT pg_temp.acts('NULL, NULL, NULL, NULL, NULL, now(), NULL, 2, 1')$$, 'AP005', NULL, 'a place that is none');

CREATE FUNCTION pg_temp.entry(number bigint, seq bigint) RETURNS jsonb LANGUAGE sql AS $$
SELECT pg_temp.portal(format('approval.show_audit_entry_by_session(%%s, %s, %s)', number, seq))::jsonb
$$;
SELECT is((SELECT concat_ws(' ', e ->> 'act', e ->> 'principal', e #>> '{detail,comment}', e ->> 'is_sealed', e ->> 'gives_hash', e ->> 'last', e ->> 'hash' = encode(a.hash, 'hex'))
           FROM pg_temp.entry(:request, 2) AS e, approval.audit_entry AS a WHERE a.stream = :request AND a.seq = 2), 'approve bob seen false true 2 t', 'one act whole');
SELECT throws_ok(format('SELECT pg_temp.entry(%s, 3)', :request), 'AP014', NULL, 'no such act');

CREATE FUNCTION pg_temp.verified(head text DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
SELECT pg_temp.portal(format('approval.verify_audit_by_session(%%s, %L)', head))::jsonb
$$;
SELECT is((SELECT concat_ws(' ', v ->> 'problem_count', v ->> 'head', v ->> 'unsealed') FROM pg_temp.verified() AS v), '0 2', 'it fits, and is not sealed');
SELECT approval.seal_audit() \g /dev/null
SELECT hash AS head FROM approval.audit_head() \gset
SELECT is((SELECT concat_ws(' ', v ->> 'problem_count', v #>> '{head,seal_no}', v #>> '{head,hash}', v ->> 'unsealed', v ->> 'kept') FROM pg_temp.verified(:'head') AS v), '0 1 ' || :'head' || ' 0 1', 'whole up to a seal, which has the head');
SELECT is(pg_temp.verified(repeat('0', 64)) ->> 'kept', NULL, 'no seal has another head');
SELECT throws_ok($$SELECT pg_temp.verified('0')$$, 'AP005', NULL, 'what is no head');
SELECT is(pg_temp.portal('string_agg(line, E''\n'') FROM approval.export_audit_by_session(%s) AS line'), (SELECT string_agg(line, E'\n') FROM approval.export_audit() AS line), 'all of it, as by command');
SET LOCAL session_replication_role = replica;
UPDATE approval.audit_entry SET detail = '{}' WHERE stream = :request AND seq = 2;
SELECT is((SELECT concat_ws(' ', v ->> 'problem_count', v #>> '{problems,0,seq}') FROM pg_temp.verified() AS v) || ' ' || (pg_temp.entry(:request, 2) ->> 'gives_hash'), '1 2 false', 'what was altered is named');
SELECT * FROM finish();
ROLLBACK;
