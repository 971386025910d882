"""The type Spool of the core: what it takes, gives and refuses, and its use by threads and children."""

import concurrent.futures
import os
import signal
import stat
import subprocess
import sys
import threading
import time

import pytest

from saltext.approval import _core
from saltext.approval.jobs import spool

BOUND = 4 * 1024 * 1024


@pytest.fixture
def kept(tmp_path):
    opened = _core.Spool(str(tmp_path / "spool"), BOUND)
    yield opened
    opened.close()


def put(kept, kind="return", jid="1", payload=b"p", accepted=1.5):
    return kept.put([(kind, accepted, jid, payload)])


def test_entries_come_back_as_they_were(kept):
    assert kept.put([("load", 1.25, "Zürich", b"\0\xff"), ("events", 2.0, "", b"")]) == 1
    assert kept.read() == [(1, "load", 1.25, "Zürich", b"\0\xff", None, 0.0), (2, "events", 2.0, "", b"", None, 0.0)]
    assert kept.read(2) == kept.read(count=1, first=2) == kept.read()[1:]
    assert kept.find("Zürich") == kept.find(kind="load") == kept.read()[:1]
    assert kept.find("Z") == kept.find("Zürich", "return") == []
    assert (kept.has("Zürich"), kept.has("")) == (True, False)
    kept.remove([1, 2, 7])
    assert kept.read() == []


def test_what_is_set_aside(kept):
    put(kept)
    assert kept.set_aside(1, "why", 3.5) is True
    assert kept.set_aside(1, "why", 3.5) is False
    assert kept.read(aside=True) == [(1, "return", 1.5, "1", b"p", "why", 3.5)]
    assert kept.retry(1) == 2
    assert kept.retry(1) == 0
    kept.set_aside(2, "x" * 300, 3.5)
    assert kept.read(aside=True)[0][5] == "x" * 255
    assert kept.drop(2) is True
    assert kept.drop(2) is False


def test_info(kept, tmp_path):
    put(kept)
    put(kept, "load")
    kept.count_dropped(3)
    info = kept.info()
    assert info["kinds"] == {"load": 1, "return": 1, "minions": 0, "endtime": 0, "events": 0}
    assert (info["entries"], info["aside"], info["dropped_events"]) == (2, 0, 3)
    assert (info["oldest_seq"], info["oldest"], info["bound_bytes"]) == (1, 1.5, BOUND)
    assert 0 < info["used_bytes"] < BOUND
    files = (tmp_path / "spool").iterdir()
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


@pytest.mark.parametrize(
    ("entry", "error"),
    [
        (("other", 1.0, "1", b""), _core.DataError),
        (("load", 1.0, "1" * 256, b""), _core.DataError),
        (("load", 1.0, "\udc80", b""), _core.DataError),
        (("load", float("nan"), "1", b""), _core.DataError),
        (("load", 1e300, "1", b""), _core.DataError),
        (("load", 1.0, "1", "text"), TypeError),
        (("load", 1.0, 1, b""), TypeError),
        (("load", 1.0, "1"), TypeError),
        ("load", TypeError),
    ],
)
def test_a_put_is_whole_or_refused(kept, entry, error):
    with pytest.raises(error):
        kept.put([("load", 1.0, "1", b""), entry])
    assert kept.info()["entries"] == 0


def test_refusals(kept, tmp_path):
    for bound in (1, -1):
        with pytest.raises(_core.DataError):
            _core.Spool(str(tmp_path / "other"), bound)
    with pytest.raises(_core.DataError):
        _core.Spool("/nowhere/at/all", BOUND)
    for call in (lambda: kept.put([]), lambda: kept.read(count=-1), lambda: kept.find(kind="x")):
        with pytest.raises(_core.DataError):
            call()
    for call in (lambda: kept.remove(["x"]), lambda: kept.remove(1), lambda: kept.retry("1"), lambda: kept.has(1)):
        with pytest.raises(TypeError):
            call()
    with pytest.raises(OverflowError):
        kept.remove([-1])


def test_full(kept):
    with pytest.raises(_core.StoreError, match="the spool is full") as caught:
        put(kept, payload=bytes(BOUND))
    assert caught.value.code == "full"
    assert put(kept) == 1


def test_closed(kept):
    kept.close()
    kept.close()
    with pytest.raises(_core.DataError, match="closed"):
        put(kept)


