-- What waits for whom: exactly what that person can decide now.
BEGIN;
\ir support/fixture.sql
SELECT plan(33);

CREATE FUNCTION pg_temp.inbox(login text) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act(login, format('SELECT string_agg(request_id::text, '','' ORDER BY request_id) FROM approval.inbox(''pg'', %L, NULL, 100)', login))
$$;
CREATE FUNCTION pg_temp.mine(login text, number bigint, what text) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act(login, format('SELECT to_jsonb(m) ->> %L FROM approval.inbox(''pg'', %L, NULL, 100) AS m WHERE request_id = %s', what, login, number))
$$;
SELECT approval.put_request_type('{"name": "timed", "kind": "package", "requesters": ["*"], "max_open": "10 days", "chain": [
    {"name": "owner", "timeout": "2 days", "escalate_to": "board", "any_of": [{"group": "owners", "quorum": 2}]}]}') \g /dev/null
SELECT approval.put_request_type('{"name": "strict", "kind": "package", "requesters": ["*"], "max_open": "10 days", "chain": [
    {"name": "owner", "timeout": "2 days", "any_of": [{"group": "owners"}]}, {"name": "again", "any_of": [{"group": "owners"}]}]}') \g /dev/null
SELECT approval.put_request_type('{"name": "urgent", "kind": "package", "requesters": ["*"], "pre_approved": true, "chain": [], "review_group": "board"}') \g /dev/null

SELECT pg_temp.ask('t_alice', 'package', '{web1,web2}', 'a', '1') AS first \gset
SELECT is(ARRAY[pg_temp.inbox('t_bob'), pg_temp.inbox('t_carol')], ARRAY[:first, :first]::text[], 'the owners may decide');
SELECT is(pg_temp.inbox('t_alice'), NULL, 'who asked may not, though an owner');
SELECT is(pg_temp.inbox('t_dave'), NULL, 'nor the board, whose stage is not reached');
SELECT is(pg_temp.mine('t_bob', :first, 'groups'), '["owners"]', 'why: the group');
SELECT is(pg_temp.mine('t_bob', :first, 'stage_name'), 'owner', 'and the stage');
SELECT is(pg_temp.mine('t_bob', :first, 'minions'), '2', 'over how many');
SELECT is(pg_temp.mine('t_bob', :first, 'digest'), (SELECT digest FROM approval.item_set WHERE request_id = :first), 'of what');
SELECT is(pg_temp.mine('t_bob', :first, 'until_what'), 'then it expires', 'until it expires');
SELECT pg_temp.decide('t_carol', :first) \g /dev/null
SELECT is(ARRAY[pg_temp.inbox('t_bob'), pg_temp.inbox('t_carol'), pg_temp.inbox('t_dave')], ARRAY[NULL, NULL, :first]::text[],
    'one person counts once; the next stage is the board''s, of which carol is too');
SELECT is(pg_temp.mine('t_dave', :first, 'min_assurance') || ' ' || pg_temp.mine('t_dave', :first, 'suffices'), 'authenticated true', 'an own login suffices');
SELECT is(pg_temp.act('t_runner', 'SELECT suffices FROM approval.inbox(''salt'', ''dave'', NULL, 10)'), 'false', 'salt-run does not');
SELECT is(pg_temp.act('t_auditor', 'SELECT request_id || '' '' || coalesce(suffices::text, ''?'') FROM approval.inbox_of(''dave'', NULL, NULL, 10)'), :first || ' ?', 'an auditor sees what waits for others');
SELECT throws_ok($$SELECT pg_temp.act('t_bob', 'SELECT * FROM approval.inbox_of(''dave'', NULL, NULL, 10)')$$, '42501', NULL, 'a person does not');
SELECT throws_ok($$SELECT pg_temp.act('t_bob', 'SELECT * FROM approval.inbox(''pg'', ''t_dave'', NULL, 10)')$$, 'AP002', NULL, 'nor under another''s name');
SELECT throws_ok($$SELECT approval.inbox_of('nobody', NULL, NULL, 10)$$, 'AP001', 'there is no principal ''nobody''', 'an unknown name');
SELECT throws_ok($$SELECT approval.inbox_of('dave', 'sure', NULL, 10)$$, 'AP005', NULL, 'an unknown assurance');

