-- To delegate on the web: by a session that is sure enough, by no token of the API, and one's own alone.
BEGIN;
\ir support/fixture.sql
SELECT plan(15);
CREATE ROLE t_portal LOGIN; GRANT approval_portal TO t_portal;
SELECT approval.put_speaker('t_portal', 'web', 'authenticated') \g /dev/null
SELECT approval.put_identity('web', name, name) FROM unnest(ARRAY['alice', 'bob', 'dave']) AS name \g /dev/null
CREATE FUNCTION pg_temp.token(name text) RETURNS text LANGUAGE sql AS $$SELECT quote_literal('\x' || encode(sha256(convert_to(name, 'UTF8')), 'hex')) || '::bytea'$$;
CREATE FUNCTION pg_temp.portal(statement text, token text) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_portal', format('SELECT ' || statement, pg_temp.token(token)))
$$;
CREATE FUNCTION pg_temp.delegate(token text, deputy text, until interval DEFAULT '1 day') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.portal(format('approval.delegate_by_session(%%s, %L, NULL, %L)', deputy, now() + until), token)
$$;
SELECT pg_temp.act('t_portal', format('SELECT approval.begin_session(''web'', %L, %s, ''c'', ''192.0.2.7'', %L, ''{}'')', name, pg_temp.token(token), until))
FROM (VALUES ('bob', 'bob', 'infinity'), ('bob', 'late', '2026-01-01'), ('dave', 'dave', 'infinity')) AS s (name, token, until) \g /dev/null

SELECT throws_ok(format('SELECT pg_temp.delegate(%L, %L, %L)', token, deputy, until), state, NULL, why)
FROM (VALUES ('late', 'dave', '1 day', 'AP009', 'nobody who signed in long ago'), ('never', 'dave', '1 day', 'AP021', 'nobody without a session'),
        ('bob', 'bob', '1 day', 'AP001', 'nobody to themselves'), ('bob', 'erin', '1 day', 'AP001', 'nor to nobody'), ('bob', 'dave', '2 years', 'AP016', 'nor for ever'),
        ('bob', 'dave', '-1 day', 'AP016', 'nor until the past')) AS bad (token, deputy, until, state, why);
SELECT pg_temp.act('t_portal', format('SELECT approval.make_api_token(%s, %L, ''robot'', ''{read,request,decide}'', 7)', pg_temp.token('bob'), 'sap_' || repeat('a', 49))) \g /dev/null
SELECT throws_ok(format('SELECT pg_temp.act(''t_portal'', %L)', format('SELECT approval.delegate_by_session(%L, ''dave'', NULL, now() + interval ''1 day'')', 'sap_' || repeat('a', 49))),
    'AP022', NULL, 'nor by a token of the API');
SELECT is_empty('SELECT FROM approval.delegation', 'nothing came of it');
SELECT pg_temp.delegate('bob', 'dave') AS number \gset
SELECT is((SELECT concat_ws(' ', principal, identity, assurance, detail::jsonb ->> 'to', detail::jsonb #>> '{proof,address}') FROM approval.audit_entry WHERE act = 'delegated'),
    'bob web:bob authenticated dave 192.0.2.7', 'the audit has the session');
SELECT pg_temp.ask('t_alice', 'package', '{web1}', 'hello', '1') AS asked \gset
SELECT is(pg_temp.portal('string_agg(request_id || '' for '' || in_stead_of, '','') FROM approval.inbox_by_session(%s, NULL, 10)', 'dave'), :'asked' || ' for bob', 'the deputy decides');
SELECT is(ARRAY[pg_temp.portal('string_agg(to_principal, '','') FROM approval.list_delegations_by_session(%s)', 'bob'),
        pg_temp.portal('string_agg(from_principal, '','') FROM approval.list_delegations_by_session(%s)', 'dave')], '{dave,bob}', 'both see it');
SELECT is(pg_temp.portal(format('approval.end_delegation_by_session(%%s, %s)', :number), 'dave'), 'false', 'nobody ends another''s');
SELECT is(pg_temp.portal(format('approval.end_delegation_by_session(%%s, %s)', :number), 'late'), 'true', 'their own they end, however long ago they signed in');
SELECT is((SELECT concat_ws(' ', principal, detail::jsonb #>> '{proof,address}') FROM approval.audit_entry WHERE act = 'delegation-ended'), 'bob 192.0.2.7', 'in the audit, too');
SELECT is((SELECT ends_at <= clock_timestamp() FROM approval.delegation), true, 'then it is over');
SELECT * FROM finish();
ROLLBACK;
