"""One module in several processes and threads: nobody gets another's answer or ends another's session."""

import concurrent.futures
import os
import threading
import time
import traceback

import pytest

from saltext.approval import _core

# Python 3.12 and later warn of what is tested here; Salt does it.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")

THREADS = 8
CALLS = 200


def backend(conninfo, **options):
    return _core.call(conninfo, "test_backend", [], **options)[0][0]


def in_child(function):
    """What the function returns (text) in a forked child, which leaves without any cleaning up by Python."""
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


def test_threads_share_one_connection(conninfo):
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        assert len(set(pool.map(lambda _: backend(conninfo), range(50)))) == 1


def test_waiting_for_another_thread_has_an_end(conninfo):
    options = {"connect_timeout_ms": 100, "timeout_ms": 200}
    backend(conninfo, **options)
    started = threading.Event()

    def sleep():
        started.set()
        with pytest.raises(_core.Unavailable):
            _core.call(conninfo, "test_sleep", [3.0], **options)

    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        sleeping = [pool.submit(sleep) for _ in range(4)]
        started.wait()
        start = time.monotonic()
        for done in sleeping:
            done.result()
        # One after the other they would take four times the deadline.
        assert time.monotonic() - start < 0.75
    assert backend(conninfo, **options) > 0
