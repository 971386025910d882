BEGIN;
\ir support/fixture.sql
SELECT plan(16);

SELECT pg_temp.ask('t_alice', 'package', '{web1}', 'hello', '1') AS request \gset
SELECT pg_temp.decide('t_bob', :request), pg_temp.decide('t_dave', :request) \g /dev/null
SELECT is((SELECT array_agg(act ORDER BY seq) FROM approval.audit_trail(:request)), '{submitted,approve,approve,approved}', 'every act is there');
SELECT is((SELECT actor || ' ' || assurance FROM approval.audit_trail(:request) WHERE seq = 2), 'bob (pg:t_bob) authenticated', 'with who it was');
SELECT is_empty('SELECT * FROM approval.verify_audit()', 'intact before a seal');
SELECT cmp_ok(approval.seal_audit(), '>=', 2::bigint, 'the heads are sealed');
SELECT is(approval.seal_audit(), 0::bigint, 'nothing moved since');
SELECT pg_temp.ask('t_alice', 'package', '{web1}', 'sl', '1') \g /dev/null
SELECT is(approval.seal_audit(), 1::bigint, 'only what moved is sealed again');
SELECT is_empty('SELECT * FROM approval.verify_audit()', 'intact after two');

SELECT throws_ok(statement, 'AP002', NULL, statement || ': refused even to the owner')
FROM unnest(ARRAY['UPDATE approval.audit_entry SET act = ''x''', 'DELETE FROM approval.audit_entry', 'TRUNCATE approval.audit_entry',
                  'UPDATE approval.decision SET comment = ''x''']) AS statement;

-- A superuser who gets past the triggers is found out.
SET LOCAL session_replication_role = replica;
SAVEPOINT intact;
UPDATE approval.audit_entry SET detail = replace(detail, 'because', 'no reason') WHERE stream = :request AND seq = 1;
SELECT results_eq('SELECT stream, seq FROM approval.verify_audit()', format('VALUES (%s::bigint, 1::bigint)', :request), 'an altered entry is named');
ROLLBACK TO intact;
DELETE FROM approval.audit_entry WHERE stream = :request AND seq = 2;
SELECT results_eq('SELECT stream, seq, problem FROM approval.verify_audit()',
    format('VALUES (%s::bigint, 3::bigint, ''entries are missing: 1 is followed by 3'')', :request), 'a missing entry is named');
ROLLBACK TO intact;
DELETE FROM approval.audit_entry WHERE stream = :request AND seq = 4;
SELECT is((SELECT count(*) FROM approval.verify_audit() WHERE stream = :request AND seq = 4), 2::bigint, 'a tail cut off: neither head nor seal fits');
ROLLBACK TO intact;
UPDATE approval.audit_entry AS e SET at = at - interval '1 day',
    hash = approval.audit_hash(stream, seq, at - interval '1 day', act, principal, identity, login_role, assurance, detail, previous_hash)
WHERE stream = :request AND seq = 2;
SELECT results_eq('SELECT seq, problem FROM approval.verify_audit()',
    'VALUES (3::bigint, ''the entry does not continue the one before it'')', 'an entry forged with its hash breaks the next');
ROLLBACK TO intact;
UPDATE approval.audit_seal SET sealed_at = sealed_at - interval '1 day' WHERE seal_no = 1;
SELECT results_eq('SELECT stream, seq FROM approval.verify_audit()', 'VALUES (NULL::bigint, 1::bigint)', 'an altered seal is named');
SELECT * FROM finish();
ROLLBACK;
