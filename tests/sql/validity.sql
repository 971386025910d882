-- Approvals with an end, and reviews afterwards.
BEGIN;
\ir support/fixture.sql
SELECT plan(39);

SELECT approval.put_request_type('{"name": "quarter", "kind": "package", "requesters": ["*"], "valid_for": "90 days", "chain": [
    {"name": "owner", "any_of": [{"group": "owners"}]}]}') \g /dev/null
SELECT pg_temp.ask('t_alice', 'quarter', '{web1}', 'hello', '1') AS request \gset
SELECT pg_temp.decide('t_bob', :request) \g /dev/null
SELECT results_eq($$SELECT valid_from > now() + interval '89 days', contents FROM approval.document WHERE minion_id = 'web1' ORDER BY valid_from$$,
    $$VALUES (false, '{1}'::text[]), (true, '{}')$$, 'it leaves the documents by itself at its end');
SELECT is(approval.next_due(), (SELECT expires_at FROM approval.item WHERE request_id = :request), 'which is the next thing to do');
SELECT is(approval.renew_requests(now()), 0, 'nothing to renew for now');
SELECT is(approval.renew_requests(now() + interval '80 days'), 0, 'nor because the engine says that it is later');
UPDATE approval.item SET effective_at = effective_at - interval '70 days', expires_at = expires_at - interval '70 days' WHERE request_id = :request;
SELECT is(approval.renew_requests(now()), 0, 'nor three weeks before');
UPDATE approval.item SET effective_at = effective_at - interval '10 days', expires_at = expires_at - interval '10 days' WHERE request_id = :request;
SELECT is(approval.renew_requests(now()), 1, 'but ten days before');
SELECT is(approval.renew_requests(now()), 0, 'once');
SELECT request_id AS renewal FROM approval.request WHERE renews = :request \gset
SELECT is(pg_temp.state_of(:renewal), 'pending', 'it is approved anew, or not');
SELECT throws_ok(format('SELECT pg_temp.decide(''t_alice'', %s)', :renewal), 'AP007', NULL, 'not by who asked first');
SELECT is(pg_temp.decide('t_bob', :renewal), 'approved', 'by an approver');
UPDATE approval.item SET effective_at = effective_at - interval '20 days', expires_at = expires_at - interval '20 days' WHERE request_id = :request AND state = 'approved';
SELECT is(approval.expire_due(now()), (SELECT count(*) > 0 FROM approval.item WHERE request_id = :request AND expires_at < now() AND state = 'expired')::integer,
    'what ran out is put away, where it still stood');
SELECT is((SELECT contents FROM approval.exported_document
           WHERE minion_id = 'web1' AND valid_from <= now() ORDER BY valid_from DESC LIMIT 1), '{1}', 'the renewed approval holds');

-- One that cannot be renewed.
SELECT approval.put_minion_group('lab', '', '{web2}') \g /dev/null
SELECT approval.put_request_type('{"name": "brief", "kind": "package", "requesters": ["*"], "targets": ["lab"], "valid_for": "8 days", "chain": [
    {"name": "owner", "any_of": [{"group": "owners"}]}]}') \g /dev/null
SELECT pg_temp.ask('t_alice', 'brief', '{web2}', 'sl', '1') AS brief \gset
SELECT pg_temp.decide('t_bob', :brief) \g /dev/null
SELECT approval.put_minion_group('lab', '', '{}') \g /dev/null
SELECT pg_temp.ask('t_carol', 'quarter', '{web1}', 'zsh', '1') AS left_behind \gset
SELECT pg_temp.decide('t_bob', :left_behind) \g /dev/null
SELECT approval.disable_principal('carol') \g /dev/null
UPDATE approval.item SET effective_at = effective_at - interval '1 day', expires_at = now() + interval '1 day' WHERE request_id IN (:brief, :left_behind);
SELECT is(approval.renew_requests(now()), 0, 'a renewal that is refused');
SELECT is((SELECT act FROM approval.audit_trail(:brief) ORDER BY seq DESC LIMIT 1), 'renewal-refused', 'is in the trail');
SELECT is((SELECT detail::json ->> 'because' FROM approval.audit_entry WHERE stream = :left_behind AND act = 'renewal-refused'), 'carol was disabled',
    'nobody asks in the name of who was disabled');
