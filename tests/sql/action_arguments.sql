-- Who approves an action decides on its function and all of its arguments, as they are sent.
BEGIN;
\ir support/fixture.sql
SELECT plan(24);

SELECT approval.put_request_type('{"name": "touch", "kind": "action", "action": {"function": "file.touch", "kwarg": {"name": "/run/x", "mode": {"a": 1}}},
    "requesters": ["*"], "valid_for": "10 days", "chain": [{"name": "owner", "any_of": [{"group": "owners", "quorum": 1}]}]}') \g /dev/null
CREATE FUNCTION pg_temp.ask_for(name text, kwarg text, ref text DEFAULT NULL, type text DEFAULT 'touch', minions text[] DEFAULT '{web1}') RETURNS bigint
    LANGUAGE sql AS $$
SELECT pg_temp.act('t_alice', format('SELECT approval.submit_request(''pg'', ''t_alice'', %L, ''because'', %L, %L, %L, %L, NULL, ''pg'', %L, NULL, NULL)',
    type, minions, array_fill('action'::text, ARRAY[cardinality(minions)]), array_fill(name, ARRAY[cardinality(minions)]),
    array_fill(kwarg, ARRAY[cardinality(minions)]), ref))::bigint
$$;
CREATE FUNCTION pg_temp.shown(number bigint) RETURNS text LANGUAGE sql AS $$
SELECT format('%s %s', i ->> 'name', i ->> 'value') FROM jsonb_array_elements(approval.show_request(number) -> 'items') AS i LIMIT 1
$$;
CREATE FUNCTION pg_temp.sent(number bigint) RETURNS text LANGUAGE sql AS $$
SELECT format('%s %s', function, approval.canonical_json('it', kwarg::json)) FROM approval.take_dispatches(number, '{web1,web2}', 10) LIMIT 1
$$;
SELECT pg_temp.ask_for('file.touch', '{"atime": 5}') AS request \gset
SELECT is(pg_temp.shown(:request), 'file.touch {"atime":5,"mode":{"a":1},"name":"/run/x"}', 'function and all arguments are shown');
SELECT is((SELECT digest FROM approval.item WHERE request_id = :request),
    approval.item_digest('web1', 'action', 'file.touch', 'json', '{"atime":5,"mode":{"a":1},"name":"/run/x"}'), 'the digest of the item covers them');
SELECT is((SELECT digest FROM approval.item_set WHERE request_id = :request), approval.item_set_digest('touch', NULL, '{web1}', '{action}', '{file.touch}', '{json}',
    ARRAY['{"atime":5,"mode":{"a":1},"name":"/run/x"}']), 'and so does that of all');
SELECT is((SELECT items ->> 0 FROM approval.plan_items(:request)), '{"kind": "action", "name": "file.touch", "type": "json", "value": "{\"atime\":5,\"mode\":{\"a\":1},\"name\":\"/run/x\"}"}',
    'and the plan is of that');
SELECT is(pg_temp.decide('t_bob', :request, digest => (SELECT digest FROM approval.item_set WHERE request_id = :request)), 'approved', 'that is decided on');
SELECT is(pg_temp.sent(:request), pg_temp.shown(:request), 'and that is sent');

SELECT is(pg_temp.shown(pg_temp.ask_for('file.touch', '{"name": "/etc/passwd", "mode": 7}')), 'file.touch {"mode":{"a":1},"name":"/run/x"}',
    'what the type fixes is not replaced, nor mixed');
SELECT throws_ok($$SELECT pg_temp.ask_for('test.ping', '{}')$$, 'AP005', 'requests of type touch carry out file.touch, not test.ping',
    'another function than the one that is sent is not shown');
SELECT throws_ok($$SELECT pg_temp.ask_for('file.touch', '[1]')$$, 'AP005', NULL, 'parameters have names');
SELECT throws_ok($$SELECT pg_temp.ask_for('file.touch', '5')$$, 'AP005', NULL, 'all of them');
SELECT approval.put_request_type('{"name": "any", "kind": "any", "requesters": ["*"], "pre_approved": true, "chain": []}') \g /dev/null
SELECT throws_ok($$SELECT pg_temp.ask_for('file.touch', '{}', type => 'any')$$, 'AP005', NULL, 'a type without an action carries out none');

