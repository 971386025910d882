-- Sessions of people on the web: whoever has the token acts as that person, and the login of the pages as nobody else.
BEGIN;
\ir support/fixture.sql
SELECT plan(78);

CREATE ROLE t_portal LOGIN; GRANT approval_portal TO t_portal;
CREATE ROLE t_other LOGIN; GRANT approval_portal TO t_other;
SELECT approval.put_identity('web', name, name) FROM unnest(ARRAY['alice', 'bob', 'carol', 'dave']) AS name \g /dev/null
SELECT approval.put_request_type('{"name": "urgent", "kind": "package", "requesters": ["*"], "pre_approved": true, "chain": [], "review_group": "board"}') \g /dev/null
CREATE FUNCTION pg_temp.token(name text) RETURNS text LANGUAGE sql AS $$SELECT quote_literal('\x' || encode(sha256(convert_to(name, 'UTF8')), 'hex')) || '::bytea'$$;
CREATE FUNCTION pg_temp.sign_in(name text, token text, provider text DEFAULT 'web', login text DEFAULT 't_portal') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act(login, format('SELECT approval.begin_session(%L, %L, %s, ''c1'', ''192.0.2.7'', ''infinity'', ''{}'')', provider, name, pg_temp.token(token)))
$$;
CREATE FUNCTION pg_temp.portal(statement text, token text, login text DEFAULT 't_portal') RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act(login, format('SELECT ' || statement, pg_temp.token(token)))
$$;
CREATE FUNCTION pg_temp.inbox(token text) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.portal('string_agg(request_id::text, '','' ORDER BY request_id) FROM approval.inbox_by_session(%s, NULL, 100)', token)
$$;
CREATE FUNCTION pg_temp.decide_as(token text, number bigint, decision text, digest text, stage integer) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.portal(format('approval.decide_by_session(%%s, %s, %L, ''seen'', %L, %s)', number, decision, digest, coalesce(stage::text, 'NULL')), token)
$$;
CREATE FUNCTION pg_temp.digest_of(number bigint) RETURNS text LANGUAGE sql AS $$
SELECT s.digest FROM approval.item_set AS s JOIN approval.request AS r USING (request_id, item_set_version) WHERE r.request_id = number
$$;
CREATE FUNCTION pg_temp.may(token text, number bigint, what text) RETURNS jsonb LANGUAGE sql AS $$
SELECT pg_temp.portal(format('approval.show_request_by_session(%%s, %s, NULL, NULL, 10) -> ''may'' -> %L', number, what), token)::jsonb
$$;

-- To sign in.
SELECT throws_ok($$SELECT pg_temp.sign_in('bob', 'b1')$$, 'AP002', NULL, 'a login speaks for nobody until the policy says so');
SELECT throws_ok($$SELECT pg_temp.act('t_portal', 'SELECT approval.count_attempt(''web'', ''bob'', ''192.0.2.7'')')$$, 'AP002', NULL, 'nor does it count attempts');
SELECT approval.put_speaker('t_portal', 'web', 'authenticated') \g /dev/null
SELECT lives_ok($$SELECT pg_temp.sign_in('bob', 'b1')$$, 'a session begins');
SELECT lives_ok($$SELECT pg_temp.sign_in('carol', 'c1'), pg_temp.sign_in('alice', 'a1'), pg_temp.sign_in('dave', 'd1'), pg_temp.sign_in('bob', 'b2')$$, 'and others');
SELECT throws_ok(format('SELECT pg_temp.sign_in(%L, ''x'', %L, %L)', name, provider, login), state, NULL, why)
FROM (VALUES ('mallory', 'web', 't_portal', 'AP001', 'nobody unknown signs in'), ('alice', 'salt', 't_portal', 'AP002', 'nobody of another provider'),
        ('t_portal', 'pg', 't_portal', 'AP002', 'no login of PostgreSQL'), ('alice', 'web', 't_other', 'AP002', 'nobody by a login that does not speak for it'),
        ('alice', NULL, 't_portal', 'AP002', 'nobody without a provider'), ('alice', 'web', 't_alice', '42501', 'nobody by a login of another role'),
        ('alice', 'web', 't_runner', '42501', 'nor by that of the runner')) AS bad (name, provider, login, state, why);
