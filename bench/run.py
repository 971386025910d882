#!/usr/bin/env python3
"""
Measure what the project promises, side by side with what it is compared with. Run by `make bench`.

With QUICK=1 in the environment for 1,000 and 10,000 minions, in under three minutes. Prints a table and
writes bench/results/latest.json; a whole run is kept as that of its release in bench/results/history.jsonl.
docs/performance.md tells how to read them, and bench/plots.py draws them.
"""

import importlib.metadata
import os
import pathlib
import platform
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
# The private server is shared with the tests, and no part of the installed package.
sys.path.insert(0, str(HERE.parent / "tools"))

import catalog  # noqa: E402
import days  # noqa: E402
import events  # noqa: E402
import job_log  # noqa: E402
import libpq_reader  # noqa: E402
import masking  # noqa: E402
import masters  # noqa: E402
import outage  # noqa: E402
import pillar  # noqa: E402
import report  # noqa: E402
import returns  # noqa: E402
import rules  # noqa: E402
import snapshot  # noqa: E402
import spooled  # noqa: E402
import storm  # noqa: E402
import validation  # noqa: E402
import waves  # noqa: E402
from approval_database import ApprovalDatabase  # noqa: E402
from fleet import Fleet  # noqa: E402
from run_directory import DISK, RunDirectory  # noqa: E402

import portal  # noqa: E402

RESULTS = HERE / "results" / "latest.json"
HISTORY = HERE / "results" / "history.jsonl"
MINIONS = (1_000, 100_000, 1_000_000)
MINIONS_QUICK = (1_000, 10_000)
MINIONS_RETURNING = 1_000
ROUNDS = 15
ROUNDS_QUICK = 5
STORM = (500, 3)  # requests at once, storms
STORM_QUICK = (50, 1)
RETURNS = (1_000, 3)  # at real masters, rounds
RETURNS_QUICK = (100, 1)
EVENTS_S = 60
EVENTS_QUICK_S = 10
DURATION_S = 0.4  # of one alternative in one round
DURATION_QUICK_S = 0.25


def measure(quick):
    """All rows and floors, as they are found."""
    sizes = MINIONS_QUICK if quick else MINIONS
    rounds = ROUNDS_QUICK if quick else ROUNDS
    duration_s = DURATION_QUICK_S if quick else DURATION_S
    with RunDirectory() as directory:
        yield from validation.measure(directory, rounds, duration_s)
    yield from masking.measure(rounds, duration_s)
    # On the disk, since what a durable commit takes is part of what is measured.
    with RunDirectory(DISK) as directory, ApprovalDatabase(directory / "postgres") as database:
        minions = Fleet(database.dsn_of())
        minions.grow(MINIONS_RETURNING, for_returns=True)
        returns.prepare(database)
        yield from returns.measure(database, minions, rounds, duration_s)
        yield from spooled.measure(database, minions, directory, rounds, duration_s)
        yield from masters.measure(database, minions, directory, *(RETURNS_QUICK if quick else RETURNS))
        returns.finish(database)
        program = libpq_reader.build(directory)
        for size in sizes:
            minions.grow(size)
            minions.write_classic()
            yield from pillar.measure(database, minions, program, directory, rounds, duration_s)
            yield from snapshot.measure(database, minions, directory, rounds, duration_s)
        yield from storm.measure(database, minions, directory, *(STORM_QUICK if quick else STORM))
    with RunDirectory() as directory, ApprovalDatabase(directory / "postgres") as database:
        minions = Fleet(database.dsn_of())
        minions.grow(MINIONS_RETURNING, for_returns=True)
        yield from days.measure(database, minions, rounds, duration_s)
    with RunDirectory() as directory:
        yield from rules.measure(directory, quick)
        yield from job_log.measure(directory, quick, rounds, duration_s)
        yield from catalog.measure(directory, quick)
        yield from portal.measure(directory, quick)
    with RunDirectory() as directory:
        yield from waves.measure(directory, quick)
        yield from outage.measure(directory)
    with RunDirectory() as directory:
        yield from events.measure(directory, EVENTS_QUICK_S if quick else EVENTS_S)


def versions():
    """Of what is measured and compared with."""
    packages = ("saltext-approval", "salt", "psycopg2-binary", "psycopg", "msgpack")
    found = {package: importlib.metadata.version(package) for package in packages}
    return {"python": platform.python_version(), **found}


def main():
    quick = os.environ.get("QUICK") == "1"
    measured, start = [], time.monotonic()
    for row in measure(quick):
        measured.append(row)
        print(f"{time.monotonic() - start:5.0f} s: measured {row.name} ({row.n:,})", file=sys.stderr)
    print(report.table(measured))
    content = report.write(RESULTS, measured, versions())
    if not quick:
        report.keep(HISTORY, content)


if __name__ == "__main__":
    main()