def test_threads_take_turns(kept):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        seqs = list(pool.map(lambda number: put(kept, jid=str(number % 3)), range(100)))
    assert sorted(seqs) == list(range(1, 101))
    assert [entry[0] for entry in kept.read()] == sorted(seqs)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_has_to_open_its_own(kept):
    child = os.fork()
    if child == 0:
        try:
            put(kept)
        except _core.Unavailable as exc:
            os._exit(7 if exc.code == "forked" else 1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert put(kept) == 1


@pytest.mark.parametrize("jid", ["1", "", "x" * 1000, "ü" * 200, "\0", "\udc80", 20261122150000000000, None])
def test_every_jid_has_a_key(kept, jid):
    """A job is stored and found by any name that a minion gives it."""
    key = spool.job_key(jid)
    put(kept, jid=key)
    assert kept.find(key) == (kept.read() if key else [])


WRITER = """
import sys
from saltext.approval import _core
kept = _core.Spool(sys.argv[1], 64 * 1024 * 1024)
print("ready", flush=True)
while True:
    kept.remove([kept.put([("return", 1.5, "1", b"p" * 1_000_000)])])
"""


def is_locked_by(pid):
    """Whether the process has the lock of those who write."""
    wanted = ["POSIX", "ADVISORY", "WRITE", str(pid)]
    with open("/proc/locks", encoding="utf-8") as locks:
        held = [line.split() for line in locks if "->" not in line]
    return any(lock[1:5] == wanted and lock[-2:] == [str(2**30)] * 2 for lock in held)  # LMDB's own are elsewhere


@pytest.fixture
def stopped_writer(tmp_path):
    """The path of a spool that another process was writing to when it was stopped."""
    path = str(tmp_path / "spool")
    with subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE) as writer:
        try:
            assert writer.stdout.readline() == b"ready\n"
            deadline = time.monotonic() + 20
            while True:
                os.kill(writer.pid, signal.SIGSTOP)
                os.waitid(os.P_PID, writer.pid, os.WSTOPPED)
                if is_locked_by(writer.pid):
                    break
                assert time.monotonic() < deadline
                os.kill(writer.pid, signal.SIGCONT)
            yield path
        finally:
            writer.kill()


def test_who_reads_waits_for_no_writer(stopped_writer):
    start = time.monotonic()
    kept = _core.Spool(stopped_writer, 64 * 1024 * 1024)
    kept.read()
    kept.find()
    kept.has("1")
    assert kept.info()["dropped_events"] == 0
    assert time.monotonic() - start < 20
    kept.close()


def test_who_writes_waits_for_a_while(stopped_writer):
    kept = _core.Spool(stopped_writer, 64 * 1024 * 1024, write_timeout_ms=300)
    writes = (
        lambda: put(kept),
        lambda: kept.remove([1]),
        lambda: kept.set_aside(1, "why", 1.0),
        lambda: kept.drop(1),
        lambda: kept.count_dropped(1),
    )
    for write in writes:
        start = time.monotonic()
        with pytest.raises(_core.StoreError, match="another process has been writing for 300 ms") as caught:
            write()
        assert caught.value.code == "busy"
        assert 0.3 <= time.monotonic() - start < 20
    kept.close()


def test_a_signal_ends_the_wait_for_a_writer(stopped_writer):
    kept = _core.Spool(stopped_writer, 64 * 1024 * 1024, write_timeout_ms=60_000)
    seen = []

    def interrupt(*_):
        # A read in a handler must not wait for the call that it interrupts.
        with pytest.raises(_core.StoreError, match="this signal handler interrupts") as caught:
            kept.read()
        seen.append(caught.value.code)
        raise InterruptedError("by a signal")

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(InterruptedError, match="by a signal"):
            put(kept)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert seen == ["busy"]
    kept.close()


def test_a_writer_that_is_killed_holds_up_nobody(stopped_writer):
    kept = _core.Spool(stopped_writer, 64 * 1024 * 1024, write_timeout_ms=20_000)
    (pid,) = [int(name) for name in os.listdir("/proc") if name.isdigit() and is_locked_by(name)]
    os.kill(pid, signal.SIGKILL)
    put(kept, jid="later")
    assert kept.has("later")
    kept.close()


def test_children_do_not_inherit_the_lock_of_writers(kept, tmp_path):
    """A child that is forked while another thread writes keeps nobody from writing."""
    stop = threading.Event()

    def write():
        while not stop.is_set():
            kept.remove([put(kept, payload=b"p" * 200_000)])

    thread = threading.Thread(target=write)
    thread.start()
    children = []
    try:
        for _ in range(20):
            child = os.fork()
            if child == 0:
                signal.pause()
                os._exit(0)
            children.append(child)
    finally:
        stop.set()
        thread.join()
    code = "import sys; from saltext.approval import _core\n"
    code += "_core.Spool(sys.argv[1], 4194304, write_timeout_ms=2000).put([('return', 1.5, '1', b'p')])"
    try:
        subprocess.run([sys.executable, "-c", code, str(tmp_path / "spool")], check=True)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


@pytest.mark.parametrize("bounds", [{"count": 1}, {"count": 3}, {"size": 1}, {"size": 5}])
def test_what_is_found_comes_in_parts(kept, bounds):
    jids = ["b", "a", "c", "a", "a\0", "", "b"]
    for number, jid in enumerate(jids):
        put(kept, "load" if number != 3 else "return", jid, payload=b"p" * (number + 1))
    for kind in ("load", "return", None):
        for jid in (None, "a", "b", "x"):
            whole = kept.find(jid, kind)
            found, after = [], None
            while part := kept.find(jid, kind, after=after, **bounds):
                assert len(part) <= bounds.get("count", 9)
                assert sum(len(entry[4]) for entry in part[:-1]) < bounds.get("size", 99)
                found += part
                after = (part[-1][3], part[-1][0])
            assert found == whole
    assert len(kept.find()) == 6, "without the one of no job"
    kept.remove([2])
    assert [entry[0] for entry in kept.find(None, "load", after=("a", 2))] == [1, 7, 3], "a NUL in a jid sorts before"
    for wrong in ({"after": "a"}, {"after": (1, 2)}, {"after": ("a",)}):
        with pytest.raises(TypeError):
            kept.find(**wrong)
    for wrong in ({"count": 0}, {"size": -1}, {"after": ("x" * 256, 1)}):
        with pytest.raises(_core.DataError):
            kept.find(**wrong)
