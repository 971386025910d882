-- Pages on the web besides those to decide: minions, what was sent to them and what they returned, by the token of a session.
BEGIN;
\ir support/fixture.sql
SELECT plan(20);

CREATE ROLE t_portal LOGIN; GRANT approval_portal TO t_portal;
SELECT approval.put_speaker('t_portal', 'web', 'authenticated') \g /dev/null
SELECT approval.put_identity('web', name, name) FROM unnest(ARRAY['alice', 'bob']) AS name \g /dev/null
CREATE FUNCTION pg_temp.token(name text) RETURNS text LANGUAGE sql AS $$SELECT quote_literal('\x' || encode(sha256(convert_to(name, 'UTF8')), 'hex')) || '::bytea'$$;
CREATE FUNCTION pg_temp.portal(statement text, token text DEFAULT 'alice') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_portal', format('SELECT ' || statement, pg_temp.token(token)))
$$;
SELECT pg_temp.act('t_portal', format('SELECT approval.begin_session(''web'', %L, %s, ''c'', ''192.0.2.7'')', name, pg_temp.token(name)))
FROM unnest(ARRAY['alice', 'bob']) AS name \g /dev/null
CREATE FUNCTION pg_temp.minions(part text, after text DEFAULT NULL, most integer DEFAULT 50) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.portal(format('string_agg(minion_id, '' '') FROM approval.list_minions_by_session(%%s, %s, %s, %s)',
    replace(quote_nullable(part), '%', '%%'), replace(quote_nullable(after), '%', '%%'), most))
$$;
CREATE FUNCTION pg_temp.minion(id text, what text) RETURNS jsonb LANGUAGE sql AS $$
SELECT pg_temp.portal(format('approval.show_minion_by_session(%%s, %s) -> %L', replace(quote_literal(id), '%', '%%'), what))::jsonb
$$;

SELECT throws_ok(format('SELECT pg_temp.portal(%L, ''never'')', call), 'AP021', NULL, 'no session: ' || call)
FROM unnest(ARRAY['* FROM approval.list_minions_by_session(%s, NULL, NULL, 10)', 'approval.show_minion_by_session(%s, ''web1'')',
    '* FROM approval.list_returns_by_session(%s, ''web1'', NULL, 10)',
    '* FROM approval.list_jobs_by_session(%s, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 10)']) AS call;

-- To find minions.
SELECT approval.put_minions('{Web10,db1}') \g /dev/null
SELECT is(pg_temp.minions(NULL), '% Web10 Zoë''s "box" db1 web1 web2 web_', 'all, in the order of their names');
SELECT is(ARRAY[pg_temp.minions(NULL, NULL, 2), pg_temp.minions(NULL, 'Web10', 2)], ARRAY['% Web10', 'Zoë''s "box" db1'], 'page by page');
SELECT is(ARRAY[pg_temp.minions(' eb1 '), pg_temp.minions('EB1'), pg_temp.minions('web_'), pg_temp.minions('we'), pg_temp.minions('%'), pg_temp.minions('eb')],
    ARRAY['Web10 web1', 'Web10 web1', 'web_', 'web1 web2 web_', '%', NULL], 'by a part of the name, which is no pattern');
SELECT is(pg_temp.minions('eb1', 'Web10'), 'web1', 'also from behind one');
SELECT pg_temp.act('t_runner', 'SELECT approval.remove_minions(''salt'', ''alice'', ''{db1}'', ''gone'')') \g /dev/null
SELECT is(pg_temp.minions('db1'), NULL, 'one that was removed is not among them');

-- One minion.
SELECT throws_ok($$SELECT pg_temp.minion('other', 'minion')$$, 'AP004', NULL, 'no such minion');
SELECT is(pg_temp.minion('web1', 'requests'), '[]', 'nothing is wanted of it');
SELECT is(pg_temp.minion('db1', 'removed_at') = 'null', false, 'one that was removed is shown as such');
SELECT pg_temp.ask('t_alice', 'standard', '{web1}', 'hello', '1') AS first \gset
SELECT pg_temp.ask('t_alice', 'package', '{web1,web2}', 'other', '1') AS second \gset
SELECT is((SELECT jsonb_agg(r - 'submitted_at' - 'reason' - 'requester') FROM jsonb_array_elements(pg_temp.minion('web1', 'requests')) AS r),
    jsonb_build_array(jsonb_build_object('request', :second, 'type', 'package', 'state', 'pending', 'items', 1, 'waiting_for', approval.waiting_for(:second)),
        jsonb_build_object('request', :first, 'type', 'standard', 'state', 'approved', 'items', 1, 'waiting_for', approval.waiting_for(:first))), 'the requests that want something of it');
SELECT is(pg_temp.portal('standings FROM approval.list_minions_by_session(%s, ''web1'', NULL, 1)'), '{"waiting": 1}', 'nothing is proven yet');
SELECT pg_temp.report('web1', 1, '{hello}', '{converged}', '{1}', 'r1') \g /dev/null
SELECT is(pg_temp.portal('standings FROM approval.list_minions_by_session(%s, ''web1'', NULL, 1)'), '{"converged": 1}', 'then it is');
SELECT is((SELECT array_agg(r ->> 'request') FROM jsonb_array_elements(pg_temp.minion('web1', 'requests')) AS r), ARRAY[:second]::text[], 'what is proven is not wanted any more');
SELECT is(pg_temp.minion('web1', 'documents') #>> '{0,items,0,standing}', 'converged', 'what is approved is shown as show_state has it');
SELECT is(pg_temp.portal('concat_ws('' '', minion, verdict, authenticated) FROM approval.list_returns_by_session(%s, ''web1'', NULL, 10)'), 'web1 converged t', 'its returns');
SELECT throws_ok($$SELECT pg_temp.portal('* FROM approval.list_returns_by_session(%s, ''other'', NULL, 10)')$$, 'AP004', NULL, 'of a minion that is known');
SELECT throws_ok($$SELECT pg_temp.portal('* FROM approval.list_jobs_by_session(%s, ''other'', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 10)')$$, 'AP004', NULL, 'as are its jobs');
SELECT * FROM finish();
ROLLBACK;
