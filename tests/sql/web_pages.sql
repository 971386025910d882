-- Pages on the web besides those to decide: minions, what was sent to them and what they returned, by the token of a session.
BEGIN;
\ir support/fixture.sql
SELECT plan(63);

CREATE ROLE t_portal LOGIN; GRANT approval_portal TO t_portal;
SELECT approval.put_speaker('t_portal', 'web', 'authenticated') \g /dev/null
SELECT approval.put_identity('web', name, name) FROM unnest(ARRAY['alice', 'bob']) AS name \g /dev/null
CREATE FUNCTION pg_temp.token(name text) RETURNS text LANGUAGE sql AS $$SELECT quote_literal('\x' || encode(sha256(convert_to(name, 'UTF8')), 'hex')) || '::bytea'$$;
CREATE FUNCTION pg_temp.portal(statement text, token text DEFAULT 'alice') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_portal', format('SELECT ' || statement, pg_temp.token(token)))
$$;
SELECT pg_temp.act('t_portal', format('SELECT approval.begin_session(''web'', %L, %s, ''c'', ''192.0.2.7'', ''infinity'', ''{}'')', name, pg_temp.token(name)))
FROM unnest(ARRAY['alice', 'bob']) AS name \g /dev/null
CREATE FUNCTION pg_temp.minions(part text, after text DEFAULT NULL, most integer DEFAULT 50) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.portal(format('string_agg(minion_id, '' '') FROM approval.list_minions_by_session(%%s, %s, %s, %s)',
    replace(quote_nullable(part), '%', '%%'), replace(quote_nullable(after), '%', '%%'), most))
$$;
CREATE FUNCTION pg_temp.minion(id text, what text) RETURNS jsonb LANGUAGE sql AS $$
SELECT pg_temp.portal(format('approval.show_minion_by_session(%%s, %s) -> %L', replace(quote_literal(id), '%', '%%'), what))::jsonb
$$;

CREATE FUNCTION pg_temp.digest_of(number bigint) RETURNS text LANGUAGE sql AS $$
SELECT s.digest FROM approval.item_set AS s WHERE s.request_id = number AND s.item_set_version = 1
$$;

