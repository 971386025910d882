"""Returns, judged and stored, against Salt's pgjsonb: one by one through Salt's loader, and many in one commit."""

import itertools
import os
import re
import time

import highstate
import psycopg
import salt.config
import salt.loader
import salt.returners.pgjsonb
from approval_database import NAME
from private_postgres import SUPERUSER
from report import Floor, Row
from rounds import Clocked, medians

from saltext.approval import _core
from saltext.approval.jobs import packing

CHUNKS = 20
DURABLE = ("fsync", "full_page_writes", "synchronous_commit")
ONE_ROW = "INSERT INTO bench_payload VALUES (%s)"
MANY_ROWS = "INSERT INTO bench_payload SELECT unnest(%b::bytea[])"
BATCH = 500
BLOCK = 8192
REACH = 40
PING_REACH = 0.8


def _schema():
    """The tables that pgjsonb's own documentation has one make, without the database."""
    text = salt.returners.pgjsonb.__doc__
    first, last = text.index("    DROP TABLE IF EXISTS jids"), text.index("Required python modules")
    return re.sub(r"^\s*--.*$", "", text[first:last], flags=re.MULTILINE)


def prepare(database):
    """Make pgjsonb's tables, the partitions of the day, and the server durable, which for tests it isn't."""
    with psycopg.connect(database.dsn_of(), autocommit=True) as connection:
        connection.execute(_schema())
        connection.execute("CREATE TABLE bench_payload (payload bytea)")
        connection.execute("SELECT approval.maintain_jobs(24)")
        for setting in DURABLE:
            connection.execute(f"ALTER SYSTEM SET {setting} = on")
        connection.execute("SELECT pg_reload_conf()")


def finish(database):
    """Make the server as it was before prepare()."""
    with psycopg.connect(database.dsn_of(), autocommit=True) as connection:
        for setting in DURABLE:
            connection.execute(f"ALTER SYSTEM RESET {setting}")
        connection.execute("SELECT pg_reload_conf()")


def measure(database, minions, rounds, duration_s):
    """
    The rows returner_durable (highstates of minions that converged before, each with evidence of its own) and
    returner_ping (returns of the same minions which can prove nothing).

    minions
        A Fleet grown for returns.
    """
    returners = salt.loader.returners(options_of(database), {})
    ours, theirs = returners["approval.returner"], returners["pgjsonb.returner"]
    loads = loads_of(database, minions)
    pings = (load | {"fun": "test.ping", "return": True} for load in loads_of(database, minions))
    ours(next(loads))
    _check(database)
    with psycopg.connect(database.dsn_of(), autocommit=True) as connection, _Disk(database) as disk:
        payload = _core.compress(packing.pack(next(loads)))
        payloads = [payload] * BATCH
        ping = _core.compress(packing.pack(next(pings)))
        times = medians(
            {
                "ours": Returned(ours, loads),
                "pgjsonb": Returned(theirs, loads),
                "ping": Returned(ours, pings),
                "commit of a ping": Clocked(lambda: connection.execute(ONE_ROW, (ping,), prepare=True, binary=True)),
                "batch": Recorded(database, loads),
                "commit": Clocked(lambda: connection.execute(ONE_ROW, (payload,), prepare=True, binary=True)),
                "commit of many": Clocked(
                    lambda: connection.execute(MANY_ROWS, (payloads,), prepare=True, binary=True)
                ),
                "disk": Clocked(disk.write),
            },
            rounds,
            duration_s,
        )
    ratio = times["pgjsonb"] / times["ours"]
    rate = 1e6 / times["ours"]
    yield Row("returner_durable", CHUNKS, rate, "returns/s", "Salt's pgjsonb", ratio, f">= {REACH}", ratio >= REACH)
    yield Floor("Salt's pgjsonb", CHUNKS, 1e6 / times["pgjsonb"], "returns/s")
    yield Floor("durable commits of nothing but the payload", CHUNKS, 1e6 / times["commit"], "commits/s")
    yield Floor(f"blocks of {BLOCK} bytes written with fdatasync", 1, 1e6 / times["disk"], "writes/s")
    yield Floor(f"returns recorded {BATCH} in a commit", CHUNKS, 1e6 / times["batch"], "returns/s")
    yield Floor(f"payloads inserted {BATCH} in a commit", CHUNKS, BATCH * 1e6 / times["commit of many"], "payloads/s")
    ratio, rate = times["commit of a ping"] / times["ping"], 1e6 / times["ping"]
    reach = f">= {PING_REACH}"
    yield Row("returner_ping", 1, rate, "returns/s", "commits of it", ratio, reach, ratio >= PING_REACH)
    yield Floor("durable commits of nothing but that payload", 1, 1e6 / times["commit of a ping"], "commits/s")


class Recorded:
    """An alternative for rounds.medians: BATCH new returns at once, each recorded; the times are those of one."""

    def __init__(self, database, loads):
        self._loads = loads
        self._returner = database.dsn_file("returner").read_text().strip()

    def run(self, duration_s):
        """Record batches, made beforehand, for so long; the times of one return in µs."""
        times = []
        while sum(times) * BATCH < duration_s * 1e6:
            packed = [packing.pack(load) for load in itertools.islice(self._loads, BATCH)]
            start = time.perf_counter_ns()
            _core.record_returns(self._returner, packed)
            times.append((time.perf_counter_ns() - start) / 1000 / BATCH)
        return times


class _Disk:
    """Context manager around a file on the disk of the server, written durably."""

    BLOCKS = 64

    def __init__(self, database):
        self._path = database.server.directory / "bench_disk"

    def __enter__(self):
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        os.pwrite(self._file, bytes(self.BLOCKS * BLOCK), 0)
        os.fsync(self._file)
        self._places = itertools.cycle(range(0, self.BLOCKS * BLOCK, BLOCK))
        return self

    def __exit__(self, *exception):
        os.close(self._file)
        self._path.unlink()

    def write(self):
        """Overwrite a block; back when it is on the disk."""
        os.pwrite(self._file, b"x" * BLOCK, next(self._places))
        os.fdatasync(self._file)


class Returned:
    """An alternative for rounds.medians: a returner on new returns, made beforehand."""

    BATCH = 20

    def __init__(self, returner, loads):
        self._returner = returner
        self._loads = loads

    def run(self, duration_s):
        """Hand them over for so long; the times in µs."""
        times = []
        while sum(times) < duration_s * 1e6:
            for load in list(itertools.islice(self._loads, self.BATCH)):
                times += Clocked(lambda load=load: self._returner(load)).run(0)
        return times


def loads_of(database, minions):
    """Returns of one minion after the other, without end."""
    exporter = database.dsn_file("exporter").read_text().strip()
    for number in itertools.count():
        minion = minions.minion(number)
        pillar = _core.document(exporter, minion)
        document = (pillar["revision"], pillar["digest"], pillar["evidence_key"])
        yield highstate.converged(_core, minion, document, pillar["packages"], CHUNKS - 1)()


def options_of(database):
    """The options of a master with both returners."""
    return {
        **salt.config.master_config(None),
        "approval": {"returner": {"dsn_file": str(database.dsn_file("returner"))}},
        "returner.pgjsonb.host": str(database.server.socket),
        "returner.pgjsonb.user": SUPERUSER,
        "returner.pgjsonb.pass": "",
        "returner.pgjsonb.db": NAME,
    }


def _check(database):
    stored = database.query("SELECT verdict, authenticated, flags FROM approval.job_return")
    if stored != "converged|t|{unknown-job}":
        raise AssertionError(f"the return that this measures is recorded as {stored}")