SELECT approval.put_principal('carol', 'person') \g /dev/null

-- One that fails in a way that nobody thought of, and a key that a version before let anybody take.
SELECT pg_temp.ask('t_alice', 'quarter', '{web2}', 'nano', '1') AS odd, pg_temp.ask('t_alice', 'quarter', '{web2}', 'tar', '1') AS taken \gset
SELECT pg_temp.decide('t_bob', :odd), pg_temp.decide('t_bob', :taken) \g /dev/null
UPDATE approval.item SET effective_at = effective_at - interval '1 day', expires_at = now() + interval '1 day' WHERE request_id IN (:odd, :taken);
UPDATE approval.request SET source = 'renewal', external_ref = :taken WHERE request_id = :left_behind;
CREATE FUNCTION pg_temp.stumble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN 1 / 0; END $$;
CREATE TRIGGER stumble AFTER INSERT ON approval.item FOR EACH ROW WHEN (NEW.name = 'nano') EXECUTE FUNCTION pg_temp.stumble();
SELECT is(approval.renew_requests(now()), 2, 'keeps no other from being renewed');
SELECT is((SELECT array_agg(renews ORDER BY renews) FROM approval.request WHERE source = 'renewal' AND renews IN (:odd, :taken, :left_behind)),
    ARRAY[:left_behind, :taken]::bigint[], 'nor does the key');
SELECT is((SELECT detail::json ->> 'because' FROM approval.audit_entry WHERE stream = :odd AND act = 'renewal-refused'), 'division by zero', 'and is noted');
DROP TRIGGER stumble ON approval.item;
SELECT is(approval.renew_requests(now()), 1, 'it is renewed when it can be');

-- One of which a part can be asked for no more: as a value of an earlier release, a minion that left the targets, names of one thing.
SELECT approval.put_minion_group('lab', '', '{web1,web2}') \g /dev/null
SELECT pg_temp.ask('t_alice', 'brief', '{web1,web2}', 'vim', '1') AS mixed, pg_temp.ask('t_alice', 'quarter', '{web1}', 'ed', '1') AS refused,
    pg_temp.ask('t_alice', 'quarter', '{web2}', 'twin', '1') AS twins \gset
SELECT pg_temp.decide('t_bob', :mixed), pg_temp.decide('t_bob', :refused), pg_temp.decide('t_bob', :twins) \g /dev/null
INSERT INTO approval.item (minion_id, request_id, item_set_version, state, kind, name, type, content, digest, effective_at, approval_seq, expires_at)
SELECT minion_id, request_id, item_set_version, state, kind, o.name, type, o.content, digest, effective_at, approval_seq, expires_at
FROM approval.item, (VALUES ('web1', 'nl', 'installed'), ('web2', 'Twin:amd64', '2')) AS o (minion, name, content)
WHERE (request_id = :mixed AND minion_id = 'web1' AND o.minion = 'web1') OR (request_id = :twins AND o.minion = 'web2');
UPDATE approval.item SET content = 'installed' WHERE request_id = :refused;
UPDATE approval.item SET effective_at = effective_at - interval '1 day', expires_at = now() + interval '1 day' WHERE request_id IN (:mixed, :refused, :twins);
SELECT pg_temp.ask('t_alice', 'quarter', '{web2}', 'awk', '1') \g /dev/null
SELECT approval.put_minion_group('lab', '', '{web1}') \g /dev/null
SELECT is(approval.renew_requests(now()), 1, 'the rest is renewed');
SELECT request_id AS rest FROM approval.request WHERE renews = :mixed \gset
SELECT results_eq(format('SELECT minion_id, name, content FROM approval.item WHERE request_id = %s', :rest), $$VALUES ('web1', 'vim', '1')$$, 'what can be asked for');
SELECT results_eq(format('SELECT minion_id, name, reason FROM approval.request_left_out WHERE request_id = %s ORDER BY 1', :rest),
    $$VALUES ('web1', 'nl', '''installed'' is not a version of package nl'), ('web2', 'vim', 'requests of type brief may not name minion ''web2''')$$,
    'without what cannot, by name');