SELECT throws_ok(format('SELECT pg_temp.portal(%L, ''never'')', call), 'AP021', NULL, 'no session: ' || call)
FROM unnest(ARRAY['* FROM approval.list_minions_by_session(%s, NULL, NULL, 10)', 'approval.show_minion_by_session(%s, ''web1'')',
    '* FROM approval.list_returns_by_session(%s, ''web1'', NULL, 10)',
    '* FROM approval.list_jobs_by_session(%s, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 10)',
    '* FROM approval.list_types_by_session(%s)', 'approval.show_type_by_session(%s, ''package'')', 'approval.what_if_by_session(%s, ''package'', NULL, 1)',
    '* FROM approval.list_groups_by_session(%s)', '* FROM approval.list_group_by_session(%s, ''shop'')', '* FROM approval.search_packages_by_session(%s, ''a'', NULL, 10)',
    '* FROM approval.compliance_by_session(%s)', '* FROM approval.out_of_line_by_session(%s, 10, NULL, NULL, NULL)',
    '* FROM approval.replay_type_by_session(%s, ''{}'', 10)',
    'approval.submit_request_by_session(%s, ''package'', ''r'', ''{web1}'', ''{package}'', ''{a}'', ''{1}'', NULL, NULL, ''aaaaaaaaaaaaaaaa'', NULL)']) AS call;

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
SELECT is(pg_temp.portal('standings FROM approval.list_minions_by_session(%s, ''web1'', NULL, 10) WHERE minion_id = ''web1'''), '{"waiting": 1}', 'nothing is proven yet');
SELECT pg_temp.report('web1', 1, '{hello}', '{converged}', '{1}', 'r1') \g /dev/null
SELECT is(pg_temp.portal('standings FROM approval.list_minions_by_session(%s, ''web1'', NULL, 10) WHERE minion_id = ''web1'''), '{"converged": 1}', 'then it is');
SELECT is((SELECT array_agg(r ->> 'request') FROM jsonb_array_elements(pg_temp.minion('web1', 'requests')) AS r), ARRAY[:second]::text[], 'what is proven is not wanted any more');
SELECT is(pg_temp.minion('web1', 'documents') #>> '{0,items,0,standing}', 'converged', 'what is approved is shown as show_state has it');
SELECT is(pg_temp.portal('concat_ws('' '', minion, verdict, authenticated) FROM approval.list_returns_by_session(%s, ''web1'', NULL, 10)'), 'web1 converged t', 'its returns');
SELECT throws_ok($$SELECT pg_temp.portal('* FROM approval.list_returns_by_session(%s, ''other'', NULL, 10)')$$, 'AP004', NULL, 'of a minion that is known');
SELECT throws_ok($$SELECT pg_temp.portal('* FROM approval.list_jobs_by_session(%s, ''other'', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 10)')$$, 'AP004', NULL, 'as are its jobs');

-- To ask.
CREATE FUNCTION pg_temp.submit(token text, key text, type text DEFAULT 'package', version text DEFAULT '1', digest text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.portal(format('approval.submit_request_by_session(%%s, %L, ''why'', ''{web2}'', ''{package}'', ''{asked}'', ''{%s}'', NULL, ''wait'', %L, %L)',
    type, version, key, digest), token)
$$;
SELECT approval.put_request_type('{"name": "own", "kind": "package", "requesters": ["owners"], "chain": [{"name": "owner", "any_of": [{"group": "owners"}]}]}') \g /dev/null
SELECT approval.put_request_type('{"name": "back", "kind": "any", "requesters": ["*"], "chain": [{"name": "owner", "any_of": [{"group": "owners"}]}]}') \g /dev/null
SELECT approval.put_identity('web', 'dave', 'dave') \g /dev/null
SELECT pg_temp.act('t_portal', format('SELECT approval.begin_session(''web'', ''dave'', %s, ''c'', ''192.0.2.7'', ''infinity'', ''{}'')', pg_temp.token('dave'))) \g /dev/null
SELECT is(ARRAY[pg_temp.portal('string_agg(type || '' '' || may_request, '','' ORDER BY type) FROM approval.list_types_by_session(%s)', 'alice'),
        pg_temp.portal('string_agg(type || '' '' || may_request, '','' ORDER BY type) FROM approval.list_types_by_session(%s)', 'dave')],
    '{"own true,package true,standard true","own false,package true,standard true"}', 'types in which they may ask; none to take back');
SELECT is(pg_temp.portal('approval.show_type_by_session(%s, ''package'') #>> ''{definition,kind}'''), 'package', 'a type');
SELECT is(pg_temp.portal('concat_ws('' '', w ->> ''requester'', w -> ''may_request'', w #>> ''{stages,0,any_of,0,approvers}'') FROM approval.what_if_by_session(%s, ''package'', NULL, 1) AS w'),
    'alice true ["bob", "carol"]', 'who would approve what they ask for');
SELECT is(ARRAY(SELECT jsonb_array_elements_text(pg_temp.portal('approval.what_if_by_session(%s, ''package'', ''bob'', 1) #> ''{stages,0,any_of,0,approvers}''')::jsonb)),
    '{alice,carol}', 'and of what somebody else does');
SELECT throws_ok($$SELECT pg_temp.portal('approval.what_if_by_session(%s, ''package'', ''nobody'', 1)')$$, 'AP001', NULL, 'whom somebody has to know');
CREATE FUNCTION pg_temp.replay(definition text) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.portal(format('string_agg(concat_ws('' '', would_pass, stage), '', '' ORDER BY request_id) FROM approval.replay_type_by_session(%%s, %L, 10)', definition))
$$;
SELECT pg_temp.decide('t_bob', :second), pg_temp.decide('t_dave', :second) \g /dev/null
SELECT is(pg_temp.replay('{"name": "package", "kind": "package", "requesters": ["*"], "chain": [{"name": "owner", "any_of": [{"group": "owners", "quorum": 2}]}]}'),
    'f stage 1 (owner)', 'what a definition would have made of past requests');
SELECT throws_ok(format('SELECT pg_temp.replay(%L)', definition), 'AP017', NULL, 'which is none: ' || definition)
FROM unnest(ARRAY['{}', '[]', '{"name": "package", "chain": 1}', '{"name": "package", "pre_approved": "perhaps"}',
    '{"name": "package", "kind": "package", "requesters": ["*"], "chain": [{"name": "a", "any_of": [{"group": "no such"}]}]}']) AS definition;
SELECT is((SELECT max(type_version) FROM approval.request_type WHERE type_name = 'package'), 1, 'nothing was put');
SELECT approval.put_minion_group('shop', 'The shop', '{web2,web1,db1}') \g /dev/null
SELECT is(pg_temp.portal('concat_ws('' '', minion_group, title, minions) FROM approval.list_groups_by_session(%s)'), 'shop The shop 2', 'groups of minions, without who was removed');
SELECT is(pg_temp.portal('string_agg(minion_id, '' '') FROM approval.list_group_by_session(%s, ''shop'')'), 'web1 web2', 'the minions of one, without who was removed');
SELECT throws_ok($$SELECT pg_temp.portal('* FROM approval.list_group_by_session(%s, ''other'')')$$, 'AP004', NULL, 'no such group');
SELECT is(pg_temp.portal('count(*) FROM approval.search_packages_by_session(%s, ''hel'', NULL, 10)'), '0', 'packages, of which none is known here');
SELECT throws_ok(format('SELECT pg_temp.submit(%L, %L, %L, %L, %L)', token, key, type, version, digest), state, NULL, why)
FROM (VALUES ('alice', NULL, 'package', '1', NULL, 'AP005', 'no request without a key'), ('alice', 'short', 'package', '1', NULL, 'AP005', 'nor with one that could be guessed'),
        ('dave', 'bbbbbbbbbbbbbbbb', 'own', '1', NULL, 'AP002', 'nor of a type that is for others'), ('alice', 'bbbbbbbbbbbbbbbb', 'back', '1', NULL, 'AP005', 'nor of what was never asked for'),
        ('alice', 'bbbbbbbbbbbbbbbb', 'package', '1', 'other', 'AP011', 'nor of what was not shown')) AS bad (token, key, type, version, digest, state, why);
SELECT pg_temp.submit('alice', 'cccccccccccccccc') AS asked \gset
SELECT is((SELECT array_agg(concat_ws(' ', p.name, r.source, r.external_ref, r.assurance)) FROM approval.request AS r JOIN approval.principal AS p ON p.principal_id = r.requester_id
           WHERE r.request_id = :asked), '{"alice web form-cccccccccccccccc authenticated"}', 'asked for by whose session it is');
SELECT is(ARRAY[pg_temp.submit('alice', 'cccccccccccccccc'), pg_temp.submit('alice', 'cccccccccccccccc', 'package', '1', pg_temp.digest_of(:asked))], ARRAY[:asked, :asked]::text[],
    'the same form again is the same request');
SELECT is((SELECT array_agg(concat_ws(' ', e.detail::jsonb #>> '{proof,address}', s.subject)) FROM approval.audit_entry AS e
           JOIN approval.web_session AS s ON s.session_no = (e.detail::jsonb #>> '{proof,session}')::bigint WHERE e.stream = :asked AND e.act = 'submitted'),
    '{192.0.2.7 alice}', 'the audit has the session, and from where it was asked for');
SELECT throws_ok($$SELECT pg_temp.submit('alice', 'cccccccccccccccc', 'package', '2')$$, 'AP013', NULL, 'with another content it is none');
SELECT throws_ok($$SELECT pg_temp.submit('bob', 'cccccccccccccccc')$$, 'AP013', NULL, 'nor by somebody else');

-- Who is in line.
CREATE FUNCTION pg_temp.out_of_line(standing text, in_group text, after text[] DEFAULT NULL, most integer DEFAULT 10) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.portal(format('string_agg(minion_id || '' '' || standing || coalesce('' '' || name, ''''), '', '') FROM approval.out_of_line_by_session(%%s, %s, %L, %L, %L)',
    most, standing, in_group, after))
$$;
SELECT approval.put_minion_group('rest', '', '{web2}') \g /dev/null
SELECT is(pg_temp.out_of_line(NULL, NULL), NULL, 'nobody is out of line');
SELECT pg_temp.ask('t_alice', 'standard', '{web2}', name, '1') FROM unnest(ARRAY['b', 'a']) AS name \g /dev/null
SELECT pg_temp.report('web2', (SELECT max(revision) FROM approval.document WHERE minion_id = 'web2'), '{a,b}', '{failed,failed}', '{NULL,NULL}', 'r2') \g /dev/null
UPDATE approval.document SET valid_from = now() WHERE minion_id IN ('web1', 'web2') AND valid_until = 'infinity';
UPDATE approval.item SET effective_at = now() WHERE minion_id = 'web2' AND effective_at IS NOT NULL;
INSERT INTO approval.silence VALUES ('web1', now() + interval '1 hour', '1', 'state.apply', now(), 1);
SELECT is(pg_temp.out_of_line(NULL, NULL), 'web2 failed a, web2 failed b, web1 silent', 'the longest first');
SELECT is(pg_temp.out_of_line('silent', NULL), 'web1 silent', 'of one standing');
SELECT is(pg_temp.out_of_line(NULL, 'rest'), 'web2 failed a, web2 failed b', 'of one group');
SELECT is(pg_temp.out_of_line(NULL, NULL, ARRAY[now()::text, 'web2', 'failed', 'package', 'a'], 1), 'web2 failed b', 'page by page');
SELECT throws_ok($$SELECT pg_temp.out_of_line(NULL, NULL, '{2026-01-01,web1}')$$, 'AP005', NULL, 'a place that is none');
SELECT is(pg_temp.portal('string_agg(concat_ws('' '', minion_group, standing, minions), '', '' ORDER BY minion_group NULLS FIRST, standing) FROM approval.compliance_by_session(%s)'),
    (SELECT string_agg(concat_ws(' ', c.standing, c.minions), ', ' ORDER BY c.standing) FROM approval.compliance() AS c WHERE c.minions > 0)
        || ', rest failed 1, shop failed 1, shop silent 1', 'how many, of all and of each group');
SELECT * FROM finish();
ROLLBACK;
