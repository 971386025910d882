"""
No statement of what people, minions and masters call often reads a large table from end to end.

The database holds a history of 100,000 items. The planner chooses freely; auto_explain tells what it chose
for every statement inside the functions, once with the parameters in view and once without.
"""

import datetime
import hashlib
import json
import pathlib
import sys

import pytest
from psycopg.types.json import Jsonb

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "bench"))

from history import load
from plan_watch import PlanWatch

ITEMS = 100_000
MINIONS = 2_000
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
# Two catalogs of 20,000 packages each, and most minions in them.
CATALOGS = """
INSERT INTO approval.package_name (name, key) SELECT 'p' || n, 'p' || n FROM generate_series(1, 40000) AS n;
INSERT INTO approval.catalog
    (sources, system, release, is_complete, content, is_apart, collected_at, seen_at, agreed_at)
SELECT digest, 'Debian', '12', true, digest, false, now(), now(), now()
FROM (SELECT encode(sha256(n::text::bytea), 'hex') AS digest FROM generate_series(1, 2) AS n) AS d;
INSERT INTO approval.catalog_version (catalog_id, name_id, version, since)
SELECT c.catalog_id, n.name_id, '1', now()
FROM approval.catalog AS c, approval.package_name AS n WHERE n.name < 'p3';
INSERT INTO approval.catalog_member (minion_id, catalog_id, is_proven, seen_at)
SELECT m.minion_id, (SELECT min(catalog_id) FROM approval.catalog), true, now() FROM approval.minion AS m;
ANALYZE approval.package_name, approval.catalog, approval.catalog_version, approval.catalog_member;
"""


class Session:
    """A superuser's session whose plans are watched."""

    def __init__(self, connection):
        self.connection = connection
        self.watch = PlanWatch(connection)

    def call(self, function, *arguments):
        """The first value of the function, None if it gives no row."""
        places = ", ".join(["%s"] * len(arguments))
        row = self.connection.execute(f"SELECT approval.{function}({places})", arguments).fetchone()
        return row and row[0]


@pytest.fixture(scope="module")
def history(new_database):
    """A database with a history, and statistics about it. The tests of this file share it."""
    with new_database("plans") as database:
        with database.connect() as connection:
            connection.execute(POLICY, (Jsonb(PACKAGE),))
            load(connection, ITEMS, MINIONS)
        yield database


@pytest.fixture(params=["auto", "force_generic_plan"])
def session(request, history):
    """A Session. Everything that it did is forgotten."""
    with history.connect() as connection:
        connection.execute("SELECT set_config('plan_cache_mode', %s, false)", (request.param,))
        session = Session(connection)
        with connection.transaction(force_rollback=True):
            yield session
    # Tables that have grown by what is forgotten would have other plans.
    with history.connect() as connection:
        connection.execute("VACUUM approval.document, approval.document_history, approval.item, approval.request")


def submit(session, minions, version="2", package="p49"):
    count = len(minions)
    items = (minions, ["package"] * count, [package] * count, [version] * count)
    return session.call("submit_request", "salt", "alice", "package", "because", *items, None, "salt", None)


def decide(session, number, decision="approve"):
    return session.call("decide", "salt", "bob", number, decision, "", None)


def record(session, minion, revision, number):
    jid = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d%H%M%S%f")
    _, digest, *_ = session.call("expected_documents", [minion], [revision], [jid])
    finding = ["package", "p49", "converged", "observed", "2", "2", "evidence", "as seen"]
    return session.call(
        "record_returns", [jid], [minion], ["state.apply"], [0], [True], ["converged"], [True], [revision], [digest],
        [f"run {number}"], ["boot"], [json.dumps([finding])], [json.dumps([["package", "p49", "1"]])], [b"payload"],
        [str(number).encode()],
    )  # fmt: skip


def test_the_watch_sees_a_scan(session):
    session.connection.execute("SELECT count(content) FROM approval.item")
    assert [scan.partition(":")[0] for scan in session.watch.scans] == ["item"]


def test_submit_and_decide(session):
    # More often than the five times after which a session may settle for a plan without parameters.
    for _ in range(7):
        assert decide(session, submit(session, ["m1", "m2", "m3"])) == "approved"
        assert decide(session, submit(session, ["m4"]), "reject") == "rejected"
    assert session.watch.statements > 100
    assert session.watch.scans == []


def test_amend_cancel_and_revert(session):
    session.call("put_request_type", Jsonb({**PACKAGE, "name": "revert", "kind": "any"}))
    for _ in range(7):
        number = submit(session, ["m1", "m2"])
        session.call("amend_request", "salt", "alice", number, ["m1"], ["package"], ["p1"], ["2"], "")
        session.call("cancel_request", "salt", "alice", number, "")
        for version in ("2", "3"):
            number = submit(session, ["m1", "m2"], version)
            decide(session, number)
        number = session.call("revert_request", "salt", "alice", number, None, "")
        assert decide(session, number) == "approved"
    assert session.watch.scans == []


def test_record_returns(session):
    for number in range(7):
        decide(session, submit(session, ["m7"], version=f"{number}"))
        revision = session.call("show_state", "m7")["documents"][0]["revision"]
        assert record(session, "m7", revision, number)
        assert record(session, "m8", 20, number)
    assert session.watch.scans == []


