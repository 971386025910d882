"""
A large past for a database that has a policy but no requests yet, written at once instead of lived through.

Every table of the workflow gets the rows that so many requests would have left; nothing of it hangs together
beyond what queries look at (the audit's hashes are empty, say).
"""

# As a superuser who gets past the triggers that keep history as it was written.
STATEMENTS = """
SET session_replication_role = replica;
INSERT INTO approval.minion
SELECT 'm' || n, 20, now() FROM generate_series(0, %(minions)s - 1) AS n;
INSERT INTO approval.request
    (type_name, type_version, state, requester_id, assurance, reason, source, item_set_version,
     reviewed_version, submitted_at, expires_at, approved_at, closed_at)
SELECT 'package', 1, 'converged', 1, 'authenticated', '', 'pg', 1, 1, now(), now(), now(), now()
FROM generate_series(1, %(items)s / 10) AS n;
INSERT INTO approval.item_set
SELECT request_id, 1, 'sha256:' || repeat('0', 64), 10, now(), true, 10 FROM approval.request;
INSERT INTO approval.request_stage SELECT request_id, 1, 'owner', 'asserted', NULL, NULL, now(), now()
FROM approval.request;
INSERT INTO approval.request_quorum SELECT request_id, 1, 'owners', 1 FROM approval.request;
INSERT INTO approval.request_history
SELECT request_id, 1, 'pending', 'approved', now() FROM approval.request;
INSERT INTO approval.decision
    (request_id, item_set_version, stage_no, principal_id, counts_for, decision, provider, subject,
     login_role, assurance, comment, decided_at, decided_bytes)
SELECT request_id, 1, 1, 2, 2, 'approve', 'pg', 'bob', 'bob', 'authenticated', '', now(), ''
FROM approval.request;
INSERT INTO approval.item
    (minion_id, request_id, item_set_version, state, kind, name, type, content, digest, effective_at,
     approval_seq, outcome, applied_at)
SELECT 'm' || n %% %(minions)s, n / 10 + 1, 1,
    CASE WHEN n >= %(items)s - 5 * %(minions)s THEN 'approved' ELSE 'superseded' END,
    'package', 'p' || n / %(minions)s, 'version', '1', sha256(n::text::bytea),
    now() - make_interval(secs => %(items)s - n), n, 'converged', now()
FROM generate_series(0, %(items)s - 1) AS n;
INSERT INTO approval.document
    (minion_id, valid_from, revision, digest, evidence_key, kinds, names, types, contents, item_ids)
SELECT minion_id, '-infinity', 20, 'sha256:' || repeat('0', 64), sha256(minion_id::bytea), array_agg(kind),
    array_agg(name), array_agg(type), array_agg(content), array_agg(item_id)
FROM approval.item WHERE state = 'approved' GROUP BY minion_id;
INSERT INTO approval.document_history
SELECT minion_id, past, now(), now(), digest, evidence_key, kinds, names, types, contents, item_ids
FROM approval.document, generate_series(1, 20) AS past;
INSERT INTO approval.audit_stream SELECT request_id, 3, '', 3 FROM approval.request;
INSERT INTO approval.audit_entry
SELECT request_id, seq, now(), 'submitted', 'alice', 'pg:alice', 'alice', 'authenticated', '{}', '', ''
FROM approval.request, generate_series(1, 3) AS seq;
INSERT INTO approval.job
SELECT to_char(now() - make_interval(mins => n), 'YYYYMMDDHH24MISSUS'), 'state.apply', '*', 'glob', 'root',
    ARRAY['m' || n], '', false, now()
FROM generate_series(1, least(%(items)s / 5, 200000)) AS n;
INSERT INTO approval.job_return
SELECT jid, minions[1], 1, fun, 0, true, 'converged', true, '{}', 20, jid, 'boot', now(), jid::bytea, '',
    '[["package", "p1", "converged", "observed", "1", "1", "evidence", ""]]'
FROM approval.job;
INSERT INTO approval.seen_run (minion_id, run_id, jid)
SELECT minion_id, run_id, jid FROM approval.job_return;
INSERT INTO approval.minion_number (minion_id)
SELECT minion_id FROM approval.minion;
INSERT INTO approval.job_log
    (jid, published_at, fun, job_user, tgt, tgt_type, command, is_test, is_claim, minion_count, minions)
SELECT j.jid, j.published_at - make_interval(mins => n::integer), 'state.apply', 'root', '*', 'glob', 'x', false,
    false, 1, ARRAY[m.minion_number]
FROM (SELECT *, row_number() OVER () AS n FROM approval.job) AS j
JOIN approval.minion_number AS m ON m.minion_id = j.minions[1];
SET session_replication_role = origin;
"""
# Past the triggers nobody noted how minions stand.
STANDINGS = "INSERT INTO approval.standing_change (minions) SELECT array_agg(m.minion_id) FROM approval.minion AS m"


# Made anew behind all rows, indexes take a fraction of the time; those of constraints stay.
INDEXES = """
SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index AS i
WHERE i.indrelid = ANY ('{approval.item,approval.document,approval.document_history,approval.audit_entry}'::regclass[])
    AND NOT EXISTS (SELECT FROM pg_constraint AS c WHERE c.conindid = i.indexrelid)
"""


def load(connection, items, minions):
    """
    Write a past of so many items over so many minions, named m0, m1, ..., as the superuser in autocommit, and analyze
    it. All of it is INSERT ... SELECT, past triggers, with the indexes of the largest tables made at the end.

    Ten items make a request of type `package`, version 1, asked for by the first principal and approved by
    the second. The last five items of each minion are in force, whatever the length of the past.
    """
    indexes = connection.execute(INDEXES).fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    for statement in STATEMENTS.strip().split(";\n"):
        connection.execute(statement, {"items": items, "minions": minions} if "%" in statement else None)
    connection.execute("SET maintenance_work_mem = '512MB'")
    for _, definition in indexes:
        connection.execute(definition)
    connection.execute("RESET maintenance_work_mem")
    keep_standings(connection)
    # With what an index alone can answer, as after a night.
    connection.execute("VACUUM ANALYZE")


def keep_standings(connection):
    """Have kept how all minions stand, as the engine does, after what was written past triggers."""
    connection.execute(STANDINGS)
    while connection.execute("SELECT approval.maintain_standings()").fetchone()[0]:
        pass