-- Its version is frozen; the same reference is the same request, whatever the type fixes since.
SELECT pg_temp.ask_for('file.touch', '{}', 'SC-1') AS referred \gset
SELECT pg_temp.ask_for('file.touch', '{"atime": 1}') AS amended \gset
SELECT approval.put_request_type('{"name": "touch", "kind": "action", "action": {"function": "file.touch", "kwarg": {"name": "/run/y"}},
    "requesters": ["*"], "valid_for": "10 days", "chain": [{"name": "owner", "any_of": [{"group": "owners", "quorum": 1}]}]}') \g /dev/null
SELECT is(pg_temp.ask_for('file.touch', '{}', 'SC-1'), :referred::bigint, 'the same reference');
SELECT throws_ok($$SELECT pg_temp.ask_for('file.touch', '{"atime": 2}', 'SC-1')$$, 'AP013', NULL, 'with other parameters it is another request');
SELECT pg_temp.decide('t_bob', :referred) \g /dev/null
SELECT is(pg_temp.sent(:referred), 'file.touch {"mode":{"a":1},"name":"/run/x"}', 'sent as it was when it was asked for');
SELECT pg_temp.act('t_alice', format('SELECT approval.amend_request(''pg'', ''t_alice'', %s, ''{web1}'', ''{action}'', ''{file.touch}'', ARRAY[''{"atime": 3}''], '''')', :amended)) \g /dev/null
SELECT is(pg_temp.shown(:amended), 'file.touch {"atime":3,"mode":{"a":1},"name":"/run/x"}', 'amended under its own version');
SELECT is(pg_temp.shown(pg_temp.ask_for('file.touch', '{}')), 'file.touch {"name":"/run/y"}', 'a new request under the new one');

-- A renewal asks anew for what was asked for, under the version of today.
UPDATE approval.item SET expires_at = now() + interval '1 hour' WHERE request_id = :request;
UPDATE approval.item SET expires_at = now() + interval '9 days' WHERE request_id = :referred;
SELECT is(pg_temp.act('t_engine', 'SELECT approval.renew_requests()'), '1', 'it is renewed');
SELECT is(pg_temp.shown((SELECT request_id FROM approval.request WHERE renews = :request)), 'file.touch {"atime":5,"name":"/run/y"}',
    'without what the old version fixed');

-- Made before 0.2.0: what was decided on were the parameters alone.
SELECT pg_temp.ask_for('file.touch', '{"atime": 7}') AS old \gset
SET LOCAL session_replication_role = replica;
UPDATE approval.item SET content = '{"atime":7}' WHERE request_id = :old;
UPDATE approval.item_set SET arguments_complete = false,
    digest = approval.item_set_digest('touch', NULL, '{web1}', '{action}', '{file.touch}', '{json}', ARRAY['{"atime":7}']) WHERE request_id = :old;
UPDATE approval.request SET source = 'pg', external_ref = 'SC-2' WHERE request_id = :old;
SET LOCAL session_replication_role = origin;
SELECT is(pg_temp.shown(:old), 'file.touch {"atime":7,"name":"/run/y"}', 'an older one is shown whole too');
SELECT is(pg_temp.ask_for('file.touch', '{"atime": 7}', 'SC-2'), :old::bigint, 'is still the request of its reference');
SELECT is(pg_temp.decide('t_bob', :old, digest => approval.show_request(:old) ->> 'digest'), 'approved', 'goes on to be approved');
SELECT is(pg_temp.sent(:old), pg_temp.shown(:old), 'and is sent as it is shown');
SELECT is((SELECT arguments_complete FROM approval.item_set WHERE request_id = :request), true, 'newer ones are marked');
SELECT is(approval.asked_content(i), '{"atime": 5}', 'what was asked for is known') FROM approval.item AS i WHERE request_id = :request;
SELECT * FROM finish();
ROLLBACK;
