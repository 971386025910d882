-- Plans before approval: bound to the items, fresh, and demanded where the type says so.
BEGIN;
\ir support/fixture.sql
SELECT plan(33);

CREATE FUNCTION pg_temp.put_plan(number bigint, answers jsonb, digest text DEFAULT NULL, login text DEFAULT 't_runner') RETURNS text
    LANGUAGE sql AS $$
SELECT pg_temp.act(login, format('SELECT approval.put_plan(''salt'', ''alice'', %s, %L, %L)', number, coalesce(digest, (
    SELECT s.digest FROM approval.request AS r JOIN approval.item_set AS s USING (request_id, item_set_version) WHERE r.request_id = number)),
    answers))
$$;
CREATE FUNCTION pg_temp.answer(minion text, outcome text DEFAULT 'changes', changes jsonb DEFAULT '{}', comment text DEFAULT '') RETURNS jsonb
    LANGUAGE sql AS $$
SELECT jsonb_build_array(jsonb_build_object('minion', minion, 'outcome', outcome, 'changes', changes, 'comment', comment))
$$;
SELECT approval.put_request_type('{"name": "planned", "kind": "package", "requesters": ["*"], "plan_within": "PT4H", "chain": [
    {"name": "owner", "any_of": [{"group": "owners"}]},
    {"name": "board", "min_assurance": "authenticated", "any_of": [{"group": "board"}]}]}') \g /dev/null

SELECT pg_temp.ask('t_alice', 'planned', '{web1,web2}', 'hello', '2.10-3') AS request \gset
SELECT throws_ok(format('SELECT pg_temp.decide(''t_bob'', %s)', :request), 'AP019', NULL, 'without a plan the first approval is refused');
SELECT is((approval.show_request(:request) -> 'plan')::text, 'null', 'no plan is shown');
SELECT is(approval.waiting_for(:request), 'it has no plan of its present items that is no older than 04:00:00; stage 1 (owner): 1 of owners',
    'who looks is told that one is missing');
SELECT is(obstacle, 'it has no plan of its present items that is no older than 04:00:00', 'so is an approver')
FROM approval.inbox_of('bob', NULL, NULL, 10) WHERE request_id = :request;
SELECT is(approval.show_request(:request) ->> 'plan_within', '04:00:00', 'what the type demands is');
SELECT is(approval.show_plan(:request), jsonb_build_object('request', :request, 'summary', NULL, 'answers', '[]'::jsonb), 'nor by itself');

SELECT is((SELECT array_agg(minion_id ORDER BY minion_id) FROM approval.plan_items(:request)), '{web1,web2}', 'a plan is of all minions');
SELECT is((SELECT DISTINCT items FROM approval.plan_items(:request)),
    '[{"kind": "package", "name": "hello", "type": "version", "value": "2.10-3"}]', 'with the items of each');
SELECT is((SELECT count(*) FROM approval.plan_items(:request, 1)), 1::bigint, 'or of a sample');
SELECT throws_ok('SELECT approval.plan_items(0)', 'AP014', NULL, 'a request that is not there');

SELECT throws_ok(format('SELECT pg_temp.put_plan(%s, pg_temp.answer(''web1''), ''sha256:0'')', :request), 'AP011', NULL,
    'a plan of other items is refused');
