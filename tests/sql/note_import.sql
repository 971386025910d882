-- Acts of another system are noted in the audit, once.
BEGIN;
\ir support/fixture.sql
SELECT plan(10);
SELECT pg_temp.act('t_policy', 'SELECT approval.put_speaker(''t_runner'', ''older'', ''asserted'')') \g /dev/null
SELECT pg_temp.act('t_policy', 'SELECT approval.put_identity(''older'', ''mover'', ''alice'')') \g /dev/null
CREATE FUNCTION pg_temp.note(facts jsonb, login text DEFAULT 't_runner', provider text DEFAULT 'older', subject text DEFAULT 'mover') RETURNS text
    LANGUAGE sql AS $$
SELECT pg_temp.act(login, format('SELECT approval.note_import(%L, %L, %L)', provider, subject, facts))
$$;
CREATE FUNCTION pg_temp.noted() RETURNS jsonb LANGUAGE sql AS $$
SELECT jsonb_agg(detail::jsonb ORDER BY seq) FROM approval.audit_entry WHERE stream = 0 AND act = 'imported'
$$;

SELECT is(pg_temp.note('[{"ticket": "A-1"}, {"ticket": "A-2"}, {"ticket": "A-1"}]'), '2', 'facts are noted, each once');
SELECT is(pg_temp.noted(), '[{"source": "older", "ticket": "A-1"}, {"source": "older", "ticket": "A-2"}]', 'with the system that they come from');
SELECT is(pg_temp.note('[{"ticket": "A-2"}, {"ticket": "A-3", "source": "pg"}]'), '1', 'again, those that are new');
SELECT is(pg_temp.note('[{"ticket": "A-2"}]'), '0', 'and none, where none is');
SELECT is((SELECT string_agg(DISTINCT concat_ws(' ', principal, identity, login_role, assurance), '') FROM approval.audit_entry WHERE act = 'imported'),
    'alice older:mover t_runner asserted', 'with who did it');
SELECT throws_ok($$SELECT pg_temp.note('{}')$$, 'AP005', 'the facts of an import must be an array of objects', 'facts are a list');
SELECT throws_ok($$SELECT pg_temp.note('[1]')$$, 'AP005', 'the facts of an import must be an array of objects', 'of objects');
SELECT throws_ok($$SELECT pg_temp.note('[]', 't_runner', 'pg', 't_runner')$$, 'AP002', NULL, 'nobody imports from PostgreSQL''s own logins');
SELECT throws_ok($$SELECT pg_temp.note('[]', 't_runner', 'other')$$, 'AP002', NULL, 'nor from a system that their login does not speak for');
SELECT throws_ok($$SELECT pg_temp.note('[]', 't_alice')$$, '42501', NULL, 'people''s own logins import nothing');
SELECT finish();
ROLLBACK;
