"""
No statement of what people, minions and masters call often reads a large table from end to end.

The database holds a history of 100,000 items. The planner chooses freely; auto_explain tells what it chose
for every statement inside the functions, once with the parameters in view and once without.
"""

import datetime
import json
import re

import pytest
from psycopg.types.json import Jsonb

ITEMS = 100_000
LARGE = re.compile(
    "(item|item_set|request|request_stage|request_quorum|request_history|decision|document|document_history"
    "|audit_stream|audit_entry|(job|job_return|job_finding)(_default)?)"
)
# As a superuser who gets past the triggers that keep history as it was written.
HISTORY = """
SET session_replication_role = replica;
INSERT INTO approval.minion SELECT 'm' || n, 20, now() FROM generate_series(0, %(items)s / 50 - 1) AS n;
INSERT INTO approval.request
    (type_name, type_version, state, requester_id, assurance, reason, source, item_set_version, reviewed_version,
     submitted_at, expires_at, approved_at, closed_at)
SELECT 'package', 1, 'converged', 1, 'authenticated', '', 'pg', 1, 1, now(), now(), now(), now()
FROM generate_series(1, %(items)s / 10) AS n;
INSERT INTO approval.item_set SELECT request_id, 1, 'sha256:' || repeat('0', 64), 10, now() FROM approval.request;
INSERT INTO approval.request_stage SELECT request_id, 1, 'owner', 'asserted', NULL, NULL, now(), now()
FROM approval.request;
INSERT INTO approval.request_quorum SELECT request_id, 1, 'owners', 1 FROM approval.request;
INSERT INTO approval.request_history SELECT request_id, 1, 'pending', 'approved', now() FROM approval.request;
INSERT INTO approval.decision
    (request_id, item_set_version, stage_no, principal_id, counts_for, decision, provider, subject, login_role,
     assurance, comment, decided_at, decided_bytes)
SELECT request_id, 1, 1, 2, 2, 'approve', 'pg', 'bob', 'bob', 'authenticated', '', now(), '' FROM approval.request;
INSERT INTO approval.item
    (minion_id, request_id, item_set_version, state, kind, name, type, content, digest, effective_at, approval_seq,
     outcome, applied_at)
SELECT 'm' || n %% (%(items)s / 50), n / 10 + 1, 1, CASE WHEN n %% 10 = 0 THEN 'approved' ELSE 'superseded' END,
    'package', 'p' || n / (%(items)s / 50), 'version', '1', sha256(n::text::bytea),
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
FROM generate_series(1, %(items)s / 5) AS n;
INSERT INTO approval.job_return
SELECT jid, minions[1], 1, fun, 0, true, 'converged', true, '{}', 20, jid, 'boot', now(), jid::bytea, ''
FROM approval.job;
INSERT INTO approval.job_finding
SELECT jid, minions[1], 1, 'package', 'p1', 'converged', 'observed', '1', '1', 'evidence', '' FROM approval.job;
SET session_replication_role = origin;
"""
POLICY = """
SELECT approval.put_principal('alice', 'person'), approval.put_identity('salt', 'alice', 'alice'),
    approval.put_principal('bob', 'person'), approval.put_identity('salt', 'bob', 'bob'),
    approval.put_group('owners', ''), approval.put_membership('owners', 'bob'),
    approval.put_request_type(%s)
"""
PACKAGE = {
    "name": "package",
    "kind": "package",
    "requesters": ["*"],
    "chain": [{"name": "owner", "any_of": [{"group": "owners"}]}],
}


class Watched:
    """A superuser's session that notes each plan with a sequential scan of a large table."""

    def __init__(self, connection):
        self.scans = []
        self.statements = 0
        self._connection = connection
        connection.add_notice_handler(self._note)
        connection.execute("LOAD 'auto_explain'")
        for setting, value in {
            "auto_explain.log_min_duration": "0",
            "auto_explain.log_nested_statements": "on",
            "auto_explain.log_format": "json",
            "client_min_messages": "log",
        }.items():
            connection.execute("SELECT set_config(%s, %s, false)", (setting, value))

    def call(self, function, *arguments):
        """The one value of the function."""
        places = ", ".join(["%s"] * len(arguments))
        return self._connection.execute(f"SELECT approval.{function}({places})", arguments).fetchone()[0]

    def _note(self, notice):
        _, found, plan = notice.message_primary.partition("plan:\n")
        if found:
            explained = json.loads(plan)
            self.statements += 1
            self.scans += [
                f"{table}: {explained['Query Text']}"
                for table in _scanned(explained["Plan"])
                if LARGE.fullmatch(table)
            ]


