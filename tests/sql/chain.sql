-- What a chain can be made of beyond a group and a quorum.
BEGIN;
\ir support/fixture.sql
SELECT plan(40);

-- Delegation.
CREATE FUNCTION pg_temp.delegate(login text, deputy text, until interval) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act(login, format('SELECT approval.delegate(''pg'', %L, %L, NULL, now() + %L)', login, deputy, until))
$$;
CREATE ROLE t_erin LOGIN; GRANT approval_person TO t_erin;
SELECT approval.put_principal('erin', 'person'), approval.put_identity('pg', 't_erin', 'erin') \g /dev/null
SELECT pg_temp.ask('t_alice', 'package', '{web1}', 'hello', '1') AS request \gset
SELECT throws_ok(format('SELECT pg_temp.decide(''t_erin'', %s)', :request), 'AP008', NULL, 'who is no approver');
SELECT throws_ok($$SELECT pg_temp.delegate('t_bob', 'bob', '1 day')$$, 'AP001', NULL, 'nobody delegates to themselves');
SELECT throws_ok($$SELECT pg_temp.delegate('t_bob', 'nobody', '1 day')$$, 'AP001', NULL, 'nor to nobody');
SELECT throws_ok($$SELECT pg_temp.delegate('t_bob', 'erin', '-1 day')$$, 'AP016', NULL, 'nor until the past');
SELECT throws_ok($$SELECT pg_temp.delegate('t_bob', 'erin', '2 years')$$, 'AP016', NULL, 'nor for ever');
SELECT throws_ok($$SELECT pg_temp.act('t_runner', 'SELECT approval.delegate(''salt'', ''bob'', ''erin'', NULL, now() + interval ''1 day'')')$$, 'AP009', NULL,
    'nor in somebody else''s name');
SELECT pg_temp.delegate('t_alice', 'erin', '1 day') \g /dev/null
SELECT throws_ok(format('SELECT pg_temp.decide(''t_erin'', %s)', :request), 'AP008', NULL, 'the requester''s vote is none, delegated or not');
SELECT pg_temp.delegate('t_bob', 'erin', '1 day') AS delegation \gset
SELECT is(pg_temp.decide('t_erin', :request), 'pending', 'a deputy passes the stage');
SELECT is((SELECT w.name || ' for ' || f.name FROM approval.decision AS d JOIN approval.principal AS w USING (principal_id)
           JOIN approval.principal AS f ON f.principal_id = d.counts_for WHERE d.request_id = :request), 'erin for bob', 'both are kept');
SELECT is(pg_temp.act('t_bob', format('SELECT approval.end_delegation(''pg'', ''t_bob'', %s)', :delegation)), 'true', 'it can be ended');
SELECT pg_temp.ask('t_alice', 'package', '{web1}', 'sl', '1') AS request \gset
SELECT throws_ok(format('SELECT pg_temp.decide(''t_erin'', %s)', :request), 'AP008', NULL, 'and then counts no more');

SELECT approval.put_request_type('{"name": "three", "kind": "package", "requesters": ["*"], "chain": [
    {"name": "all", "any_of": [{"group": "owners", "quorum": 2}]}]}') \g /dev/null
SELECT pg_temp.delegate('t_bob', 'erin', '1 day') AS delegation \gset
SELECT pg_temp.ask('t_dave', 'three', '{web1}', 'x0', '1') AS request \gset
SELECT is(pg_temp.decide('t_erin', :request), 'pending', 'a deputy''s vote');
SELECT approval.disable_principal('erin') \g /dev/null
SELECT is(pg_temp.decide('t_carol', :request), 'pending', 'counts no more when the deputy was disabled');
SELECT throws_ok(format('SELECT pg_temp.decide(''t_erin'', %s)', :request), 'AP001', NULL, 'who then gives none');
SELECT is(approval.stage_voter(r, 1, (SELECT principal_id FROM approval.principal WHERE name = 'erin'), now()), NULL::bigint, 'nor if it was a moment ago')
FROM approval.request AS r WHERE r.request_id = :request;
SELECT approval.put_principal('erin', 'person') \g /dev/null
SELECT is(pg_temp.act('t_bob', format('SELECT approval.end_delegation(''pg'', ''t_bob'', %s)', :delegation)), 'true', 'that is all');

-- One vote per person, however it is given.
SELECT approval.put_request_type('{"name": "two", "kind": "package", "requesters": ["*"], "chain": [
    {"name": "both", "any_of": [{"group": "board", "quorum": 2}]}]}') \g /dev/null
SELECT pg_temp.delegate('t_carol', 'erin', '1 day') \g /dev/null
SELECT pg_temp.ask('t_alice', 'two', '{web1}', 'x1', '1') AS request \gset
SELECT is(pg_temp.decide('t_carol', :request), 'pending', 'one of two');
SELECT throws_ok(format('SELECT pg_temp.decide(''t_erin'', %s)', :request), 'AP010', NULL, 'the deputy does not count again for who voted');
SELECT pg_temp.delegate('t_dave', 'carol', '1 day') \g /dev/null
SELECT throws_ok(format('SELECT pg_temp.decide(''t_carol'', %s)', :request), 'AP010', NULL, 'nor does one person give two votes');

SELECT pg_temp.delegate('t_bob', 'erin', '1 day'), pg_temp.delegate('t_alice', 'dave', '1 day') \g /dev/null
SELECT approval.put_request_type('{"name": "both", "kind": "package", "requesters": ["*"], "chain": [
    {"name": "both", "any_of": [{"group": "owners", "quorum": 2}]}]}') \g /dev/null
