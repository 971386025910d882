"""The engine beside the master: runs each worker in a thread of its own, wakes it, and keeps it going.

A worker that raises stops no other. It is tried again after a pause that grows up to a bound, and what it says
is logged when it changes, not each time. NOTIFY of the database only makes rounds come sooner: every worker
also comes around by itself.
"""

import contextlib
import importlib
import logging
import os
import random
import signal
import threading
import time

import psycopg
from psycopg import sql

from .. import _core, db
from ..errors import ApprovalError, ConfigError
from ..settings import Settings
from . import heartbeat, worker

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
TICK_S = 1.0
STOP_WITHIN_S = 5.0
# The world around causes these (a server stops, for example), and one line says all. Any other is a fault of ours.
EXPECTED = (ApprovalError, _core.Error, psycopg.OperationalError)


def run(opts, settings=None):
    """
    Run the workers of the master with the configuration ``opts`` until the master stops, is gone, or this
    process is told to end. Called in the engine's own process, in its main thread.

    settings
        What stands behind the engine's name in the master's configuration: nothing should.
    """
    problem = Settings.from_master(opts).pillar_cache_problem()
    if problem:
        log.error("approval: %s. %s", *problem)
    if settings:
        log.error("approval: the settings of the engine belong under approval:engine, not under engines; ignored there")
    supervisor = Supervisor(opts)
    with _signals(supervisor.stop):
        supervisor.run()