SELECT throws_ok($$SELECT pg_temp.sign_in('alice', 'b1')$$, 'AP005', NULL, 'a token begins one session alone');
SELECT throws_ok(format('SELECT pg_temp.act(''t_portal'', %L)', format('SELECT approval.begin_session(''web'', ''bob'', %s, ''c'', ''a'', ''infinity'', ''{}'')', token)), 'AP005', NULL, 'no token: ' || token)
FROM unnest(ARRAY['NULL', '''''', '''\x00''', quote_literal('\x' || repeat('00', 65))]) AS token;
SELECT is((SELECT count(*) FROM approval.web_session WHERE token_hash = sha256(sha256('b1'))), 1::bigint, 'the token is not kept, but its digest');
SELECT is(pg_temp.portal('concat_ws('' '', name, provider, subject, assurance, credential) FROM approval.use_session(%s)', 'b1'), 'bob web bob authenticated c1', 'whose it is');
SELECT throws_ok(format('SELECT pg_temp.portal(%L, ''never'')', call), 'AP021', NULL, 'no session: ' || call)
FROM unnest(ARRAY['* FROM approval.use_session(%s)', '* FROM approval.inbox_by_session(%s, NULL, 10)', 'approval.show_request_by_session(%s, 1, NULL, NULL, 10)',
    'approval.show_plan_by_session(%s, 1)', 'approval.decide_by_session(%s, 1, ''approve'', '''', ''x'', 1)', 'approval.review_by_session(%s, 1, '''')',
    'approval.end_session(%s)', 'approval.end_other_sessions(%s)', '* FROM approval.list_sessions(%s)']) AS call;
SELECT throws_ok($$SELECT pg_temp.act('t_portal', 'SELECT approval.use_session(NULL)')$$, 'AP021', NULL, 'no session without a token');
SELECT throws_ok($$SELECT pg_temp.portal('approval.use_session(%s)', 'b1', 't_other')$$, 'AP002', NULL, 'a token serves by no other login');
SELECT throws_ok($$SELECT pg_temp.act('t_portal', 'SELECT approval.use_session(' || quote_literal((SELECT token_hash FROM approval.web_session LIMIT 1)) || ')')$$,
    'AP021', NULL, 'and what is kept of it serves nobody');

-- To see and decide, as that person and no more.
SELECT pg_temp.ask('t_alice', 'package', '{web1,web2}', 'a', '1') AS first \gset
SELECT is(ARRAY[pg_temp.inbox('b1'), pg_temp.inbox('c1'), pg_temp.inbox('a1'), pg_temp.inbox('d1')], ARRAY[:first, :first, NULL, NULL]::text[], 'each their own inbox');
SELECT is(pg_temp.may('b1', :first, 'approve'), '{"yes": true, "in_stead_of": null}', 'bob may approve');
SELECT is(ARRAY[pg_temp.may('a1', :first, 'approve') ->> 'code', pg_temp.may('d1', :first, 'reject') ->> 'code', pg_temp.may('b1', :first, 'review') ->> 'code'],
    '{AP007,AP008,AP006}', 'who asked may not, nor who is no approver; and there is nothing to review');
SELECT matches(pg_temp.may('d1', :first, 'approve') ->> 'hint', 'approvers are: 1 of owners', 'and is told who may');
SELECT is(pg_temp.portal(format('approval.show_request_by_session(%%s, %s, NULL, NULL, 10) ->> ''stage''', :first), 'a1'), '1', 'the stage that it is at');
SELECT throws_ok(format('SELECT pg_temp.decide_as(%L, %s, %L, %L, %L)', token, :first, decision, digest, stage), state, NULL, why)
FROM (VALUES ('a1', 'approve', pg_temp.digest_of(:first), 1, 'AP007', 'who asked does not decide'), ('d1', 'approve', pg_temp.digest_of(:first), 1, 'AP008', 'nor who is no approver'),
        ('b1', 'approve', 'other', 1, 'AP011', 'nor on what was not shown'), ('b1', 'approve', pg_temp.digest_of(:first), 2, 'AP011', 'nor for another stage'),
        ('b1', 'approve', NULL, 1, 'AP005', 'nor without a digest'), ('b1', 'approve', pg_temp.digest_of(:first), NULL, 'AP005', 'nor without a stage'),
        ('b1', 'maybe', pg_temp.digest_of(:first), 1, 'AP006', 'nor otherwise than yes or no')) AS bad (token, decision, digest, stage, state, why);
SELECT is(ARRAY[pg_temp.decide_as('b1', :first, 'approve', pg_temp.digest_of(:first), 1), pg_temp.decide_as('b2', :first, 'approve', pg_temp.digest_of(:first), 1)],
    '{pending,pending}', 'a decision; the same again is no other');
SELECT is((SELECT array_agg(concat_ws(' ', provider, subject, login_role, assurance)) FROM approval.decision), '{web bob t_portal authenticated}', 'kept once, with who and how');
SELECT is((SELECT array_agg(k ORDER BY k) FROM approval.audit_entry, jsonb_object_keys(detail::jsonb -> 'proof') AS k WHERE stream = :first AND act = 'approve'),
    '{address,session,signed_in_at}', 'the audit has the session');