SELECT pg_temp.ask('t_dave', 'both', '{web1}', 'x9', '1') AS request \gset
SELECT is(ARRAY[pg_temp.decide('t_bob', :request), pg_temp.decide('t_erin', :request)], '{pending,approved}',
    'a deputy of two gives the vote that was not given yet');

-- One person in two stages.
SELECT pg_temp.ask('t_alice', 'package', '{web1}', 'x2', '1') AS request \gset
SELECT is(pg_temp.decide('t_carol', :request), 'pending', 'carol is in both groups');
SELECT throws_ok(format('SELECT pg_temp.decide(''t_carol'', %s)', :request), 'AP010', NULL, 'and counts in one stage only');
SELECT approval.put_request_type('{"name": "lax", "kind": "package", "requesters": ["*"], "repeat_approval": true, "self_approval": true, "chain": [
    {"name": "a", "any_of": [{"group": "owners"}]}, {"name": "b", "any_of": [{"group": "board"}]}]}') \g /dev/null
SELECT pg_temp.ask('t_carol', 'lax', '{web1}', 'x3', '1') AS request \gset
SELECT is(ARRAY[pg_temp.decide('t_carol', :request), pg_temp.decide('t_carol', :request)], '{pending,approved}',
    'unless the type says otherwise, of both and of one''s own');

-- On behalf of.
SELECT pg_temp.act('t_alice', 'SELECT approval.submit_request(''pg'', ''t_alice'', ''package'', '''', ''{web1}'', ''{package}'', ''{x4}'', ''{1}'', NULL, ''pg'', NULL, ''bob'')') AS request \gset
SELECT throws_ok(format('SELECT pg_temp.decide(''t_bob'', %s)', :request), 'AP007', NULL, 'nor who it was made for');

-- Alternatives, and stages for many minions.
SELECT approval.put_request_type('{"name": "risky", "kind": "package", "requesters": ["*"], "chain": [
    {"name": "either", "any_of": [{"group": "owners", "quorum": 2}, {"group": "board", "quorum": 1}]},
    {"name": "many", "more_than_minions": 1, "any_of": [{"group": "owners"}]}]}') \g /dev/null
SELECT pg_temp.ask('t_alice', 'risky', '{web1}', 'x5', '1') AS small, pg_temp.ask('t_alice', 'risky', '{web1,web2}', 'x6', '1') AS large \gset
SELECT is(pg_temp.decide('t_dave', :small), 'approved', 'any one alternative passes a stage');
SELECT is(pg_temp.decide('t_dave', :large), 'pending', 'more minions need a stage more');
SELECT is(pg_temp.decide('t_bob', :large), 'approved', 'and pass it');
SELECT throws_ok($$SELECT approval.put_request_type('{"name": "x", "kind": "package", "requesters": ["*"], "chain": [
    {"name": "many", "more_than_minions": 5, "any_of": [{"group": "owners"}]}]}')$$, 'AP017', NULL, 'a chain that a small request would not meet');

-- Targets.
SELECT approval.put_minion_group('lab', '', '{web2}') \g /dev/null
SELECT throws_ok($$SELECT approval.put_minion_group('lab', '', '{web9}')$$, 'AP004', NULL, 'a group of known minions');
SELECT approval.put_request_type('{"name": "lab", "kind": "package", "requesters": ["*"], "targets": ["lab"], "pre_approved": true, "chain": []}') \g /dev/null
SELECT throws_ok($$SELECT pg_temp.ask('t_alice', 'lab', '{web1,web2}', 'x7', '1')$$, 'AP002', NULL, 'a minion that the type is not for');
SELECT lives_ok($$SELECT pg_temp.ask('t_alice', 'lab', '{web2}', 'x7', '1')$$, 'one that it is for');

-- Timeouts.
SELECT approval.put_request_type('{"name": "urgent", "kind": "package", "requesters": ["*"], "chain": [
    {"name": "a", "timeout": "1 hour", "escalate_to": "board", "any_of": [{"group": "deserted"}]},
    {"name": "b", "timeout": "1 hour", "any_of": [{"group": "owners"}]}]}') \g /dev/null
SELECT pg_temp.ask('t_alice', 'urgent', '{web1}', 'x8', '1') AS request \gset
SELECT is(approval.expire_due(now()), 0, 'nothing is due');
SELECT is(approval.next_due(), (SELECT started_at + interval '1 hour' FROM approval.request_stage WHERE request_id = :request AND stage_no = 1),
    'before the stage''s time is over');
UPDATE approval.request_stage SET started_at = now() - interval '2 hours' WHERE request_id = :request AND started_at IS NOT NULL;
SELECT is(approval.expire_due(now()), 1, 'a stage has waited too long');
SELECT is(pg_temp.decide('t_dave', :request), 'pending', 'who it is escalated to passes it');
UPDATE approval.request_stage SET started_at = now() - interval '2 hours' WHERE request_id = :request AND stage_no = 2;
SELECT throws_ok(format('SELECT pg_temp.decide(''t_bob'', %s)', :request), 'AP006', NULL, 'what waited too long passes no more, whether that was noted or not');
SELECT is(approval.expire_due(now()), 1, 'the next waits too long too');
SELECT is(pg_temp.state_of(:request), 'rejected', 'and names nobody to escalate to');
SELECT pg_temp.ask('t_alice', 'package', '{web1}', 'x9', '1') AS request \gset
UPDATE approval.request SET expires_at = now() WHERE request_id = :request;
SELECT is(approval.expire_due(now() + interval '1 year'), 1, 'a request expires, but none before its time');
SELECT is(pg_temp.state_of(:request), 'expired', 'and is closed');
SELECT * FROM finish();
ROLLBACK;
