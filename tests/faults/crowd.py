"""Processes that do what the processes of a master do, all the time, and write down what they saw.

Each writes one JSON line for each thing it did to a file of its own, at once, so that what a process was told is
known also when it is killed. Times are of the monotonic clock, which all processes share.
"""

import collections
import contextlib
import datetime
import json
import multiprocessing
import os
import random
import signal
import time

import msgpack

from saltext.approval import _core, config, db, errors
from saltext.approval.client.database import DatabaseClient
from saltext.approval.jobs.store import JobStore
from saltext.approval.pillar import approval as pillar_module

# Tests fork, as Salt does.
_fork = multiprocessing.get_context("fork")
PATIENCE_S = 60


class Stop:
    """
    Whether all should finish, or whoever started them is no more. Made of a file: who is killed in the midst of a look
    holds no lock for ever.
    """

    def __init__(self, path):
        self.path = path
        self._parent = os.getpid()

    def is_set(self):
        return self.path.exists() or os.getppid() != self._parent

    def wait(self, seconds):
        time.sleep(seconds)


class Crowd:
    """
    `processes` that read and record, one that asks for approvals, and keepers, which log below `folder`.

    read
        A function that takes a minion's id and gives its document.
    record
        A function that takes a packed return and gives the outcome. Both raise _core.Error.
    approver
        The connection string by which approvals are asked for, or None: nobody asks.
    keepers
        {name: function that makes a worker of the engine, with round()}.
    pause_s
        How long each waits between two returns.
    inside
        Called in each process before anything else.
    """

    def __init__(
        self, folder, minions, read, record, approver, processes=8, keepers=None, pause_s=0, inside=lambda: None
    ):
        self.folder = folder
        self.users = [f"{number}" for number in range(processes)]
        self.keepers = list(keepers or {})
        self._offsets = collections.Counter()
        self._events = []
        self._stop = Stop(folder / "stop")
        self._jobs = {name: (_use, (int(name), minions, read, record, pause_s)) for name in self.users}
        self._jobs |= {name: (_keep, (make,)) for name, make in (keepers or {}).items()}
        if approver is not None:
            self._jobs["approver"] = (_approve, (minions, approver))
        self._inside = inside
        self._processes = {}
        self._starts = collections.Counter()

    def start(self):
        """Start all processes."""
        self.folder.mkdir()
        for name in self._jobs:
            self.start_one(name)

    def start_one(self, name):
        """Start a process (again, as another one of that name)."""
        self._starts[name] += 1
        log = self.folder / f"{name}.{self._starts[name]}"
        process = _fork.Process(target=_run, args=(self._stop, log, self._inside, *self._jobs[name]), daemon=True)
        process.start()
        self._processes[name] = process

    def kill_one(self, name):
        """Kill a process with SIGKILL, wherever it is, and start it again."""
        self._processes[name].kill()
        self._processes[name].join()
        self.start_one(name)

    def events(self):
        """All that was logged so far, in each process's order."""
        for log in sorted(self.folder.glob("*.*")):
            with open(log, encoding="utf-8") as file:
                file.seek(self._offsets[log])
                for line in file:
                    # A process may have been killed in the midst of a line, or may be there just now: then its rest
                    # comes as another line.
                    if not line.endswith("\n"):
                        break
                    self._offsets[log] += len(line)
                    self._events.append({"process": log.name, **json.loads(line)})
        return self._events

    def wait(self, what, count=1, names=None):
        """Wait until each of these processes (None: each user) has had `count` more events of the kind `what`."""
        done = collections.Counter(event["process"] for event in self.events() if event["what"] == what)
        wanted = {f"{name}.{self._starts[name]}" for name in names or self.users}
        deadline = time.monotonic() + PATIENCE_S
        while True:
            now = collections.Counter(event["process"] for event in self.events() if event["what"] == what)
            if all(now[name] - done[name] >= count for name in wanted):
                return
            assert time.monotonic() < deadline, f"no {count} x {what} in {PATIENCE_S} s"
            for process in self._processes.values():
                assert process.is_alive(), f"a process of the crowd ended with {process.exitcode}"
            time.sleep(0.02)

    def stop(self):
        """Let all finish what they are at; what failed is not tried again."""
        self._stop.path.touch()
        for process in self._processes.values():
            process.join(PATIENCE_S)
            assert process.exitcode == 0, f"a process of the crowd ended with {process.exitcode}"

    def kill(self):
        """End whatever still runs."""
        for process in self._processes.values():
            process.kill()
            process.join()


def _run(stop, log, inside, work, arguments):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    random.seed(log.name)
    inside()
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(what, start, **event):
        event |= {"what": what, "start": start, "end": time.monotonic()}
        os.write(descriptor, (json.dumps(event) + "\n").encode())

    work(stop, note, *arguments)


