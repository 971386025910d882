#!/usr/bin/env python3
"""
How long submitting and approving takes, over many minions and with a long past.

    bench/rules.py [--json FILE]

Method: a private PostgreSQL server (tools/private_postgres.py: default settings, 64 MB of shared buffers,
fsync off) and in it one database with a short and one with a long past, ten times as long: 10 and 100 items
for each of 100,000 minions. In each a person submits a request for one package on n minions, another
approves it; both by their own login, over a socket. The figures are medians. Every run changes the
document of each minion, which holds five packages more.

Limits: 1 s for 1,000 minions, 60 s for 100,000. Flatness: with the long past at most 1.5 times as slow.
QUICK=1 does all of it small, to see that it works. Run it with the Python that has saltext-approval
installed.
"""

import argparse
import json
import os
import pathlib
import statistics
import sys
import time

import psycopg
from psycopg.types.json import Jsonb

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))

from approval_database import NAME, ApprovalDatabase
from history import load
from plan_watch import PlanWatch
from run_directory import RunDirectory

QUICK = bool(os.environ.get("QUICK"))
SIZES = {100: 3, 1_000: 3} if QUICK else {1_000: 7, 100_000: 3}  # minions: runs
LIMIT_S = {100: 1.0, 1_000: 1.0, 100_000: 60.0}
MINIONS = max(SIZES)
SHORT_PAST, LONG_PAST = 10 * MINIONS, 100 * MINIONS  # items
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
SELECT approval.submit_request(%s, 'alice', 'package', 'measured', %s, %s, %s, %s, NULL, 'bench', NULL)
"""
DECIDE = "SELECT approval.decide(%s, 'bob', %s, 'approve', '', NULL)"


def main():
    parser = argparse.ArgumentParser(description="Measure submitting and approving over many minions.")
    parser.add_argument("--json", metavar="FILE", help="write the rows there, too")
    arguments = parser.parse_args()
    rows = measure()
    print_table(rows)
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0 if all(row["ok"] for row in rows) else 1


def measure():
    """
    The rows: name, n (minions; items of the past for the plans), value and its unit, what it is held
    against, the ratio of both, the ratio that has to be reached, and whether it is.
    """
    with RunDirectory() as directory, ApprovalDatabase(directory / "pg") as database:
        for person in ("alice", "bob"):
            database.add_login(person, "approval_person")
        short, _ = with_past(database, SHORT_PAST)
        long, scans = with_past(database, LONG_PAST)
    rows = []
    for (act, minions), seconds in long.items():
        rows.append(row(f"{act}, {LONG_PAST:,} past items", minions, seconds, LIMIT_S[minions], 1.0))
        before = short[act, minions]
        rows.append(row(f"{act}, against {SHORT_PAST:,} past items", minions, seconds, before, FLAT))
    rows.append({
        "name": "sequential scans of large tables", "n": LONG_PAST, "value": len(scans), "unit": "",
        "against": 0, "ratio": None, "reach": None, "ok": not scans,
    })  # fmt: skip
    for scan in scans:
        print(scan, file=sys.stderr)
    return rows


def row(name, minions, seconds, against, reach):
    """One row about a time in seconds."""
    ratio = seconds / against
    return {
        "name": name, "n": minions, "value": round(seconds, 4), "unit": "s", "against": round(against, 4),
        "ratio": round(ratio, 3), "reach": reach, "ok": ratio <= reach,
    }  # fmt: skip


def with_past(database, items):
    """Medians of (act, minions) in seconds, and the sequential scans of small requests, with such a past."""
    name = f"past{items}"
    database.server.execute(f"CREATE DATABASE {name} TEMPLATE {NAME}")
    with psycopg.connect(database.dsn_of(database=name), autocommit=True) as connection:
        connection.execute(POLICY, (Jsonb(PACKAGE),))
        note(f"writing a past of {items:,} items over {MINIONS:,} minions")
        load(connection, items, MINIONS)
        connection.execute("CHECKPOINT")
    medians = {}
    with (
        psycopg.connect(database.dsn_of("alice", name), autocommit=True) as alice,
        psycopg.connect(database.dsn_of("bob", name), autocommit=True) as bob,
    ):
        for minions, runs in SIZES.items():
            note(f"{runs} requests over {minions:,} minions")
            times = [submit_and_approve(alice, bob, "pg", minions, run) for run in range(runs)]
            for act, seconds in zip(("submit", "approve"), zip(*times, strict=True), strict=True):
                medians[act, minions] = statistics.median(seconds)
    with psycopg.connect(database.dsn_of(database=name), autocommit=True) as connection:
        watch = PlanWatch(connection)
        for run in range(WATCHED_CALLS):
            submit_and_approve(connection, connection, "salt", 3, f"watched{run}")
    database.server.execute(f"DROP DATABASE {name}")
    return medians, watch.scans


def submit_and_approve(alice, bob, provider, minions, version):
    """The seconds that each took."""
    items = (
        [f"m{n}" for n in range(minions)],
        *([word] * minions for word in ("package", "bench", str(version))),
    )
    start = time.perf_counter()
    number = alice.execute(SUBMIT, (provider, *items)).fetchone()[0]
    submitted = time.perf_counter()
    state = bob.execute(DECIDE, (provider, number)).fetchone()[0]
    approved = time.perf_counter()
    if state != "approved":
        raise RuntimeError(f"request {number} is {state}")
    return submitted - start, approved - submitted


def note(text):
    """Say on standard error what takes so long."""
    print(f"... {text}", file=sys.stderr, flush=True)


def print_table(rows):
    """The rows for people."""
    print(f"{'what':45} {'n':>10} {'value':>10} {'against':>10} {'ratio':>7} {'reach':>6}")
    for each in rows:
        value = f"{each['value']:g} {each['unit']}"
        ratio = "" if each["ratio"] is None else f"{each['ratio']:.2f}"
        reach = "" if each["reach"] is None else f"{each['reach']:.1f}"
        verdict = "ok" if each["ok"] else "MISSED"
        measured = f"{each['name']:45} {each['n']:>10,} {value:>10} {each['against']:>10g}"
        print(f"{measured} {ratio:>7} {reach:>6} {verdict}")


if __name__ == "__main__":
    sys.exit(main())
