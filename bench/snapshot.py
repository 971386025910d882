"""The snapshot: reading it, building it, and how soon a change is in it."""

import itertools
import pathlib
import statistics
import subprocess
import sys
import time

import msgpack
import psycopg
from report import Floor, Row
from rounds import Clocked, medians

from saltext.approval import _core

REACH_READ_US = 12
REACH_GROWTH = 1.5  # of the smallest fleet's
REACH_COPY = 1.3  # of a large fleet; a small one's build is mostly waiting for the disk
REACH_COPY_SMALL = 2
REACH_BUILD_S = 30  # for a million
REACH_MEMORY_MB = 200
REACH_VISIBLE_MS = 100
BUILDS = 3
CHANGES = 200
TIMEOUT_MS = 120_000
WAIT_S = 30

COPY = (
    "COPY (SELECT minion_id, valid_from, revision, digest, evidence_key, kinds, names, types, contents "
    "FROM approval.exported_document ORDER BY minion_id, valid_from) TO STDOUT (FORMAT binary)"
)
BUILD = f"""
import sys, time
from saltext.approval import _core
_core.document(sys.argv[1], "nobody", timeout_ms={TIMEOUT_MS})  # connects, with the settings of the build
start = time.perf_counter()
_core.snapshot_refresh(*sys.argv[1:], rebuild=True, timeout_ms={TIMEOUT_MS})
print(time.perf_counter() - start)
"""
WORKER = """
import sys
from saltext.approval.engine.supervisor import Supervisor
from saltext.approval.settings import Settings
cachedir, exporter, engine = sys.argv[1:]
Supervisor(Settings.from_master({
    "cachedir": cachedir,
    "ext_pillar": [{"approval": {"dsn_file": exporter}}],
    "approval": {"engine": {"dsn_file": engine}},
}), ("snapshot",)).run()
"""

_first_read = []


def measure(database, minions, directory, rounds, duration_s):
    """The rows snapshot_build, ext_pillar_snapshot and change_visible for the fleet ``minions``."""
    cachedir = pathlib.Path(directory) / f"cache-{minions.size}"
    path = cachedir / "approval" / "snapshot"
    path.parent.mkdir(parents=True)
    yield from _build(database, minions.size, path)
    yield from _read(minions, path, rounds, duration_s)
    yield from _visible(database, minions.size, cachedir, path)


def _private_mb(pid):
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = [line.split()[1] for line in status.splitlines() if line.startswith("RssAnon:")]
    return int(found[0]) / 1024 if found else 0


def _built(dsn, path):
    """(seconds, the most private memory in MB) of one build in a process of its own."""
    command = [sys.executable, "-P", "-c", BUILD, dsn, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as builder:
        most = 0
        while builder.poll() is None:
            most = max(most, _private_mb(builder.pid))
            time.sleep(0.01)
        answer = builder.stdout.read()
    if builder.returncode != 0:
        raise RuntimeError("the snapshot was not built")
    return float(answer), most


def _copied(dsn):
    """Seconds of a COPY of the same rows in the same order, thrown away."""
    with psycopg.connect(dsn) as connection:
        connection.execute("SET jit = off; SET enable_sort = off")
        start = time.perf_counter()
        with connection.cursor().copy(COPY) as copy:
            for _ in copy:
                pass
        return time.perf_counter() - start


def _build(database, size, path):
    dsn = database.dsn_file("exporter").read_text().strip()
    _copied(dsn)
    builds, copies = [], []
    for _ in range(BUILDS):
        builds.append(_built(dsn, path))
        copies.append(_copied(dsn))
    seconds, copied = statistics.median(took for took, _ in builds), statistics.median(copies)
    memory = max(memory for _, memory in builds)
    longer = REACH_COPY if size >= 100_000 else REACH_COPY_SMALL
    soon = seconds <= longer * copied and (size < 1_000_000 or seconds < REACH_BUILD_S)
    ok = soon and memory < REACH_MEMORY_MB
    reach = f"<= {longer}, < {REACH_MEMORY_MB} MB"
    yield Row("snapshot_build", size, seconds, "s", "raw COPY of the same rows", seconds / copied, reach, ok)
    yield Floor("private memory of a build, at most", size, memory, "MB")


def _read(minions, path, rounds, duration_s):
    numbers = itertools.count()
    place = str(path)
    packed = msgpack.packb(_core.snapshot_read(place, minions.minion(0)))
    kept = {minions.minion(number): packed for number in range(min(minions.size, 100_000))}
    ids = itertools.cycle(list(kept))
    times = medians(
        {
            "ours": Clocked(lambda: _core.snapshot_read(place, minions.minion(next(numbers)))),
            "unpack": Clocked(lambda: msgpack.unpackb(kept[next(ids)])),
            "id": Clocked(lambda: minions.minion(next(numbers))),
        },
        rounds,
        duration_s,
    )
    took = times["ours"] - times["id"]
    _first_read.append(took)
    ok = took <= REACH_READ_US and took <= REACH_GROWTH * _first_read[0]
    against = "msgpack.unpackb of the same, kept in memory"
    reach = f"<= {REACH_READ_US} µs"
    yield Row("ext_pillar_snapshot", minions.size, took, "µs", against, took / times["unpack"], reach, ok)


def _revision(path):
    return _core.snapshot_read(str(path), "changing")["revision"]


def _wait_for(path, revision):
    end = time.monotonic() + WAIT_S
    while _revision(path) < revision:
        if time.monotonic() > end:
            raise RuntimeError("a change did not get into the snapshot")
        time.sleep(0.0002)


def _visible(database, size, cachedir, path):
    files = [str(database.dsn_file(login)) for login in ("exporter", "engine")]
    # A session of a person keeps its plans as well.
    change = "SELECT approval.refresh_documents(ARRAY['changing'])"
    times = []
    command = [sys.executable, "-P", "-c", WORKER, str(cachedir), *files]
    with (
        psycopg.connect(database.dsn_of(), autocommit=True) as person,
        subprocess.Popen(command, stdin=subprocess.DEVNULL) as engine,
    ):
        try:
            person.execute("INSERT INTO approval.minion VALUES ('changing', 0, now()) ON CONFLICT DO NOTHING")
            for _ in range(CHANGES + 10):
                start = time.perf_counter()
                person.execute(change)
                (revision,) = person.execute(
                    "SELECT max(revision) FROM approval.document WHERE minion_id = 'changing'"
                ).fetchone()
                _wait_for(path, revision)
                times.append((time.perf_counter() - start) * 1000)
        finally:
            engine.terminate()
    times = times[10:]  # until the worker listens
    last = statistics.quantiles(times, n=100)[98]
    against = "the median"
    ratio = last / statistics.median(times)
    yield Row("change_visible", size, last, "ms", against, ratio, f"< {REACH_VISIBLE_MS} ms", last < REACH_VISIBLE_MS)
