"""
Submitting and approving over many minions, with a short and with a long past.

One database with a short and one with a long past, ten times as long, on a private server with default settings
but for fsync. In each a person submits a request for one package on n minions and another approves it, both by
their own login; every run changes the document of each of these minions, which holds five packages more.
"""

import statistics
import sys
import time

import psycopg
from approval_database import NAME, ApprovalDatabase
from history import load
from plan_watch import PlanWatch
from psycopg.types.json import Jsonb
from report import Row

RUNS = {1_000: 7, 10_000: 3, 100_000: 3}  # minions: requests over them
RUNS_QUICK = {100: 3, 1_000: 3}
LIMIT_S = {
    "submit": {100: 1.0, 1_000: 1.0, 10_000: 1.0, 100_000: 5.0},
    "approve": {100: 1.0, 1_000: 1.0, 10_000: 2.0, 100_000: 12.0},
}
SHORT_PAST, LONG_PAST = 10, 100  # items per minion
FLAT = 1.5
WATCHED_CALLS = 7  # after five a session may settle for plans without parameters

PACKAGE = {
    "name": "package",
    "kind": "package",
    "requesters": ["*"],
    "chain": [{"name": "owner", "min_assurance": "asserted", "any_of": [{"group": "owners"}]}],
}
POLICY = """
SELECT approval.put_principal('alice', 'person'), approval.put_principal('bob', 'person'),
    approval.put_identity('pg', 'alice', 'alice'), approval.put_identity('pg', 'bob', 'bob'),
    approval.put_identity('salt', 'alice', 'alice'), approval.put_identity('salt', 'bob', 'bob'),
    approval.put_group('owners', ''), approval.put_membership('owners', 'bob'), approval.put_request_type(%s)
"""
SUBMIT = """
SELECT approval.submit_request(%s, 'alice', 'package', 'measured', %s, %s, %s, %s, NULL, %s, NULL)
"""
DECIDE = "SELECT approval.decide(%s, 'bob', %s, 'approve', '', NULL)"


def measure(directory, quick):
    """
    The rows submit_request and approve_request, each against its limit and against the short past, and
    rules_plans: how many sequential scans of large tables the functions' plans have.
    """
    sizes = RUNS_QUICK if quick else RUNS
    minions = max(sizes)
    with ApprovalDatabase(directory / "rules") as database:
        for person in ("alice", "bob"):
            database.add_login(person, "approval_person")
        short, _ = _with_past(database, SHORT_PAST * minions, sizes)
        long, scans = _with_past(database, LONG_PAST * minions, sizes)
    past = f"{SHORT_PAST * minions:,} past items"
    for (act, size), seconds in long.items():
        limit, before = LIMIT_S[act][size], short[act, size]
        ratio = seconds / limit
        yield Row(f"{act}_request", size, seconds, "s", f"{limit:g} s", ratio, "<= 1", ratio <= 1)
        ratio = seconds / before
        yield Row(f"{act}_request", size, seconds, "s", past, ratio, f"<= {FLAT}", ratio <= FLAT)
    for scan in scans:
        print(scan, file=sys.stderr)
    against = "no sequential scan of a large table"
    yield Row("rules_plans", LONG_PAST * minions, len(scans), "scans", against, len(scans), "<= 0", not scans)


def _with_past(database, items, sizes):
    """Medians of (act, minions) in seconds, and the sequential scans of small requests, with such a past."""
    name = f"past{items}"
    database.server.execute(f"CREATE DATABASE {name} TEMPLATE {NAME}")
    with psycopg.connect(database.dsn_of(database=name), autocommit=True) as connection:
        connection.execute(POLICY, (Jsonb(PACKAGE),))
        load(connection, items, max(sizes))
        connection.execute("CHECKPOINT")
    medians = {}
    with (
        psycopg.connect(database.dsn_of("alice", name), autocommit=True) as alice,
        psycopg.connect(database.dsn_of("bob", name), autocommit=True) as bob,
    ):
        for minions, runs in sizes.items():
            times = [_submit_and_approve(alice, bob, "pg", minions, run) for run in range(runs)]
            for act, seconds in zip(("submit", "approve"), zip(*times, strict=True), strict=True):
                medians[act, minions] = statistics.median(seconds)
    with psycopg.connect(database.dsn_of(database=name), autocommit=True) as connection:
        watch = PlanWatch(connection)
        for run in range(WATCHED_CALLS):
            _submit_and_approve(connection, connection, "salt", 3, f"watched{run}")
    database.server.execute(f"DROP DATABASE {name}")
    return medians, watch.scans


def _submit_and_approve(alice, bob, provider, minions, version):
    """The seconds that each took."""
    items = (
        [f"m{n}" for n in range(minions)],
        *([word] * minions for word in ("package", "bench", str(version))),
    )
    start = time.perf_counter()
    number = alice.execute(SUBMIT, (provider, *items, provider)).fetchone()[0]
    submitted = time.perf_counter()
    state = bob.execute(DECIDE, (provider, number)).fetchone()[0]
    approved = time.perf_counter()
    if state != "approved":
        raise RuntimeError(f"request {number} is {state}")
    return submitted - start, approved - submitted
