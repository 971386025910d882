"""The server killed, stopped and restarted while eight processes read and record, and one approves."""

import time

import pytest
from crowd import reader, recorder

TIMES = {"connect_timeout_ms": 500, "timeout_ms": 500}
# Connecting and an answer, for a return twice; and what a busy machine takes.
LONGEST_S = 2 * (0.5 + 0.5) + 2


@pytest.fixture
def busy(site, crowd):
    """A crowd on the database of this test."""
    return crowd(
        read=reader({"dsn": site.dsn("exporter"), **TIMES}),
        record=recorder({"dsn": site.dsn("returner"), **TIMES}),
        approver=site.dsn("bob"),
    )


def test_the_server_is_killed(site, server, busy, settle, times):
    kills, waits = times(3, 50), []
    for _ in range(kills):
        busy.wait("return", 5)
        server.kill()
        busy.wait("read-failed")
        server.start()
        start = time.monotonic()
        busy.wait("read")
        waits.append(time.monotonic() - start)
    busy.wait("return", 5)
    # All eight use it again within a second, and a busy machine takes something.
    assert max(waits) < 3
    settle(busy, site, kills=kills, used_again_after_s=round(max(waits), 2))


def test_the_server_is_restarted_under_load(site, server, busy, settle, times):
    restarts = times(3, 50)
    for _ in range(restarts):
        busy.wait("return", 5)
        server.stop("fast")
        server.start()
    busy.wait("return", 5)
    settle(busy, site, restarts=restarts)


def test_the_server_stands_still_for_longer_than_the_deadline(site, server, busy, settle, times):
    stops = times(1, 20)
    for _ in range(stops):
        busy.wait("return", 5)
        with server.suspended():
            # Each is let down twice: by a connection that it had, and by one that it tries to make.
            busy.wait("read-failed", 2)
    busy.wait("return", 5)
    reads = [event for event in busy.events() if event["what"] in ("read", "read-failed", "return", "return-failed")]
    assert max(event["end"] - event["start"] for event in reads) < LONGEST_S
    settle(busy, site, stops=stops)
