"""Returns through Salt's loader in mode spool, each durable, then recorded in batches; against Salt's pgjsonb."""

import itertools
import os
import shutil
import time

import returns
import salt.loader
import salt.utils.jid
from report import Floor, Row
from rounds import Clocked, medians

from saltext.approval import config, drain, spool
from saltext.approval.job_database import JobDatabase

BATCH = 200
REACH = 150
BLOCK = 8192


def measure(database, minions, directory, rounds, duration_s):
    """
    The row returner_spooled: the same returns as for returner_durable, until they are recorded.

    minions
        A Fleet grown for returns.
    directory
        On the disk of the database, for the spool.
    """
    options = returns._options(database)
    options["approval"]["returner"].update(mode="spool", spool=str(directory / "spool"))
    returners = salt.loader.returners(options, {})
    loads = returns._loads(database, minions)
    spooled = _Spooled(returners, options, loads)
    with _File(directory / "block") as file:
        times = medians(
            {
                "spooled": spooled,
                "pgjsonb": returns._Returned(returners["pgjsonb.returner"], loads),
                "disk": Clocked(file.write),
            },
            rounds,
            duration_s,
        )
    shutil.rmtree(directory / "spool")
    ratio = times["pgjsonb"] / times["spooled"]
    rate = 1e6 / times["spooled"]
    yield Row(
        "returner_spooled", returns.CHUNKS, rate, "returns/s", "Salt's pgjsonb", ratio, f">= {REACH}", ratio >= REACH
    )
    yield Floor("accepted into the spool, one commit each", returns.CHUNKS, 1e6 / spooled.put_us, "returns/s")
    yield Floor(f"recorded from the spool, {BATCH} waiting", returns.CHUNKS, 1e6 / spooled.drain_us, "returns/s")
    yield Floor("a block written with fdatasync", 1, 1e6 / times["disk"], "writes/s")


class _Spooled:
    """An alternative for rounds.medians: a job and its BATCH returns, then recorded; the times of one return."""

    def __init__(self, returners, options, loads):
        self._publish = returners["approval.save_load"]
        self._returner = returners["approval.returner"]
        self._loads = loads
        settings = options["approval"]["returner"]
        self._database = JobDatabase(config.connection(settings, "bench", spool.SETTINGS))
        self._spool = spool.Spool(spool.settings(options))
        self.put_us = self.drain_us = None  # of the last round

    def run(self, duration_s):
        """Put and record for so long; the times of one return in µs."""
        times = []
        while sum(times) * BATCH < duration_s * 1e6:
            job = salt.utils.jid.gen_jid({})
            loads = [{**load, "jid": job} for load in itertools.islice(self._loads, BATCH)]
            published = {"fun": "state.apply", "arg": [], "tgt": "*", "tgt_type": "glob", "user": "root"}
            start = time.perf_counter_ns()
            self._publish(job, published, [load["id"] for load in loads])
            for load in loads:
                self._returner(load)
            put = time.perf_counter_ns()
            done = drain.run(self._spool, self._database)
            end = time.perf_counter_ns()
            if done.recorded != BATCH + 1 or done.aside:
                raise AssertionError(f"of {BATCH} returns {done.recorded} were recorded and {done.aside} set aside")
            self.put_us = (put - start) / 1000 / BATCH
            self.drain_us = (end - put) / 1000 / BATCH
            times.append((end - start) / 1000 / BATCH)
        return times


class _File:
    """Context manager around a file of one block, written durably again and again."""

    def __init__(self, path):
        self._path = path

    def __enter__(self):
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        return self

    def __exit__(self, *exception):
        os.close(self._file)
        self._path.unlink()

    def write(self):
        """Overwrite the block; back when it is on the disk."""
        os.pwrite(self._file, os.urandom(BLOCK), 0)
        os.fdatasync(self._file)