def _use(stop, note, number, minions, read, record, pause_s):
    """Read documents and record returns that follow them; now and then hand in again what failed."""
    failed, jid = [], ""
    while not stop.is_set():
        minion = random.choice(minions)
        start = time.monotonic()
        try:
            document = read(minion)
        except _core.Error as error:
            note("read-failed", start, code=error.code, text=str(error))
            _pause(stop)
            continue
        fields = ("minion", "revision", "digest", "packages", "source")
        note("read", start, **{name: document[name] for name in fields})
        if document["revision"]:
            jid = new_jid(number, jid)
            _hand_in(stop, note, record, failed, (jid, minion, _packed(jid, document)))
            stop.wait(pause_s)
        if failed and random.random() < 0.5:
            _hand_in(stop, note, record, failed, failed.pop(0))


def new_jid(number, last):
    """A job id that no other process, by its number, makes; and not the last one of this process again."""
    while (jid := f"{datetime.datetime.now():%Y%m%d%H%M%S%f}"[:-2] + f"{number:02}") == last:
        pass
    return jid


def _keep(stop, note, make):
    """Do the rounds of a worker, as the engine does, but without a pause."""
    worker = make()
    while not stop.is_set():
        start = time.monotonic()
        try:
            worker.round()
        except (_core.Error, errors.ApprovalError, OSError) as error:
            note("round-failed", start, text=str(error))
            _pause(stop)
        else:
            note("round", start)
            stop.wait(0.01)


def _hand_in(stop, note, record, failed, load):
    jid, minion, packed = load
    start = time.monotonic()
    note("handing-in", start, jid=jid, minion=minion)
    try:
        outcome = record(packed)
    except _core.Error as error:
        note("return-failed", start, jid=jid, minion=minion, code=error.code, text=str(error))
        if random.random() < 0.5:
            failed.append(load)
        _pause(stop)
    else:
        note("return", start, jid=jid, minion=minion, outcome=outcome)


def _pause(stop):
    """Others want to run while the database is away."""
    stop.wait(0.02)


def _packed(jid, document):
    """The return of a minion that did all that the document says, as the returner packs it."""
    evidence = {
        "format": 1,
        **{name: document[name] for name in ("minion", "revision", "digest")},
        "run_id": f"{random.getrandbits(128):032x}",
        "boot_id": "b" * 32,
        "observed": {"packages": document["packages"], "services": {}, "values": {}},
        "before": {"packages": dict.fromkeys(document["packages"])},
    }
    evidence["mac"] = _core.mac(document["evidence_key"], evidence)
    chunk = {"result": True, "changes": {}, "comment": "", "name": "approval", "__run_num__": 0}
    load = {
        "cmd": "_return",
        "id": document["minion"],
        "success": True,
        "return": {"approval_|-approval_|-approval_|-converged": chunk | {"approval": evidence}},
        "retcode": 0,
        "jid": jid,
        "fun": "state.apply",
        "fun_args": [],
    }
    return msgpack.packb(load)


def reader(settings, cachedir="/nonexistent"):
    """A reader of documents as a master has it: ext_pillar with its settings."""

    def read(minion):
        pillar_module.__opts__ = {"cachedir": cachedir}
        return pillar_module.ext_pillar(minion, {}, **settings)["approval"]

    return read


def recorder(settings):
    """A recorder of returns without a spool: the core, on a connection string with its options."""
    connection = config.connection(settings, "test")
    return lambda packed: _core.record_return(connection.conninfo, packed, **connection.options)["outcome"]


def returner(opts):
    """A recorder of returns as a master has it: the returner's store, which may spool it."""

    def record(packed):
        JobStore(opts).record(msgpack.unpackb(packed))
        return "accepted"

    return record


def _approve(stop, note, minions, dsn):
    """Have ever newer versions of one package approved; ask again, in the same words, for what got no answer."""
    conn, number, waiting = None, 0, None
    while not stop.is_set():
        if waiting is None:
            number += 1
            # First something for everybody, so that all have what returns are about.
            waiting = (number, random.sample(minions, random.randint(1, 4)) if number > 1 else minions)
        asked, targets = waiting
        start = time.monotonic()
        note("asking", start, ref=f"ref{asked}", number=asked, minions=targets)
        try:
            conn = conn or db.connect(config.Connection(dsn))
            DatabaseClient(conn, "pg", "bob").request(
                "standard", targets, {"app": f"1.{asked}"}, "a test", external_ref=f"ref{asked}", overlap="supersede"
            )
        except errors.Unavailable as error:
            note("request-failed", start, ref=f"ref{asked}", text=str(error))
            with contextlib.suppress(Exception):
                conn.close()
            conn = None
        else:
            note("approved", start, ref=f"ref{asked}", number=asked, minions=targets)
            waiting = None
        stop.wait(0.05)