SELECT throws_ok(format('SELECT pg_temp.decide_as(''b1'', %s, ''reject'', %L, 1)', :first, pg_temp.digest_of(:first)), 'AP011', NULL, 'what was decided stays');
SELECT is(pg_temp.decide_as('d1', :first, 'approve', pg_temp.digest_of(:first), 2), 'approved', 'a session is an authenticated person');
SELECT is(pg_temp.decide_as('d1', :first, 'approve', pg_temp.digest_of(:first), 2), 'approved', 'the last decision sent twice');
SELECT approval.put_speaker('t_portal', 'web', 'asserted') \g /dev/null
SELECT pg_temp.ask('t_alice', 'package', '{web1}', 'b', '1') AS second \gset
SELECT pg_temp.decide('t_bob', :second) \g /dev/null
SELECT is(pg_temp.may('d1', :second, 'approve') ->> 'code', 'AP009', 'no surer than the policy says of the login');
SELECT approval.put_speaker('t_portal', 'web', 'authenticated') \g /dev/null

-- How sure a session is, and until when.
CREATE FUNCTION pg_temp.sign_in_until(name text, token text, until text, said text) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act('t_portal', format('SELECT approval.begin_session(''web'', %L, %s, ''c1'', ''192.0.2.7'', %s, %L)', name, pg_temp.token(token), until, said))
$$;
CREATE FUNCTION pg_temp.sure(token text) RETURNS text LANGUAGE sql AS $$SELECT pg_temp.portal('concat_ws('' '', assurance, can_be_surer) FROM approval.use_session(%s)', token)$$;
SELECT pg_temp.sign_in_until('dave', 'd2', 'now() + interval ''1 hour''', '{"acr": "mfa", "session": 0, "address": "elsewhere"}'),
    pg_temp.sign_in_until('dave', 'd3', 'now() - interval ''1 second''', '{}'), pg_temp.sign_in_until('dave', 'd4', 'NULL', NULL) \g /dev/null
SELECT is(pg_temp.sure('d1'), 'authenticated f', 'a session that is as sure as the login''s word counts');
SELECT is(ARRAY[pg_temp.sure('d2'), pg_temp.sure('d3'), pg_temp.sure('d4')], '{authenticated f,asserted t,asserted t}', 'others are so for a while, or never');
SELECT is(ARRAY[pg_temp.may('d2', :second, 'approve') ->> 'yes', pg_temp.may('d3', :second, 'approve') ->> 'code', pg_temp.may('d4', :second, 'reject') ->> 'code'],
    '{true,AP009,AP009}', 'a stage that wants more is not for a session whose time is over');
SELECT throws_ok(format('SELECT pg_temp.decide_as(%L, %s, %L, pg_temp.digest_of(%s), 2)', token, :second, decision, :second), 'AP009', NULL, token || ' does not ' || decision)
FROM (VALUES ('d3', 'approve'), ('d4', 'reject')) AS bad (token, decision);
UPDATE approval.web_session SET authenticated_until = clock_timestamp() WHERE token_hash = sha256(sha256('d2'));
SELECT throws_ok(format('SELECT pg_temp.decide_as(''d2'', %s, ''approve'', pg_temp.digest_of(%s), 2)', :second, :second), 'AP009', NULL, 'nor one whose time ended meanwhile');
UPDATE approval.web_session SET authenticated_until = now() + interval '1 hour' WHERE token_hash = sha256(sha256('d2'));
SELECT is(pg_temp.decide_as('d2', :second, 'approve', pg_temp.digest_of(:second), 2), 'approved', 'while it lasts, it decides');
SELECT is((SELECT detail::jsonb -> 'proof' ->> 'acr' || ' ' || (detail::jsonb -> 'proof' ->> 'address') FROM approval.audit_entry WHERE stream = :second AND assurance = 'authenticated' AND identity = 'web:dave'),
    'mfa 192.0.2.7', 'the audit has what was said of the sign-in, in the place of nothing of ours');
SELECT approval.put_speaker('t_portal', 'web', 'asserted') \g /dev/null
SELECT is(ARRAY[pg_temp.sure('d1'), pg_temp.sure('d3')], '{asserted f,asserted f}', 'and no sign-in is surer than the policy says of the login');
SELECT approval.put_speaker('t_portal', 'web', 'authenticated') \g /dev/null
SELECT throws_ok(format('SELECT pg_temp.sign_in_until(''dave'', ''d5'', ''NULL'', %L)', said), 'AP005', NULL, 'nothing else is said of a sign-in: ' || left(said, 9))
FROM unnest(ARRAY['[]', jsonb_build_object('acr', repeat('x', 2000))::text]) AS said;

