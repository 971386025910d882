-- What minions returned, and what was put aside.
BEGIN;
\ir support/fixture.sql
SELECT plan(23);

INSERT INTO approval.job_return (jid, minion_id, attempt, fun, verdict, authenticated, flags, received_at, payload_digest, payload, findings)
SELECT jid, minion, 1, 'state.apply', verdict, false, flags::text[], now() - age::interval, '\x00', '\x00', findings::json
FROM (VALUES ('20251201000000000001', 'web1', 'failed', '{}', '2 days', '[["package", "hello", "failed", "r", "1", "0", "evidence", "not found"], ["package", "sl", "converged", "r", "1", "1", "evidence", ""]]'),
             ('20251201000000000002', 'web1', 'unproven', '{replayed,stale}', '1 day', '[]'),
             ('20251201000000000002', 'web2', 'unproven', '{claim}', '1 hour', '[]')) AS t (jid, minion, verdict, flags, age, findings) \g /dev/null
CREATE FUNCTION pg_temp.returns(minion text DEFAULT NULL, verdict text DEFAULT NULL, flagged boolean DEFAULT NULL, since interval DEFAULT NULL,
                                before text[] DEFAULT NULL, most integer DEFAULT 100) RETURNS text LANGUAGE sql AS $$
SELECT string_agg(right(r.jid, 1) || r.minion, ',' ORDER BY r.place)
FROM (SELECT *, row_number() OVER () AS place FROM approval.list_returns(minion, verdict, flagged, now() - since, before, most)) AS r
WHERE r.jid LIKE '202512%'
$$;
SELECT is(pg_temp.returns(), '2web2,2web1,1web1', 'newest job first');
SELECT is(pg_temp.returns('web1'), '2web1,1web1', 'of a minion');
SELECT is(pg_temp.returns(verdict => 'failed'), '1web1', 'with a verdict');
SELECT is(pg_temp.returns(flagged => true), '2web2,2web1', 'flagged');
SELECT is(pg_temp.returns(flagged => false), '1web1', 'or not');
SELECT is(pg_temp.returns(since => '30 hours'), '2web2,2web1', 'received since');
SELECT is(pg_temp.returns(before => '{20251201000000000002,web2,1}'), '2web1,1web1', 'from behind a return on');
SELECT is(pg_temp.returns(before => '{20251201000000000002,web1,1}', most => 1), '1web1', 'in pages');
SELECT is((SELECT flags FROM approval.list_returns('web1', NULL, true, NULL, NULL, 1)), '{replayed,stale}', 'with its flags');
SELECT is((SELECT findings FROM approval.list_returns('web1', 'failed', NULL, NULL, '{20251201000000000002,web1,1}', 1)),
    '[{"kind": "package", "name": "hello", "text": "not found", "reason": "r", "verdict": "failed", "expected": "1", "observed": "0"}]',
    'and the findings that are not converged');
SELECT throws_ok($$SELECT approval.list_returns('web%', NULL, NULL, NULL, NULL, 1)$$, 'AP004', NULL, 'an unknown minion');
SELECT throws_ok($$SELECT approval.list_returns(NULL, 'faild', NULL, NULL, NULL, 1)$$, 'AP005', NULL, 'an unknown verdict');
SELECT throws_ok($$SELECT approval.list_returns(NULL, NULL, NULL, NULL, '{x}', 1)$$, 'AP005', NULL, 'a place that is none');
SELECT throws_ok($$SELECT approval.list_returns(NULL, NULL, NULL, NULL, '{x,y,z}', 1)$$, 'AP005', NULL, 'nor that');

-- The rest of a job cache is about other things.
INSERT INTO approval.job_return (jid, minion_id, attempt, fun, verdict, authenticated, flags, received_at, payload_digest, payload, findings)
SELECT jid, 'web1', 1, fun, verdict, false, flags::text[], now(), '\x00', '\x00', '[["package", "hello", "not-applied", "not-mentioned", "1", null, "none", ""]]'
FROM (VALUES ('20251203000000000001', 'test.ping', 'invalid', '{}'), ('20251203000000000002', 'state.apply', 'invalid', '{}'),
             ('20251203000000000003', 'pkg.list_upgrades', 'invalid', '{}'), ('20251203000000000004', 'test.ping', 'invalid', '{unknown-job}'),
             ('20251203000000000005', 'chocolatey.install', 'not-applied', '{}'), ('20251203000000000006', 'test.ping', 'invalid', '{}'))
    AS t (jid, fun, verdict, flags) \g /dev/null
SELECT pg_temp.ask('t_alice', 'standard', '{web1}', 'sent', '1') AS sent \gset
INSERT INTO approval.dispatch (request_id, minion_id, item_id, proof, proof_within, state, state_at, jid, sent_at)
SELECT request_id, minion_id, item_id, 'return', '1 hour', 'sent', now(), '20251203000000000006', now() FROM approval.item
WHERE request_id = :sent \g /dev/null
CREATE FUNCTION pg_temp.listed(verdict text DEFAULT NULL, flagged boolean DEFAULT NULL, every boolean DEFAULT false) RETURNS text LANGUAGE sql AS $$
SELECT string_agg(right(r.jid, 1), '' ORDER BY r.jid) FROM approval.list_returns('web1', verdict, flagged, NULL, NULL, 100, every) AS r WHERE r.jid > '20251203'
$$;
SELECT is(pg_temp.listed(), '23456', 'of what proves nothing only what is of functions for packages, services and states, odd, or of a request');
SELECT is(pg_temp.listed(every => true), '123456', 'or all');
SELECT is(pg_temp.listed('invalid'), '12346', 'all that have this verdict');
SELECT is(pg_temp.listed(flagged => true), '4', 'what is odd');
SELECT is(pg_temp.listed(flagged => false), '2356', 'and the rest of it');
INSERT INTO approval.quarantine (minion_id, jid, fun, reason, received_at, payload)
VALUES ('web1', 'x', 'f', 'not a job', now() - interval '2 days', '\x0000'), ('stranger', 'y', 'f', 'too many', now(), '\x00');
SELECT is((SELECT string_agg(minion || ' ' || reason || ' ' || size_bytes, ', ') FROM approval.list_quarantine(NULL, NULL, NULL, 10)),
    'stranger too many 1, web1 not a job 2', 'what was put aside, newest first');
SELECT is((SELECT string_agg(minion, ',') FROM approval.list_quarantine('web1', NULL, NULL, 10)), 'web1', 'of a minion');
SELECT is((SELECT string_agg(minion, ',') FROM approval.list_quarantine(NULL, now() - interval '1 day', NULL, 10)), 'stranger', 'since a time');
SELECT throws_ok($$SELECT pg_temp.act('t_bob', 'SELECT * FROM approval.list_returns(NULL, NULL, NULL, NULL, NULL, 1)')$$, '42501', NULL, 'not for everybody');
SELECT * FROM finish();
ROLLBACK;