-- Deputies.
SELECT pg_temp.act('t_dave', format('SELECT approval.delegate(''pg'', ''t_dave'', ''bob'', NULL, %L)', now() + interval '1 day')) \g /dev/null
SELECT is(pg_temp.mine('t_bob', :first, 'in_stead_of'), 'dave', 'a deputy is told whose');
SELECT pg_temp.act('t_dave', format('SELECT approval.delegate(''pg'', ''t_dave'', ''alice'', NULL, %L)', now() + interval '1 day')) \g /dev/null
SELECT is(pg_temp.inbox('t_alice'), NULL, 'who asked decides for nobody either');
SELECT pg_temp.decide('t_bob', :first) \g /dev/null
SELECT is(ARRAY[pg_temp.inbox('t_bob'), pg_temp.inbox('t_dave')], ARRAY[NULL, NULL]::text[], 'what is approved waits for nobody');

-- Time.
SELECT pg_temp.ask('t_alice', 'timed', '{web1}', 'b', '1') AS timed \gset
SELECT pg_temp.ask('t_alice', 'strict', '{web1}', 'c', '1') AS strict \gset
SELECT is(pg_temp.mine('t_bob', :timed, 'until_what') || '; ' || pg_temp.mine('t_bob', :strict, 'until_what'), 'then board may pass it too; then it is rejected',
    'what happens when the stage''s time is over');
SELECT is(round(extract(epoch FROM pg_temp.mine('t_bob', :timed, 'until')::timestamptz - now()) / 86400)::integer, 2, 'and when that is');
UPDATE approval.request_stage SET started_at = started_at - interval '3 days' WHERE request_id IN (:timed, :strict) AND started_at IS NOT NULL;
SELECT is(pg_temp.inbox('t_bob'), :timed::text, 'what waited too long is not there, but for the one that goes on');
SELECT approval.expire_due() \g /dev/null
SELECT is(pg_temp.mine('t_dave', :timed, 'groups') || pg_temp.mine('t_dave', :timed, 'escalated'), '["board"]true', 'which is escalated');
UPDATE approval.request SET expires_at = now() WHERE request_id = :timed;
SELECT is(pg_temp.inbox('t_bob'), NULL, 'what expired is not there');

-- Reviews, and what keeps a request from being approved.
SELECT pg_temp.ask('t_carol', 'urgent', '{web2}', 'd', '1') AS urgent \gset
SELECT is(pg_temp.mine('t_dave', :urgent, 'act'), 'review', 'an emergency waits for its review');
SELECT is(pg_temp.inbox('t_carol'), NULL, 'by another than who had a part in it');
SELECT pg_temp.ask('t_alice', 'package', '{web1}', 'e', '1') AS one \gset
SELECT pg_temp.ask('t_alice', 'package', '{web1}', 'e', '2') AS two \gset
SELECT matches(pg_temp.mine('t_bob', :two, 'obstacle'), 'contradicts request', 'an open contradiction is named');

-- Pages.
SELECT is((SELECT array_agg(request_id) FROM approval.inbox_of('bob', NULL, NULL, 1)), ARRAY[:one]::bigint[], 'a page, the oldest first');
SELECT is((SELECT request_id || ' of ' || total FROM approval.inbox_of('bob', NULL, :one, 1)), :two || ' of 2', 'and the next');
SELECT approval.disable_principal('bob') \g /dev/null
SELECT is((SELECT count(*) FROM approval.inbox_of('bob', NULL, NULL, 10)), 0::bigint, 'nothing waits for who was disabled');
SELECT is((SELECT string_agg(request_id::text, ',') FROM approval.list_requests('pending', NULL, 'alice', NULL, :two, 1)) || (SELECT ' of ' || max(total)
    FROM approval.list_requests('pending', NULL, 'alice', NULL, NULL, 1)), :one || ' of 3', 'the list of what somebody asked for, in pages');
SELECT is((SELECT count(*) FROM approval.list_requests(NULL, NULL, NULL, 'alice', NULL, 10)), 0::bigint, 'who decided nothing has an empty list of it');
SELECT is((SELECT array_agg(l.request_id) FROM approval.list_requests(NULL, NULL, NULL, 'carol', NULL, 100) AS l),
    (SELECT array_agg(DISTINCT d.request_id ORDER BY d.request_id DESC) FROM approval.decision AS d JOIN approval.principal AS p USING (principal_id)
     WHERE p.name = 'carol'), 'the list of what somebody decided on');
SELECT * FROM finish();
ROLLBACK;