SELECT throws_ok(format('SELECT pg_temp.put_plan(%s, pg_temp.answer(''Zoë''''s "box"''))', :request), 'AP004', NULL,
    'so is one of a minion that the request does not name');
SELECT throws_ok(format('SELECT pg_temp.put_plan(%s, ''[]'')', :request), 'AP015', NULL, 'and one of none');
SELECT throws_ok(format('SELECT pg_temp.put_plan(%s, pg_temp.answer(''web1'') || pg_temp.answer(''web1''))', :request), 'AP005', NULL,
    'a minion answers once');
SELECT throws_ok(format('SELECT pg_temp.put_plan(%s, pg_temp.answer(''web1'', ''approved''))', :request), 'AP005', NULL, 'with a known outcome');
SELECT throws_ok(format('SELECT pg_temp.put_plan(%s, pg_temp.answer(''web1'', ''changes'', ''[]''))', :request), 'AP005', NULL, 'and changes by name');
SELECT throws_ok(format('SELECT pg_temp.put_plan(%s, pg_temp.answer(''web1''), NULL, ''t_bob'')', :request), '42501', NULL,
    'a person''s own login cannot attach one');

SELECT is(pg_temp.put_plan(:request, pg_temp.answer('web1', 'silent') || pg_temp.answer('web2', 'silent')), '1', 'when nobody answered');
SELECT throws_ok(format('SELECT pg_temp.decide(''t_bob'', %s)', :request), 'AP019', NULL, 'that is no plan to decide on');
SELECT is(pg_temp.put_plan(:request,
    pg_temp.answer('web1', 'changes', '{"hello": {"old": "", "new": "2.10-3"}, "libfoo1": {"old": "", "new": "1"}}', 'as foretold')
    || pg_temp.answer('web2', 'changes', '{"hello": {"old": "", "new": "2.10-3"}}')), '2', 'a plan that counts');
SELECT is(approval.show_request(:request) #> '{plan,changes}',
    '[{"name": "hello", "old": "", "new": "2.10-3", "minions": 2, "asked_for": true},
      {"name": "libfoo1", "old": "", "new": "1", "minions": 1, "asked_for": false}]', 'shown over all minions, dependencies set apart');
SELECT is(approval.show_request(:request) #> '{plan,outcomes}', '{"changes": 2}', 'with the outcomes');
SELECT is(approval.show_plan(:request) #>> '{answers,0,comment}', 'as foretold', 'and by itself for each minion');
SELECT matches((SELECT detail FROM approval.audit_entry WHERE stream = :request AND act = 'planned' ORDER BY seq DESC LIMIT 1),
    (SELECT digest FROM approval.request_plan WHERE request_id = :request AND plan_no = 2), 'the audit has its digest');
SELECT throws_ok('DELETE FROM approval.request_plan', 'AP002', NULL, 'plans stay as they were made');

-- Amended items void the plan, even if they only became fewer.
SELECT pg_temp.act('t_alice', format('SELECT approval.amend_request(''pg'', ''t_alice'', %s, ''{web1}'', ''{package}'', ''{hello}'', '
    '''{2.10-3}'', NULL)', :request)) \g /dev/null
SELECT throws_ok(format('SELECT pg_temp.decide(''t_bob'', %s)', :request), 'AP019', NULL, 'a plan of what it was before does not count');
SELECT is(approval.show_request(:request) #>> '{plan,of_present_items}', 'false', 'and is shown as such');

-- An old one, made as long ago as the type allows.
ALTER TABLE approval.request_plan DISABLE TRIGGER insert_only;
SELECT pg_temp.put_plan(:request, pg_temp.answer('web1', 'impossible', '{}', 'no such version')) \g /dev/null
UPDATE approval.request_plan SET planned_at = now() - interval '4 hours' WHERE request_id = :request;
SELECT throws_ok(format('SELECT pg_temp.decide(''t_bob'', %s)', :request), 'AP019', NULL, 'a plan of four hours ago is too old');
UPDATE approval.request_plan SET planned_at = now() - interval '3 hours 59 minutes' WHERE request_id = :request;
SELECT is(obstacle, NULL, 'nor is one missing') FROM approval.inbox_of('bob', NULL, NULL, 10) WHERE request_id = :request;
SELECT is(pg_temp.decide('t_bob', :request), 'pending', 'a newer one is not, whatever it says: that is for people to judge');
UPDATE approval.request_plan SET planned_at = now() - interval '1 day' WHERE request_id = :request;
SELECT is(approval.waiting_for(:request), 'stage 2 (board): 1 of board', 'an old one is not missed then');
SELECT is(pg_temp.decide('t_dave', :request), 'approved', 'later approvals ask for none');

SELECT throws_ok($$SELECT approval.put_request_type('{"name": "free", "kind": "package", "requesters": ["*"], "pre_approved": true, "chain": [],
    "plan_within": "PT4H"}')$$, 'AP017', NULL, 'a type without approvals cannot demand a plan');
SELECT * FROM finish();
ROLLBACK;
