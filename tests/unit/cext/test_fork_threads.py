"""One module in several processes and threads: nobody gets another's answer or ends another's session."""

import concurrent.futures
import contextlib
import os
import signal
import socket
import threading
import time
import traceback

import pytest
from run_directory import RunDirectory

from saltext.approval import _core

# Python 3.12 and later warn of what is tested here; Salt does it.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")

THREADS = 8
CALLS = 200
CONNECTIONS = 2  # of a process, with the same settings, at most


def backend(conninfo, **options):
    return _core.call(conninfo, "test_backend", [], **options)[0][0]


def in_child(function):
    """The text that the function returns in a forked child, which leaves without any cleaning up by Python."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            answer = function()
        except BaseException:
            answer = traceback.format_exc()
        os.write(writing, answer.encode())
        os._exit(0)
    os.close(writing)
    with open(reading, encoding="utf-8") as answers:
        text = answers.read()
    assert os.waitpid(child, 0)[1] == 0
    return text


def sockets():
    """The sockets that this process has open."""
    names = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            names.add(os.readlink(f"/proc/self/fd/{number}"))
        except FileNotFoundError:  # that of listing the folder
            continue
    return {name for name in names if name.startswith("socket:")}


def test_a_child_opens_its_own_connection(conninfo):
    mine = backend(conninfo)
    assert int(in_child(lambda: str(backend(conninfo)))) != mine
    assert backend(conninfo) == mine


def test_a_child_lets_go_of_the_inherited_socket(conninfo):
    before = sockets()
    backend(conninfo + " application_name=inherited")
    inherited = sockets() - before
    assert len(inherited) == 1

    def look():
        backend(conninfo)
        return " ".join(sockets())

    assert inherited.isdisjoint(in_child(look).split())


def test_a_child_leaves_alone_what_took_the_number_of_the_socket(conninfo):
    mine = backend(conninfo)

    def reopen():
        os.closerange(3, 1000)
        reading, writing = os.pipe()
        pipes = [os.dup(reading) for _ in range(50)]
        backend(conninfo)
        for pipe in pipes:
            os.fstat(pipe)
        os.write(writing, b"x")
        return os.read(pipes[0], 1).decode()

    # The pipe for the answer would be closed too: so the exit status of a grandchild tells.
    def grandchild():
        child = os.fork()
        if child == 0:
            try:
                os._exit(0 if reopen() == "x" else 1)
            except BaseException:
                os._exit(2)
        return str(os.waitpid(child, 0)[1])

    assert in_child(grandchild) == "0"
    assert backend(conninfo) == mine


def test_a_child_of_a_process_with_a_call_under_way(conninfo):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        sleeping = pool.submit(_core.call, conninfo, "test_sleep", [0.5])
        time.sleep(0.1)  # not for the outcome: so that the call is under way, most of the time
        assert in_child(lambda: str(backend(conninfo) > 0)) == "True"
        assert sleeping.result() == [(None,)]


def hammer(conninfo, who):
    """Calls with an answer that nobody else gets, from several threads."""

    def work(thread):
        for number in range(CALLS):
            text = f"{who}-{thread}-{number}"
            row = _core.call(conninfo, "test_echo", [None] * 4 + [text] + [None] * 5)[0]
            assert row[4] == text
            assert _core.document(conninfo, text)["minion"] == text
            both = [text, f"{text}-too"]
            assert [document["minion"] for document in _core.documents(conninfo, both).values()] == both

    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(work, thread) for thread in range(THREADS)]:
            done.result()
    return "fine"


def test_processes_and_threads_at_once(conninfo):
    mine = backend(conninfo)
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        children = [pool.submit(in_child, lambda child=child: hammer(conninfo, f"child{child}")) for child in range(8)]
        assert hammer(conninfo, "parent") == "fine"
        assert [child.result() for child in children] == ["fine"] * 8
    assert backend(conninfo) == mine


def test_calls_one_behind_the_other_share_one_connection(conninfo):
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        assert len({pool.submit(backend, conninfo).result() for _ in range(50)}) == 1


def backends(database, name):
    query = "SELECT pid FROM pg_stat_activity WHERE application_name = %s"
    return {pid for (pid,) in database.execute(query, [name])}


@contextlib.contextmanager
def sleeping(conninfo, threads, seconds, **options):
    """The futures of calls of so many threads, which sleep in the server."""
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        yield [pool.submit(_core.call, conninfo, "test_sleep", [seconds], **options) for _ in range(threads)]


def wait_until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_threads_that_call_at_once_use_a_few_connections(core_database, conninfo):
    named = conninfo + " application_name=at-once"
    start = time.monotonic()
    with sleeping(named, CONNECTIONS * 3, 0.3) as calls:
        wait_until(lambda: len(backends(core_database, "at-once")) == CONNECTIONS)
        while not all(call.done() for call in calls):
            assert len(backends(core_database, "at-once")) == CONNECTIONS
        assert {str(call.result()) for call in calls} == {"[(None,)]"}
    assert time.monotonic() - start >= 0.9
    assert len({backend(named) for _ in range(10)}) == 1


def test_calls_of_threads_come_in_the_order_in_which_they_were_made(conninfo):
    served, overtaken = [], []

    def work(thread):
        for _ in range(15):
            before = len(served)
            _core.call(conninfo, "test_sleep", [0.1])
            overtaken.append(len(served) - before)
            served.append(thread)

    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(work, thread) for thread in range(THREADS)]:
            done.result()
    # Before one that waits come those of the other threads, and a few more where a thread is not run at once.
    assert max(overtaken) < THREADS * 3


def test_a_few_connections_after_a_fork(core_database, conninfo):
    named = conninfo + " application_name=forked"
    with sleeping(named, CONNECTIONS, 0.1):
        pass
    mine = backends(core_database, "forked")
    assert len(mine) == CONNECTIONS

    def in_threads():
        with sleeping(named, CONNECTIONS, 0.1) as calls:
            return str([call.result() for call in calls])

    with sleeping(named, CONNECTIONS, 0.8):
        assert in_child(in_threads) == str([[(None,)]] * CONNECTIONS)
    wait_until(lambda: backends(core_database, "forked") == mine)
    assert backend(named) in mine


def test_each_connection_that_was_ended_is_replaced(core_database, conninfo):
    named = conninfo + " application_name=ended"
    with sleeping(named, CONNECTIONS, 0.1):
        pass
    ended = backends(core_database, "ended")
    core_database.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s) AS pid", [list(ended)])
    wait_until(lambda: not backends(core_database, "ended"))
    with sleeping(named, CONNECTIONS, 0.2) as calls:
        assert [call.result() for call in calls] == [[(None,)]] * CONNECTIONS
    assert len(backends(core_database, "ended")) == CONNECTIONS
    assert backends(core_database, "ended").isdisjoint(ended)


def test_a_database_that_is_away_is_asked_once_for_all_threads():
    """All connections of the same settings together try again as seldom as one."""
    with RunDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / ".s.PGSQL.5432"))
        listener.listen()
        asked = []

        def refuse():
            with contextlib.suppress(OSError):
                while True:
                    listener.accept()[0].close()
                    asked.append(time.monotonic())

        refusing = threading.Thread(target=refuse)
        refusing.start()
        conninfo = f"host={folder} user=x dbname=x"
        start = time.monotonic()

        def work():
            while time.monotonic() - start < 1.0:
                with pytest.raises(_core.Unavailable):
                    backend(conninfo)
                time.sleep(0.001)

        with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
            for done in [pool.submit(work) for _ in range(THREADS)]:
                done.result()
        listener.shutdown(socket.SHUT_RDWR)
        refusing.join()
    # Each connection finds it away at first; then one tries after 0.1, 0.3 and 0.7 seconds.
    assert 3 <= len(asked) <= CONNECTIONS + 3


def test_waiting_for_another_thread_has_an_end(conninfo):
    options = {"connect_timeout_ms": 900, "timeout_ms": 1000}
    backend(conninfo, **options)
    start = time.monotonic()
    with sleeping(conninfo, 4 * CONNECTIONS, 60.0, **options) as calls:
        for call in calls:
            assert isinstance(call.exception(), _core.Unavailable)
    # One after the other they would take four times the deadline.
    assert time.monotonic() - start < 3.5
    assert backend(conninfo, **options) > 0


@pytest.fixture
def alarm():
    """A function that has a handler called after some seconds."""
    previous = signal.getsignal(signal.SIGALRM)

    def set_alarm(handler, seconds):
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, seconds)

    yield set_alarm
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, previous)


class Alarmed(Exception):
    pass


def raise_alarmed(_signal, _frame):
    raise Alarmed


def test_a_handler_that_raises_ends_the_wait_for_other_threads(core_database, conninfo, alarm):
    named = conninfo + " application_name=occupied"
    with sleeping(named, CONNECTIONS, 4.0):
        wait_until(lambda: len(backends(core_database, "occupied")) == CONNECTIONS)
        alarm(raise_alarmed, 0.2)
        start = time.monotonic()
        with pytest.raises(Alarmed):
            backend(named)
        assert time.monotonic() - start < 3
    assert backend(named) > 0


def test_a_handler_may_call_while_its_thread_does(conninfo, alarm):
    """The handler gets another connection, until its own thread has them all."""
    seen = []

    def call(_signal, _frame):
        if len(seen) < CONNECTIONS:
            seen.append(None)
            alarm(call, 0.1)
            try:
                seen[seen.index(None)] = _core.call(conninfo, "test_sleep", [0.3])
            except _core.Unavailable as exc:
                seen[seen.index(None)] = str(exc)

    alarm(call, 0.1)
    assert _core.call(conninfo, "test_sleep", [1.0]) == [(None,)]
    assert sorted(map(str, seen)) == [
        *["[(None,)]"] * (CONNECTIONS - 1),
        "the connection to the approval database is in use by the call that this signal handler interrupts",
    ]