@contextlib.contextmanager
def _signals(stop):
    """Call ``stop`` on SIGTERM and SIGINT, in place of Salt's handler, which ends the process at once."""
    before = {number: signal.signal(number, lambda *_: stop()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Supervisor:
    """
    Runs the workers named ``names``, as ``opts`` configures them, and one listener for NOTIFY.

    Threads and connections are made in run(), so nothing is shared with a process that this one came from.
    """

    def __init__(self, opts, names=worker.WORKERS):
        self._opts = opts
        self._names = names
        self._stopping = threading.Event()
        self._runners = []
        self._next_beat = 0.0
        self._beats = _Saying(f"approval: `salt-approval check` takes the engine for dead: {heartbeat.path(opts)}")

    def stop(self):
        """Make run() return soon. May be called from a signal handler or another thread."""
        self._stopping.set()

    def run(self):
        """Run until stop(), or until the process that started this one is gone."""
        parent = os.getppid()
        self._wait_for_configuration(parent)
        self._runners = [_Runner(self._opts, name) for name in self._enabled()]
        listener = _Listener(self._opts, self._runners, self._stopping)
        threads = [runner.thread for runner in self._runners] + [listener.thread]
        for thread in threads:
            thread.start()
        try:
            while not self._ends(parent):
                for runner in self._runners:
                    runner.watch()
                self._beat()
        finally:
            self._stopping.set()
            self._end(threads)

    def _ends(self, parent):
        """Wait for the next look at things; tells whether it was the last."""
        return self._stopping.wait(TICK_S) or os.getppid() != parent

    def _wait_for_configuration(self, parent):
        # Salt would start a process that gave up again at once, and for ever.
        said = _Saying("approval: the engine does nothing")
        pause = FIRST_PAUSE_S
        while not self._stopping.is_set():
            try:
                settings = Settings.from_master(self._opts)
                settings.listen_connection()
                settings.connection("engine")
                for problem in worker.problems(self._opts):
                    log.error("approval: %s. The other workers run.", problem)
                return
            except ConfigError as exc:
                said.failed(exc)
            until = time.monotonic() + pause
            while time.monotonic() < until:
                if self._ends(parent):
                    self._stopping.set()
                    break
            pause = min(2 * pause, LONGEST_PAUSE_S)

    def _enabled(self):
        return [] if self._stopping.is_set() else [name for name in self._names if not self._is_off(name)]

    def _is_off(self, name):
        try:
            return Settings.from_master(self._opts).worker(name) is None
        except ConfigError:
            return False  # its own thread says what is wrong

    def _beat(self):
        if time.monotonic() < self._next_beat:
            return
        self._next_beat = time.monotonic() + heartbeat.EVERY_S
        failing = {runner.name: runner.error for runner in self._runners if runner.error}
        try:
            heartbeat.write(self._opts, [runner.name for runner in self._runners], failing)
        except OSError as exc:
            self._beats.failed(exc)
        else:
            self._beats.succeeded()

    def _end(self, threads):
        for runner in self._runners:
            runner.stop()
        last = time.monotonic() + STOP_WITHIN_S
        for thread in threads:
            thread.join(max(0.0, last - time.monotonic()))


class _Runner:
    """One worker in its thread."""

    def __init__(self, opts, name):
        self.name = name
        self.worker = None
        self.thread = threading.Thread(target=self._run, name=f"approval-{name}", daemon=True)
        self._opts = opts
        self._stopping = False
        self._wake = threading.Event()  # a round is wanted
        self._retry = threading.Event()  # what made rounds fail may be over
        self._started = None  # when the round began that is going on
        self._said = _Saying(f"approval: worker {name}")

    @property
    def error(self):
        """What rounds fail of now, for people; None while they do not."""
        return self._said.error

    def wake(self, channel):
        """A notice came on this channel."""
        worker = self.worker
        if worker is not None and channel in worker.channels:
            self._wake.set()

    def retry(self):
        """The database can be reached (again): whatever was missed meanwhile is looked for."""
        self._retry.set()
        self._wake.set()

    def watch(self):
        """Interrupt a round that takes too long."""
        started, worker = self._started, self.worker
        if started is not None and worker is not None and time.monotonic() - started > worker.limit_s:
            log.error("approval: worker %s is stuck for more than %d s: interrupted", self.name, worker.limit_s)
            self._started = time.monotonic()
            worker.interrupt()

    def stop(self):
        """Make the thread end after the round that is going on."""
        self._stopping = True
        self.retry()

    def _run(self):
        pause = FIRST_PAUSE_S
        while not self._stopping:
            # Before the round: what is noticed while it runs leads to another.
            self._wake.clear()
            self._retry.clear()
            try:
                if self.worker is None:
                    self.worker = self._made()
                    if self.worker is None:
                        return
                wanted = self._round()
            except Exception as exc:
                self._said.failed(exc)
                self._close()
                # Many masters must not come back in step.
                self._retry.wait(pause * random.uniform(0.5, 1.0))  # noqa: S311
                pause = min(2 * pause, LONGEST_PAUSE_S)
            else:
                self._said.succeeded()
                pause = FIRST_PAUSE_S
                every = self.worker.every_s
                self._wake.wait(every if wanted is None else max(0.0, min(wanted, every)))
        self._close()

    def _made(self):
        return importlib.import_module(f"{__package__}.workers.{self.name}").worker(self._opts)

    def _round(self):
        self._started = time.monotonic()
        try:
            return self.worker.round()
        finally:
            self._started = None

    def _close(self):
        if self.worker is not None:
            with contextlib.suppress(Exception):
                self.worker.close()


class _Listener:
    """Waits for NOTIFY on a connection of its own, and wakes the workers that it is meant for."""

    def __init__(self, opts, runners, stopping):
        self.thread = threading.Thread(target=self._run, name="approval-listen", daemon=True)
        self._opts = opts
        self._runners = runners
        self._stopping = stopping
        self._said = _Saying("approval: no notices, so workers come around by themselves only")

    def _run(self):
        pause = FIRST_PAUSE_S
        while not self._stopping.is_set():
            try:
                with db.connect(Settings.from_master(self._opts).listen_connection()) as conn, db.translated():
                    self._listen(conn)
            except (ApprovalError, psycopg.Error, OSError) as exc:
                self._said.failed(exc)
                self._stopping.wait(pause * random.uniform(0.5, 1.0))  # noqa: S311
                pause = min(2 * pause, LONGEST_PAUSE_S)
            else:
                pause = FIRST_PAUSE_S

    def _listen(self, conn):
        channels = None
        while not self._stopping.is_set():
            # Workers are made in their own threads, some only when the database can be reached.
            wanted = {channel for runner in self._runners if runner.worker for channel in runner.worker.channels}
            if wanted != channels:
                for channel in sorted(wanted):
                    conn.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
                # What happened before is not announced any more.
                for runner in self._runners:
                    runner.retry()
                channels = wanted
            self._said.succeeded()
            for notice in conn.notifies(timeout=TICK_S):
                for runner in self._runners:
                    runner.wake(notice.channel)
                if self._stopping.is_set():
                    return


class _Saying:
    """Logs that something fails when it begins to, or fails otherwise, and when it works again."""

    def __init__(self, subject):
        self._subject = subject
        self._last = None
        self.error = (
            None  # what fails now; of an error that is not ours only its kind, since its text may hold anything
        )

    def failed(self, exc):
        text = f"{type(exc).__name__}: {exc}"
        is_expected = isinstance(exc, EXPECTED)
        self.error = str(exc) if is_expected else type(exc).__name__
        if text == self._last:
            return
        self._last = text
        if is_expected:
            log.error("%s: %s", self._subject, " ".join(str(exc).split()))
        else:
            log.error("%s: %s", self._subject, text, exc_info=exc)

    def succeeded(self):
        if self._last is not None:
            log.warning("%s: over, it works again", self._subject)
            self._last = self.error = None