def test_record_return(session):
    decide(session, submit(session, ["m9"], version="new"))
    revision = session.call("show_state", "m9")["documents"][0]["revision"]
    for number in range(7):
        jid = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d%H%M%S%f")
        _, digest, key, *_ = session.call("expected_documents", ["m9"], [revision], [jid])
        finding = ["package", "p49", "converged", "observed", "new", "new", "evidence", "as seen"]
        assert session.call(
            "record_return", jid, "m9", "state.apply", 0, True, "converged", True, revision, digest, f"run {number}",
            "boot", json.dumps([finding]), json.dumps([["package", "p49", "1"]]), b"payload", str(number).encode(),
            hashlib.sha256(bytes.fromhex(key.removeprefix("\\x"))).digest(),
        )[0] == "recorded"  # fmt: skip
    assert session.watch.scans == []


def test_expected_documents(session):
    for number in range(7):
        assert session.call("expected_documents", [f"m{number}"], [20], [None])
        assert session.call("expected_documents", [f"m{number}"], [None], ["20261122150000000000"])
    assert session.watch.statements >= 14
    assert session.watch.scans == []


def test_questions(session):
    number = submit(session, ["m1", "m2", "m3"])
    for minion in range(7):
        assert session.call("why", f"m{minion}", "package", "p1")["requests"]
        assert session.call("show_state", f"m{minion}")
        assert session.call("list_requests", "pending", None, None, None, None, 20)
        assert session.call("list_requests", None, None, None, None, None, 20)
        assert session.call("list_requests", None, None, None, "bob", None, 20)
        assert session.call("show_request", number)
        assert session.call("audit_trail", number)
        assert session.call("what_if", "package", "alice", 3)
        session.call("inbox", "salt", "bob", None, 20)
        session.call("inbox_of", "bob", None, None, 20)
        session.call("list_returns", f"m{minion}", None, None, None, None, 20)
        for start in (None, datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)):
            session.call("list_jobs", f"m{minion}", start, None, None, None, None, None, None, 20)
            session.call("list_jobs", None, start, None, "cmd.*", None, None, None, None, 20)
            session.call("list_jobs", None, start, None, None, None, number, None, None, 20)
    assert session.watch.scans == []


def read_of_items(session):
    """How many items were read so far in this transaction."""
    query = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'item'"
    return session.connection.execute(query).fetchone()[0]


def test_the_page_of_a_request_over_all_minions_reads_a_page(session):
    number = submit(session, [f"m{minion}" for minion in range(MINIONS)])
    before = read_of_items(session)
    for _ in range(7):
        shown = session.call("show_request", number, None, None, 50)
        assert len(shown["items"]) == 50
        assert (shown["standings"], shown["group_count"]) == ({"waiting": MINIONS}, 1)
    assert read_of_items(session) - before < MINIONS
    assert decide(session, number) == "approved"
    session.connection.execute(
        "UPDATE approval.item SET outcome = 'converged', applied_at = now() WHERE request_id = %s AND minion_id > 'm5'",
        (number,),
    )
    # To write the documents of all minions, all that there are are read.
    session.watch.scans.clear()
    before = read_of_items(session)
    for outcomes in (["failed", "drift", "drifted"], ["waiting"], ["converged"], None):
        place = None
        for _ in range(3):
            found = session.connection.execute(
                "SELECT (l.item).minion_id FROM approval.list_items(%s, 1, %s, %s, 20) AS l", (number, outcomes, place)
            ).fetchall()
            assert len(found) == (0 if outcomes and "failed" in outcomes else 20)
            place = [found[-1][0], "package", "p49"] if found else None
    # The ones that have it come behind some nine hundred that have not.
    assert read_of_items(session) - before < 2 * MINIONS
    assert session.call("show_request", number, None, None, 50)["waits_of"] == 500
    assert session.watch.scans == []


def test_what_the_keeper_does_again_and_again(session):
    for _ in range(7):
        session.call("expire_due")
        session.call("renew_requests")
        session.call("seal_audit")
    assert session.watch.scans == []


def test_a_freeze(session):
    moment = datetime.datetime.now(datetime.timezone.utc)
    for hours in range(1, 7):
        until = moment + datetime.timedelta(hours=hours)
        assert session.call("put_freeze", "christmas", moment, until, None, None, "no change")
    assert session.watch.scans == []


def test_a_catalog(session):
    session.connection.execute(CATALOGS)
    (catalog,) = session.connection.execute("SELECT min(catalog_id) FROM approval.catalog").fetchone()
    for number in range(7):
        assert submit(session, [f"m{number}"], "1", "p1234")
        assert session.call("search_packages", "p1", None, 20)
        assert session.call("search_packages", "1234", f"m{number}", 20)
        assert session.call("show_minion", f"m{number}")
        assert session.call("nearest_packages", catalog, "p123456", 3)
    assert session.watch.scans == []


def test_metrics(session):
    for number in range(7):
        assert session.call("metrics")
        decide(session, submit(session, [f"m{number}"]))
        assert session.call("count_standings")
        assert session.call("maintain_standings") == 1
        session.call("out_of_line", 50)
    # Not even of each minion what holds now: what is kept is summed up, and those that changed are looked at.
    assert session.watch.scans == []