SELECT is(approval.show_request(:rest) -> 'left_out' -> 0 ->> 'name', 'nl', 'whoever approves sees it');
SELECT is((SELECT detail::jsonb -> 'left_out' -> 1 ->> 'minion' FROM approval.audit_entry WHERE stream = :mixed AND act = 'renewal-refused'), 'web2', 'so does an auditor');
SELECT is(approval.show_request(:mixed) ->> 'not_renewed',
    'package vim on web2: requests of type brief may not name minion ''web2''; package nl on web1: ''installed'' is not a version of package nl',
    'and whoever looks at the request that ends');
SELECT is(approval.show_request(:refused) ->> 'not_renewed', 'nothing of it can be asked for any more: package ed on web1: ''installed'' is not a version of package ed',
    'where nothing is left, it says so');
SELECT matches(approval.show_request(:twins) ->> 'not_renewed', '^nothing of it .*package Twin:amd64 on web2: the request wants two things of what may be one', 'two names of one thing');
SELECT is(approval.show_request(:odd) ->> 'not_renewed', NULL, 'a renewal that was refused and came later is told no more');

-- Emergency: a short chain, and a review afterwards.
SELECT approval.put_request_type('{"name": "emergency", "kind": "package", "requesters": ["*"], "review_group": "board", "chain": [
    {"name": "owner", "any_of": [{"group": "owners"}]}]}') \g /dev/null
SELECT pg_temp.ask('t_alice', 'emergency', '{web2}', 'hello', '1') AS request \gset
CREATE FUNCTION pg_temp.review(login text, number bigint) RETURNS text LANGUAGE sql AS $$
SELECT pg_temp.act(login, format('SELECT approval.review_request(''pg'', %L, %s, ''fine'')', login, number))
$$;
SELECT throws_ok(format('SELECT pg_temp.review(''t_dave'', %s)', :request), 'AP006', NULL, 'a review comes after the approval');
SELECT pg_temp.decide('t_carol', :request) \g /dev/null
SELECT approval.put_request_type('{"name": "checked", "kind": "package", "requesters": ["*"], "review_group": "board", "chain": [
    {"name": "owner", "min_assurance": "authenticated", "any_of": [{"group": "owners"}]}]}') \g /dev/null
SELECT is((SELECT count(*) FROM approval.check_policy() WHERE problem LIKE 'it awaits its review%'), 1::bigint, 'a review that is due is shown');
SELECT pg_temp.ask('t_alice', 'checked', '{web2}', 'sl', '2') AS checked \gset
SELECT pg_temp.decide('t_carol', :checked) \g /dev/null
SELECT throws_ok(format('SELECT pg_temp.review(''t_carol'', %s)', :request), 'AP007', NULL, 'who approved does not review');
SELECT throws_ok(format('SELECT pg_temp.review(''t_bob'', %s)', :request), 'AP008', NULL, 'nor who is not in the group');
SELECT throws_ok(format('SELECT pg_temp.act(''t_runner'', ''SELECT approval.review_request(''''salt'''', ''''dave'''', %s, '''''''')'')', :checked),
    'AP009', NULL, 'a review needs as sure an identity as the approvals did');
GRANT approval_break_glass TO t_dave;
SELECT pg_temp.act('t_dave', format('SELECT approval.break_glass(''pg'', ''t_dave'', %s, ''it burns'')', :checked)) \g /dev/null
SELECT throws_ok(format('SELECT pg_temp.review(''t_dave'', %s)', :checked), 'AP007', NULL, 'nor does who broke its glass');
SELECT lives_ok(format('SELECT pg_temp.review(''t_dave'', %s)', :request), 'another of the group does');
SELECT throws_ok(format('SELECT pg_temp.review(''t_dave'', %s)', :request), 'AP010', NULL, 'once');
SELECT is((SELECT count(*) FROM approval.check_policy() WHERE problem LIKE 'it awaits its review%' AND subject = 'request ' || :request), 0::bigint, 'then it is settled');
SELECT throws_ok(format('SELECT pg_temp.review(''t_dave'', %s)', :renewal), 'AP006', NULL, 'a type without a review group has none');
SELECT is((SELECT act FROM approval.audit_trail(:request) ORDER BY seq DESC LIMIT 1), 'reviewed', 'it is in the trail');
SELECT * FROM finish();
ROLLBACK;
