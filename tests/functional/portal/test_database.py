"""The connections of the web service: few, kept, made anew where the server ended them, and never waited for long."""

import concurrent.futures
import socket
import threading
import time

import pytest

from saltext.approval import config
from saltext.approval.errors import Refused, Unavailable
from saltext.approval.portal import database as ours
from saltext.approval.portal.cutting import cut_after

BACKENDS = "SELECT pid FROM pg_stat_activity WHERE usename = 'itsm' AND datname = current_database()"


@pytest.fixture
def connections(database):
    made = ours.Connections(lambda: config.Connection(database.dsn("itsm")))
    yield made
    made.close()


def one(conn):
    return conn.execute("SELECT 1 AS one").fetchone()["one"]


def test_a_connection_is_kept(connections, database):
    assert [connections.call(2.0, one) for _ in range(3)] == [1, 1, 1]
    assert len(database.execute(BACKENDS)) == 1


def test_there_are_few(connections, database):
    at_once = []

    def work(conn):
        at_once.append(len(database.execute(BACKENDS)))
        return conn.execute("SELECT pg_sleep(0.05), 1 AS one").fetchone()["one"]

    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        assert list(threads.map(lambda _: connections.call(20.0, work), range(32))) == [1] * 32
    assert max(at_once) <= ours.MOST


def test_whoever_gets_none_in_time_is_told(connections):
    holding, ending = threading.Barrier(ours.MOST + 1), threading.Event()

    def hold(conn):
        holding.wait()
        ending.wait()

    with concurrent.futures.ThreadPoolExecutor(ours.MOST) as threads:
        held = [threads.submit(connections.call, 60.0, hold) for _ in range(ours.MOST)]
        holding.wait()
        with pytest.raises(Unavailable, match="all connections to the approval database are in use"):
            connections.call(0.1, one)
        ending.set()
        for future in held:
            future.result()


def test_one_that_the_server_ended_is_made_anew(connections, database):
    assert connections.call(2.0, one) == 1
    database.execute(f"SELECT pg_terminate_backend(pid) FROM ({BACKENDS}) AS b")
    assert connections.call(2.0, one) == 1


def test_what_takes_too_long_is_cut_and_not_tried_again(connections):
    calls = []

    def slow(conn):
        calls.append(conn)
        return conn.execute("SELECT pg_sleep(30)").fetchall()

    assert connections.call(2.0, one) == 1
    began = time.monotonic()
    with pytest.raises(Unavailable):
        connections.call(0.3, slow)
    assert time.monotonic() - began < 5
    assert len(calls) == 1
    assert connections.call(2.0, one) == 1


def test_a_refusal_is_no_outage(connections, database):
    def refused(conn):
        return conn.execute("SELECT * FROM approval.request").fetchall()

    assert connections.call(2.0, one) == 1
    before = database.execute(BACKENDS)
    with pytest.raises(Refused):
        connections.call(2.0, refused)
    assert database.execute(BACKENDS) == before


def test_a_socket_is_shut_down_in_time_and_not_after():
    ours_end, peer = socket.socketpair()
    with ours_end, peer:
        with cut_after(30, ours_end.fileno()):
            pass
        peer.sendall(b"x")
        assert ours_end.recv(1) == b"x"
        with cut_after(0.05, ours_end.fileno()):
            assert ours_end.recv(1) == b""


def test_what_is_long_is_read_one_at_a_time_and_beside_the_others(connections, until, database):
    def numbers(conn):
        with conn.cursor() as cursor:
            yield from (row["n"] for row in cursor.stream("SELECT n FROM generate_series(1, 100000) AS n"))

    reading = connections.stream(60.0, numbers)
    assert next(reading) == 1
    assert connections.call(20.0, one) == 1
    with pytest.raises(Unavailable, match="something else that is long is being read"):
        next(connections.stream(60.0, numbers))
    # A reader who goes away in the middle leaves nothing behind.
    reading.close()
    if not database.options:  # a pooler keeps connections of its own
        until(lambda: len(database.execute(BACKENDS)) == 1)
    assert sum(1 for _ in connections.stream(60.0, numbers)) == 100_000
    with pytest.raises(Unavailable):
        list(connections.stream(0.2, lambda conn: iter(conn.execute("SELECT pg_sleep(60)"))))
    assert next(connections.stream(60.0, numbers)) == 1
