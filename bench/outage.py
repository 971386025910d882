"""
The database away: how long a pillar is held up by it, and how soon the server is used again once it is back.

A private server is stopped as if its machine had gone, and started again; one thread reads documents all the time, as
the requests of many minions would.
"""

import statistics
import time

from approval_database import ApprovalDatabase
from report import Row

from saltext.approval import _core

AWAY_S = 3.0
AFTER_S = 1.0  # the first failures find out that nobody answers; those that follow are what is measured
CALL_LIMIT_MS, BACK_LIMIT_S = 1.0, 1.5
LONGEST_S = 60.0


def measure(directory):
    """The rows outage_call, a call while nobody answers, and outage_back, until the server is used again."""
    with ApprovalDatabase(directory / "outage") as database:
        dsn = database.dsn_file("exporter").read_text(encoding="utf-8").strip()
        _core.document(dsn, "m1")
        database.server.stop()
        calls = []
        start = time.perf_counter()
        while (began := time.perf_counter()) - start < AWAY_S:
            if _answered(dsn):
                raise AssertionError("a server that was stopped has answered")
            if began - start >= AFTER_S:
                calls.append(time.perf_counter() - began)
        each = statistics.median(calls) * 1000
        yield Row("outage_call", 1, each, "ms", "the limit", each / CALL_LIMIT_MS, "<= 1", each <= CALL_LIMIT_MS)
        database.server.start()
        start = time.perf_counter()
        while not _answered(dsn):
            if time.perf_counter() - start > LONGEST_S:
                raise AssertionError(f"the server is back for {LONGEST_S:g} s and not used again")
        back = time.perf_counter() - start
        yield Row("outage_back", 1, back, "s", "the limit", back / BACK_LIMIT_S, "<= 1", back <= BACK_LIMIT_S)


def _answered(dsn):
    try:
        _core.document(dsn, "m1")
    except _core.Unavailable:
        return False
    return True