def _scanned(node):
    """The tables that the plan below this node reads from end to end."""
    if node["Node Type"] == "Seq Scan":
        yield node["Relation Name"]
    for child in node.get("Plans", ()):
        yield from _scanned(child)


@pytest.fixture(scope="module")
def history(new_database):
    """A database with a history, and statistics about it. The tests of this file share it."""
    with new_database("plans") as database:
        with database.connect() as connection:
            connection.execute(POLICY, (Jsonb(PACKAGE),))
            for statement in HISTORY.split(";\n"):
                connection.execute(statement, {"items": ITEMS} if "%" in statement else None)
            connection.execute("ANALYZE")
        yield database


@pytest.fixture(params=["auto", "force_generic_plan"])
def session(request, history):
    """A Watched session. Everything that it did is forgotten."""
    with history.connect() as connection:
        connection.execute("SELECT set_config('plan_cache_mode', %s, false)", (request.param,))
        watched = Watched(connection)
        with connection.transaction(force_rollback=True):
            yield watched


def submit(session, minions, version="2", package="p49"):
    count = len(minions)
    items = (minions, ["package"] * count, [package] * count, [version] * count)
    return session.call("submit_request", "salt", "alice", "package", "because", *items, None, "salt", None)


def decide(session, number, decision="approve"):
    return session.call("decide", "salt", "bob", number, decision, "", None)


def record(session, minion, revision, number):
    jid = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d%H%M%S%f")
    return session.call(
        "record_return", jid, minion, "state.apply", 0, True, "converged", True, revision, f"run {number}", "boot",
        ["package"], ["p49"], ["converged"], ["observed"], ["2"], ["2"], ["evidence"], ["as seen"],
        ["package"], ["p49"], ["1"], b"payload", str(number).encode(),
    )  # fmt: skip


def test_the_watch_sees_a_scan(session):
    session._connection.execute("SELECT count(content) FROM approval.item")
    assert [scan.partition(":")[0] for scan in session.scans] == ["item"]


def test_submit_and_decide(session):
    # More often than the five times after which a session may settle for a plan without parameters.
    for _ in range(7):
        assert decide(session, submit(session, ["m1", "m2", "m3"])) == "approved"
        assert decide(session, submit(session, ["m4"]), "reject") == "rejected"
    assert session.statements > 100
    assert session.scans == []


def test_amend_cancel_and_revert(session):
    for _ in range(7):
        number = submit(session, ["m1", "m2"])
        session.call("amend_request", "salt", "alice", number, ["m1"], ["package"], ["p1"], ["2"], "")
        session.call("cancel_request", "salt", "alice", number, "")
        number = submit(session, ["m1", "m2"])
        decide(session, number)
        session.call("put_request_type", Jsonb({**PACKAGE, "name": "revert", "kind": "any"}))
        session.call("revert_request", "salt", "alice", number, None, "")
    assert session.scans == []


def test_record_return(session):
    for number in range(7):
        decide(session, submit(session, ["m7"], version=f"{number}"))
        revision = session.call("show_state", "m7")["documents"][0]["revision"]
        assert record(session, "m7", revision, number)
        assert record(session, "m8", 20, number)
    assert session.scans == []


def test_export_and_expected_document(session):
    for number in range(7):
        assert session.call("export_document", f"m{number}")
        assert session.call("expected_document", f"m{number}", 20, None)
        assert session.call("expected_document", f"m{number}", None, "20261122150000000000")
    assert session.statements >= 14
    assert session.scans == []


def test_questions(session):
    number = submit(session, ["m1", "m2", "m3"])
    for minion in range(7):
        assert session.call("why", f"m{minion}", "package", "p1")["requests"]
        assert session.call("show_state", f"m{minion}")
        assert session.call("list_requests", "pending", None, 20)
        assert session.call("list_requests", None, None, 20)
        assert session.call("show_request", number)
        assert session.call("audit_trail", number)
        assert session.call("what_if", "package", "alice", 3)
    assert session.scans == []


def test_what_the_keeper_does_again_and_again(session):
    for _ in range(7):
        session.call("expire_due")
        session.call("renew_requests")
        session.call("seal_audit")
    assert session.scans == []
