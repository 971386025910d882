-- Tokens of the API: made by somebody with a session that is sure, for what they are for and no more, and never surer than asserted.
BEGIN;
\ir support/fixture.sql
SELECT plan(81);

CREATE ROLE t_portal LOGIN; GRANT approval_portal TO t_portal;
CREATE ROLE t_other LOGIN; GRANT approval_portal TO t_other;
SELECT approval.put_speaker('t_portal', 'web', 'authenticated') \g /dev/null
SELECT approval.put_identity('web', name, name) FROM unnest(ARRAY['alice', 'bob', 'carol', 'dave']) AS name \g /dev/null
SELECT approval.put_identity('web', 'bob2', 'bob') \g /dev/null
SELECT approval.put_request_type('{"name": "back", "kind": "any", "requesters": ["*"], "chain": [
    {"name": "owner", "any_of": [{"group": "owners", "quorum": 1}]}]}') \g /dev/null
SELECT approval.put_request_type('{"name": "urgent", "kind": "package", "requesters": ["*"], "pre_approved": true, "chain": [], "review_group": "board"}') \g /dev/null
-- A token by its name: of a session, or (with a capital letter) of the API.
CREATE FUNCTION pg_temp.token(name text) RETURNS text LANGUAGE sql AS $$
SELECT CASE WHEN name ~ '^[A-Z]' THEN quote_literal('sap_' || rpad(name, 49, '0')) || '::bytea'
    ELSE quote_literal('\x' || encode(sha256(convert_to(name, 'UTF8')), 'hex')) || '::bytea' END
$$;
CREATE FUNCTION pg_temp.portal(statement text, token text, login text DEFAULT 't_portal') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act(login, 'SELECT ' || replace(statement, '$token', pg_temp.token(token)))
$$;
CREATE FUNCTION pg_temp.sign_in(name text, token text, until text DEFAULT 'infinity') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.portal(format('approval.begin_session(''web'', %L, $token, ''c1'', ''192.0.2.7'', %L, ''{"acr": "mfa"}'')', name, until), token)
$$;
CREATE FUNCTION pg_temp.make(session text, new text, scopes text[] DEFAULT '{read}', title text DEFAULT 'a program', days text DEFAULT '30') RETURNS text
    LANGUAGE sql AS $$
SELECT pg_temp.portal(format('approval.make_api_token($token, %s, %L, %L, %s)', pg_temp.token(new), title, scopes, days), session)
$$;
CREATE FUNCTION pg_temp.digest_of(number bigint) RETURNS text LANGUAGE sql AS $$
SELECT s.digest FROM approval.item_set AS s JOIN approval.request AS r USING (request_id, item_set_version) WHERE r.request_id = number
$$;
CREATE FUNCTION pg_temp.decide_as(token text, number bigint, stage integer) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.portal(format('approval.decide_by_session($token, %s, ''approve'', ''seen'', %L, %s)', number, pg_temp.digest_of(number), stage), token)
$$;
CREATE FUNCTION pg_temp.submit(token text, key text) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.portal(format('approval.submit_request_by_session($token, ''package'', ''because'', ''{web1}'', ''{package}'', ''{hello}'', ''{1}'', NULL, NULL, %L, NULL)', key), token)
$$;
SELECT pg_temp.sign_in('alice', 'a1'), pg_temp.sign_in('bob', 'b1'), pg_temp.sign_in('bob2', 'b2'), pg_temp.sign_in('dave', 'd1'),
    pg_temp.sign_in('bob', 'late', (now() - interval '1 second')::text) \g /dev/null

-- To make one.
SELECT matches(pg_temp.make('b1', 'B', '{request,read}'), '^[0-9]+$', 'a token has a number');
SELECT is((SELECT array_agg(concat_ws(' ', provider, subject, credential, title, scopes::text, ends_at - made_at)) FROM approval.api_token),
    ARRAY['web bob c1 a program {read,request} 30 days'], 'for whom, for what, and how long');