-- Reviews.
SELECT pg_temp.ask('t_alice', 'urgent', '{web2}', 'd', '1') AS urgent \gset
SELECT throws_ok(format('SELECT pg_temp.portal(''approval.review_by_session(%%s, %s, '''''''')'', ''b1'')', :urgent), 'AP008', NULL, 'a review is the group''s');
SELECT is(pg_temp.may('d1', :urgent, 'review'), '{"yes": true}', 'who may review');
SELECT pg_temp.portal(format('approval.review_by_session(%%s, %s, ''fine'')', :urgent), 'd1'), pg_temp.portal(format('approval.review_by_session(%%s, %s, ''fine'')', :urgent), 'd1') \g /dev/null
SELECT is((SELECT count(*) FROM approval.audit_entry WHERE stream = :urgent AND act = 'reviewed' AND detail::jsonb #>> '{proof,address}' = '192.0.2.7'), 1::bigint, 'reviewed, once');

-- To end.
SELECT is(pg_temp.portal('string_agg(address || '' '' || present, '','' ORDER BY present) FROM approval.list_sessions(%s)', 'b1'), '192.0.2.7 false,192.0.2.7 true', 'one''s own sessions');
SELECT is(pg_temp.portal(format('approval.end_session(%%s, %s)', (SELECT min(session_no) FROM approval.web_session WHERE subject = 'bob')), 'c1'), 'false', 'nobody ends another''s');
SELECT is(pg_temp.portal('approval.end_other_sessions(%s)', 'b2'), '1', 'all but the present one');
SELECT throws_ok($$SELECT pg_temp.inbox('b1')$$, 'AP021', NULL, 'what ended serves nobody');
SELECT is(pg_temp.portal('approval.end_session(%s)', 'b2'), 'true', 'to sign out');
SELECT is_empty('SELECT FROM approval.web_session WHERE subject = ''bob''', 'leaves nothing');
UPDATE approval.web_session SET began_at = began_at - interval '9 hours 50 minutes', seen_at = seen_at - interval '5 minutes', ends_at = ends_at - interval '5 minutes' WHERE subject = 'carol';
SELECT pg_temp.portal('approval.use_session(%s)', 'c1') \g /dev/null
SELECT is((SELECT ends_at - began_at FROM approval.web_session WHERE subject = 'carol'), interval '10 hours', 'no session is longer than ten hours, however it is used');
UPDATE approval.web_session SET ends_at = clock_timestamp() WHERE subject = 'carol';
SELECT throws_ok($$SELECT pg_temp.portal('approval.use_session(%s)', 'c1')$$, 'AP021', NULL, 'one that is over does not go on');
SELECT approval.disable_principal('dave'), approval.put_principal('dave', 'person') \g /dev/null
SELECT throws_ok($$SELECT pg_temp.inbox('d1')$$, 'AP021', NULL, 'disabling ends sessions for good');
SELECT approval.drop_identity('web', 'alice'), approval.put_identity('web', 'alice', 'alice') \g /dev/null
SELECT throws_ok($$SELECT pg_temp.inbox('a1')$$, 'AP021', NULL, 'so does taking the identity away');

-- Attempts.
CREATE FUNCTION pg_temp.attempts(name text, address text, times integer) RETURNS bigint LANGUAGE sql AS $$
SELECT count(pg_temp.act('t_portal', format('SELECT approval.count_attempt(''web'', %L, %L)', name, address))) FROM generate_series(1, times)
$$;
SELECT is(ARRAY[pg_temp.attempts('bob', '192.0.2.1', 5), pg_temp.attempts('bob', '192.0.2.1', 1), pg_temp.attempts('bob', '192.0.2.2', 5), pg_temp.attempts('carol', '192.0.2.1', 5)],
    '{0,1,0,0}', 'five for a name from an address; others go on');
SELECT pg_temp.sign_in('bob', 'b3') \g /dev/null
SELECT is(pg_temp.attempts('bob', '192.0.2.7', 5), 0::bigint, 'as many again after success');
SELECT is((SELECT sum(pg_temp.attempts('name' || n, '192.0.2.9', 1)) FROM generate_series(1, 32) AS n), 2::numeric, 'thirty from an address, whatever the names');
SELECT is((SELECT sum(pg_temp.attempts('dave', '192.0.2.' || n, 1)) FROM generate_series(100, 151) AS n), 2::numeric, 'fifty for a name, wherever from');
UPDATE approval.sign_in_attempt SET since = since - interval '15 minutes';
SELECT is(pg_temp.attempts('dave', '192.0.2.9', 5), 0::bigint, 'a quarter of an hour later it may be tried again');
SELECT * FROM finish();
ROLLBACK;
