"""Returns through Salt's loader in mode spool, each durable, and recorded in batches; against Salt's pgjsonb."""

import contextlib
import itertools
import multiprocessing
import os
import shutil
import statistics
import time

import returns
import salt.loader
import salt.utils.jid
from report import Floor, Row
from rounds import Clocked, medians

from saltext.approval.engine.workers import spool as spool_worker
from saltext.approval.jobs import drain, spool
from saltext.approval.jobs.database import JobDatabase
from saltext.approval.settings import Settings

JOB = 200  # returns
JOBS = 10  # accepted while others are recorded
REACH = 150
BLOCK = 8192
POLL_S = 0.005
LIMIT_S = 60


def measure(database, minions, directory, rounds, duration_s):
    """
    The row returner_spooled: the same returns as for returner_durable, accepted here while another process records
    them, as a master's worker and engine do; and both alone.

    minions
        A Fleet grown for returns.
    directory
        On the disk of the database, for the spool.
    """
    options = returns.options_of(database)
    options["approval"]["returner"].update(mode="spool", spool=str(directory / "spool"))
    returners = salt.loader.returners(options, {})
    loads = returns.loads_of(database, minions)
    apart = _Apart(returners, options, loads)
    with _File(directory / "block") as file:
        times = medians(
            {
                "together": _Together(returners, options, loads),
                "apart": apart,
                "pgjsonb": returns.Returned(returners["pgjsonb.returner"], loads),
                "disk": Clocked(file.write),
            },
            rounds,
            duration_s,
        )
    shutil.rmtree(directory / "spool")
    ratio = times["pgjsonb"] / times["together"]
    rate = 1e6 / times["together"]
    yield Row(
        "returner_spooled", returns.CHUNKS, rate, "returns/s", "Salt's pgjsonb", ratio, f">= {REACH}", ratio >= REACH
    )
    accepted, recorded = (statistics.median(part) for part in (apart.accepted, apart.recorded))
    yield Floor("accepted into the spool, one commit each", returns.CHUNKS, 1e6 / accepted, "returns/s")
    yield Floor(f"recorded from the spool, {JOB} waiting", returns.CHUNKS, 1e6 / recorded, "returns/s")
    yield Floor("both, one after the other", returns.CHUNKS, 1e6 / times["apart"], "returns/s")
    yield Floor("a block written with fdatasync", 1, 1e6 / times["disk"], "writes/s")


class _Spooled:
    """What both alternatives do: publish a job and hand over its returns."""

    def __init__(self, returners, options, loads):
        self._publish = returners["approval.save_load"]
        self._returner = returners["approval.returner"]
        self._loads = loads
        self._options = options
        self._spool = spool.Spool(spool.settings(options))

    def _job(self):
        """A jid and returns of that job."""
        jid = salt.utils.jid.gen_jid({})
        return jid, [{**load, "jid": jid} for load in itertools.islice(self._loads, JOB)]

    def _accept(self, jid, loads):
        published = {"fun": "state.apply", "arg": [], "tgt": "*", "tgt_type": "glob", "user": "root"}
        self._publish(jid, published, [load["id"] for load in loads])
        for load in loads:
            self._returner(load)


class _Apart(_Spooled):
    """An alternative for rounds.medians: a job with its returns accepted, then recorded; the times of one return.

    accepted, recorded
        The times in µs of each of the two.
    """

    def __init__(self, returners, options, loads):
        super().__init__(returners, options, loads)
        self._database = _database(options)
        self.accepted, self.recorded = [], []

    def run(self, duration_s):
        """Accept and record for so long; the times of one return in µs."""
        times = []
        while sum(times) * JOB < duration_s * 1e6:
            job = self._job()
            start = time.perf_counter_ns()
            self._accept(*job)
            accepted = time.perf_counter_ns()
            done = drain.run(self._spool, self._database)
            end = time.perf_counter_ns()
            if done.recorded != JOB + 1 or done.aside:
                raise AssertionError(f"of {JOB} returns {done.recorded} were recorded and {done.aside} set aside")
            self.accepted.append((accepted - start) / 1000 / JOB)
            self.recorded.append((end - accepted) / 1000 / JOB)
            times.append((end - start) / 1000 / JOB)
        return times


class _Together(_Spooled):
    """
    An alternative for rounds.medians: JOBS jobs with their returns accepted here, one return after the other, while
    another process records what there is; the time of one return, from the first until the last is recorded.
    """

    def run(self, _duration_s):
        """Do so once, however long it takes; the time of one return in µs."""
        jobs = [self._job() for _ in range(JOBS)]
        with _recording(self._options) as finish:
            start = time.perf_counter_ns()
            for job in jobs:
                self._accept(*job)
            finish.set()
            while (info := self._spool.info())["entries"]:
                time.sleep(POLL_S)
                if time.perf_counter_ns() - start > LIMIT_S * 1e9:
                    raise AssertionError(f"after {LIMIT_S} s {info['entries']} entries wait")
            end = time.perf_counter_ns()
        if info["aside"]:
            raise AssertionError(f"{info['aside']} entries were set aside")
        return [(end - start) / 1000 / JOB / JOBS]


@contextlib.contextmanager
def _recording(options):
    """Within the `with`, another process records what is in the spool as the engine does, until the event is set that
    this gives, and then what is left."""
    context = multiprocessing.get_context("spawn")
    ready, finish = context.Event(), context.Event()
    described = {"cachedir": str(options["cachedir"]), "approval": options["approval"]}
    process = context.Process(target=_record, args=(described, ready, finish))
    process.start()
    try:
        if not ready.wait(LIMIT_S):
            raise AssertionError("nobody records")
        yield finish
    finally:
        finish.set()
        process.join()


def _record(options, ready, finish):
    worker = spool_worker.worker(Settings.from_master(options))
    wait_s = worker.round()
    ready.set()
    while not finish.wait(worker.every_s if wait_s is None else wait_s):
        wait_s = worker.round()
    while worker.round() is not None:
        pass


def _database(options):
    return JobDatabase(Settings.from_master(options).connection("returner"))


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