SELECT is((SELECT count(*) FROM approval.api_token WHERE token_hash = sha256(convert_to('sap_' || rpad('B', 49, '0'), 'UTF8'))), 1::bigint, 'the token is not kept, but its digest');
SELECT is((SELECT array_agg(concat_ws(' ', principal, identity, assurance, detail::jsonb ->> 'title', detail::jsonb ->> 'scopes', detail::jsonb #>> '{proof,acr}'))
           FROM approval.audit_entry WHERE act = 'token-made'), ARRAY['bob web:bob authenticated a program ["read", "request"] mfa'], 'which the audit has');
SELECT throws_ok(format('SELECT pg_temp.make(%L, %L, %L, %L, %L)', session, new, scopes, title, days), state, NULL, why)
FROM (VALUES ('late', 'B2', '{read}', 'x', '30', 'AP009', 'none by a session that is not sure any more'), ('never', 'B2', '{read}', 'x', '30', 'AP021', 'none without a session'),
        ('B', 'B2', '{read}', 'x', '30', 'AP022', 'none by another token'), ('b1', 'B', '{read}', 'x', '30', 'AP005', 'none that is there'),
        ('b1', 'b2', '{read}', 'x', '30', 'AP005', 'none that has not its form'), ('b1', 'B2', '{}', 'x', '30', 'AP005', 'none for nothing'),
        ('b1', 'B2', NULL, 'x', '30', 'AP005', 'nor for NULL'), ('b1', 'B2', '{read,admin}', 'x', '30', 'AP005', 'none for what there is not'),
        ('b1', 'B2', '{read,NULL}', 'x', '30', 'AP005', 'nor for NULL beside'),
        ('b1', 'B2', '{read}', ' ', '30', 'AP005', 'none without a name'), ('b1', 'B2', '{read}', repeat('x', 101), '30', 'AP005', 'nor with a long one'),
        ('b1', 'B2', '{read}', 'x', '0', 'AP016', 'none for no time'), ('b1', 'B2', '{read}', 'x', '91', 'AP016', 'none for more than 90 days'),
        ('b1', 'B2', '{read}', 'x', 'NULL', 'AP016', 'nor for ever')) AS bad (session, new, scopes, title, days, state, why);
SELECT approval.put_speaker('t_portal', 'web', 'asserted') \g /dev/null
SELECT throws_ok($$SELECT pg_temp.make('b1', 'B2')$$, 'AP009', NULL, 'none where the policy says that the login only names people');
SELECT approval.put_speaker('t_portal', 'web', 'authenticated') \g /dev/null
SELECT throws_ok(format('SELECT pg_temp.act(%L, ''SELECT approval.make_api_token(NULL, NULL, NULL, NULL, NULL)'')', login), '42501', NULL, 'none by ' || login)
FROM unnest(ARRAY['t_alice', 't_runner', 't_policy', 't_auditor', 't_engine']) AS login;

-- A token has a person, is as sure as asserted, and is for its scopes.
SELECT pg_temp.make('b1', 'BD', '{read,decide}'), pg_temp.make('a1', 'A', '{request,read}'), pg_temp.make('d1', 'D', '{decide}'),
    pg_temp.make('a1', 'AD', '{decide}') \g /dev/null
SELECT is(pg_temp.portal('concat_ws('' '', name, provider, subject, assurance, credential, scopes) FROM approval.use_api_token($token)', 'BD'),
    'bob web bob asserted c1 {decide,read}', 'whose it is');
SELECT is((SELECT count(*) FROM approval.api_token WHERE used_at IS NOT NULL), 1::bigint, 'when it was used last');
SELECT throws_ok(format('SELECT pg_temp.portal(%L, %L)', call, token), state, NULL, why)
FROM (VALUES ('approval.use_api_token($token)', 'X', 'AP021', 'no such token'), ('approval.use_api_token($token)', 'b1', 'AP021', 'a session is none'),
        ('approval.use_session($token)', 'B', 'AP021', 'nor is it a session'), ('approval.end_session($token)', 'B', 'AP021', 'nor ends one'),
        ('approval.end_other_sessions($token)', 'B', 'AP021', 'nor others'), ('* FROM approval.list_sessions($token)', 'B', 'AP022', 'nor lists them'),
        ('* FROM approval.list_api_tokens($token)', 'B', 'AP022', 'nor tokens'), ('approval.end_api_token($token, NULL)', 'B', 'AP022', 'nor ends them'),
        ('* FROM approval.list_groups_by_session($token)', 'B', 'AP022', 'nor does what no token is for'),
        ('* FROM approval.inbox_by_session($token, NULL, 10)', 'D', 'AP022', 'who decides by it does not read'),
        ('* FROM approval.list_requests_by_session($token, NULL, NULL, false, false, NULL, 10)', 'D', 'AP022', 'nor lists'),
        ('approval.cancel_by_session($token, 1, '''')', 'BD', 'AP022', 'nor takes back'),
        ('approval.revert_by_session($token, 1, NULL, '''', ''back'', NULL, NULL)', 'BD', 'AP022', 'nor asks for that'),
        ('approval.review_by_session($token, 1, '''')', 'B', 'AP022', 'who asks by it does not review')) AS bad (call, token, state, why);
SELECT throws_ok($$SELECT pg_temp.portal('approval.use_api_token($token)', 'B', 't_other')$$, 'AP002', NULL, 'it serves by no login that does not speak for its person');
SELECT throws_ok($$SELECT pg_temp.submit('BD', repeat('b', 16))$$, 'AP022', NULL, 'who decides by it does not ask');
SELECT pg_temp.submit('A', repeat('a', 16)) AS asked \gset
SELECT is((SELECT concat_ws(' ', p.name, r.assurance) FROM approval.request AS r JOIN approval.principal AS p ON p.principal_id = r.requester_id WHERE r.request_id = :asked),
    'alice asserted', 'what is asked for by it is asserted');
SELECT is((SELECT concat_ws(' ', identity, assurance, (SELECT t.scopes FROM approval.api_token AS t WHERE e.detail::jsonb -> 'proof' = jsonb_build_object('token', t.token_no)))
           FROM approval.audit_entry AS e WHERE e.stream = :asked AND e.act = 'submitted'), 'web:alice asserted {read,request}', 'in the audit, too, which has the token');
SELECT throws_ok(format('SELECT pg_temp.decide_as(%L, %s, %s)', token, :asked, stage), state, NULL, why)
FROM (VALUES ('B', 1, 'AP022', 'nobody decides by one that is for less'), ('AD', 1, 'AP007', 'nor on what they asked for'), ('D', 1, 'AP008', 'nor where they are no approver')) AS bad (token, stage, state, why);
SELECT is(pg_temp.decide_as('BD', :asked, 1), 'pending', 'a decision');
SELECT is((SELECT concat_ws(' ', d.assurance, e.detail::jsonb -> 'proof' = jsonb_build_object('token', t.token_no))
           FROM approval.decision AS d JOIN approval.audit_entry AS e ON e.stream = d.request_id AND e.act = 'approve', approval.api_token AS t
           WHERE d.request_id = :asked AND t.scopes = '{decide,read}'), 'asserted t', 'asserted, and the audit has the token');
SELECT throws_ok(format('SELECT pg_temp.decide_as(''D'', %s, 2)', :asked), 'AP009', NULL, 'a stage that wants more takes none by a token');
SELECT is(pg_temp.decide_as('d1', :asked, 2), 'approved', 'but by a session');
SELECT is(pg_temp.portal('string_agg(request_id::text, '','') FROM approval.list_requests_by_session($token, NULL, NULL, true, false, NULL, 10)', 'A'), :'asked', 'one''s own requests');
SELECT is(pg_temp.portal('string_agg(request_id::text, '','') FROM approval.list_requests_by_session($token, NULL, NULL, true, false, NULL, 10)', 'B'), NULL, 'are nobody else''s');
SELECT pg_temp.submit('A', repeat('c', 16)) AS second \gset
SELECT throws_ok(format('SELECT pg_temp.portal(''approval.cancel_by_session($token, %s, '''''''')'', ''B'')', :second), 'AP002', NULL, 'nobody takes another''s back');
SELECT is(pg_temp.portal(format('approval.cancel_by_session($token, %s, ''late'')', :second), 'A'), 'cancelled', 'but one''s own');
SELECT is((SELECT concat_ws(' ', principal, identity, assurance, detail::jsonb ->> 'comment', detail::jsonb -> 'proof' ? 'token') FROM approval.audit_entry WHERE stream = :second AND act = 'cancelled'),
    'alice web:alice asserted late t', 'asserted, too; the audit has the token');
SELECT pg_temp.ask('t_alice', 'urgent', '{web2}', 'd', '2') \g /dev/null
SELECT pg_temp.ask('t_alice', 'urgent', '{web2}', 'd', '3') AS urgent \gset
SELECT pg_temp.portal(format('approval.revert_by_session($token, %s, NULL, ''back'', ''back'', NULL, NULL)', :urgent), token) FROM unnest('{A,a1}'::text[]) AS token \g /dev/null
SELECT is((SELECT array_agg(concat_ws(' ', r.assurance, e.detail::jsonb -> 'proof' ? 'token', e.detail::jsonb #>> '{proof,address}') ORDER BY r.request_id)
           FROM approval.request AS r JOIN approval.audit_entry AS e ON e.stream = r.request_id AND e.act = 'submitted' WHERE r.reverts IS NOT NULL),
    '{asserted t,authenticated f 192.0.2.7}', 'a revert is as sure as what it was asked by, which the audit has');

-- Calls that are sent again.
CREATE FUNCTION pg_temp.called(token text, key text, content text, scope text DEFAULT 'request') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.portal(format('approval.begin_api_call($token, %L, %L, sha256(%L))', scope, key, content), token)
$$;
SELECT is(pg_temp.called('A', 'k', 'x'), NULL, 'a call that is to be done');
SELECT pg_temp.portal('approval.end_api_call($token, ''request'', ''k'', sha256(''x''), ''{"request": 7}'')', 'A') \g /dev/null
SELECT is(pg_temp.called('A', 'k', 'x'), '{"request": 7}', 'again it is answered as before');
SELECT throws_ok($$SELECT pg_temp.called('A', 'k', 'y')$$, 'AP023', NULL, 'another call has no such key');
SELECT is(pg_temp.called('B', 'k', 'y'), NULL, 'keys of others are others');
SELECT throws_ok(format('SELECT pg_temp.called(%L, %L, ''x'', %L)', token, key, scope), state, NULL, why)
FROM (VALUES ('A', NULL, 'request', 'AP005', 'no key'), ('A', '', 'request', 'AP005', 'an empty one'), ('A', repeat('k', 256), 'request', 'AP005', 'a long one'),
        ('A', 'k', 'decide', 'AP022', 'not by a token for less'), ('a1', 'k', 'request', 'AP005', 'not by a session'), ('X', 'k', 'request', 'AP021', 'not without a token')) AS bad (token, key, scope, state, why);
UPDATE approval.api_call SET answered_at = answered_at - interval '24 hours';
SELECT is(pg_temp.called('A', 'k', 'y'), NULL, 'a day later the key is free');

-- To end.
SELECT is(pg_temp.portal('string_agg(scopes::text, '' '') FROM approval.list_api_tokens($token)', 'b2'), '{decide,read} {read,request}', 'one''s own tokens, by whichever identity');
SELECT is(pg_temp.portal(format('approval.end_api_token($token, %s)', (SELECT min(token_no) FROM approval.api_token)), 'a1'), '0', 'nobody ends another''s');
SELECT is(pg_temp.portal(format('approval.end_api_token($token, %s)', (SELECT min(token_no) FROM approval.api_token)), 'late'), '1', 'one of them');
SELECT throws_ok($$SELECT pg_temp.portal('approval.use_api_token($token)', 'B')$$, 'AP021', NULL, 'what ended serves nobody');
SELECT is(pg_temp.portal('approval.end_api_token($token, NULL)', 'b1'), '1', 'all of them');
SELECT is((SELECT array_agg(jsonb_array_length(detail::jsonb -> 'tokens')) FROM approval.audit_entry WHERE act = 'token-ended' AND principal = 'bob'), '{1,1}', 'which the audit has');
SELECT lives_ok($$SELECT pg_temp.make('b1', 'B' || n) FROM generate_series(10, 29) AS n$$, 'twenty tokens');
SELECT throws_ok($$SELECT pg_temp.make('b1', 'B30')$$, 'AP006', NULL, 'and no more');
UPDATE approval.api_token SET made_at = made_at - interval '31 days', ends_at = ends_at - interval '31 days' WHERE subject = 'bob';
SELECT throws_ok($$SELECT pg_temp.portal('* FROM approval.inbox_by_session($token, NULL, 10)', 'B10')$$, 'AP021', NULL, 'one that is over does not go on');
SELECT lives_ok($$SELECT pg_temp.make('b1', 'B30')$$, 'and makes room');
SELECT is((SELECT count(*) FROM approval.api_token WHERE subject = 'bob'), 1::bigint, 'being cleared away');
SELECT approval.disable_principal('bob'), approval.put_principal('bob', 'person') \g /dev/null
SELECT throws_ok($$SELECT pg_temp.portal('approval.use_api_token($token)', 'B30')$$, 'AP021', NULL, 'disabling ends tokens for good');
SELECT approval.drop_identity('web', 'alice'), approval.put_identity('web', 'alice', 'alice') \g /dev/null
SELECT throws_ok($$SELECT pg_temp.portal('approval.use_api_token($token)', 'A')$$, 'AP021', NULL, 'so does taking the identity away');
SELECT * FROM finish();
ROLLBACK;
