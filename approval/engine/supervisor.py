"""The engine beside the master: runs each worker in a thread of its own, wakes it, and keeps it going.

A worker that raises stops no other. It is tried again after a pause that grows up to a bound, and what it says
is logged when it changes, not each time. NOTIFY of the database only makes rounds come sooner: every worker
also comes around by itself.
"""

import contextlib
import logging
import os
import random
import signal
import threading
import time

import psycopg
from psycopg import sql

from .. import db
from ..errors import ApprovalError, ConfigError
from ..settings import Settings
from . import heartbeat, metrics, worker
from .bus import Bus
from .runner import FIRST_PAUSE_S, LONGEST_PAUSE_S, Runner
from .saying import Saying

log = logging.getLogger(__name__)

TICK_S = 1.0
STOP_WITHIN_S = 5.0


def run(opts, given=None):
    """
    Run the workers of the master with the configuration ``opts`` until the master stops, is gone, or this
    process is told to end. Called in the engine's own process, in its main thread.

    given
        What stands behind the engine's name in the master's configuration: nothing should.
    """
    settings = Settings.from_master(opts)
    problem = settings.pillar_cache_problem()
    if problem:
        log.error("approval: %s. %s", *problem)
    if given:
        log.error("approval: the settings of the engine belong under approval:engine, not under engines; ignored there")
    supervisor = Supervisor(settings)
    with signals(supervisor.stop):
        supervisor.run()


@contextlib.contextmanager
def signals(stop):
    """Call ``stop`` on SIGTERM and SIGINT, in place of handlers that end the process at once, as Salt's."""
    before = {number: signal.signal(number, lambda *_: stop()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Supervisor:
    """
    Runs the workers named ``names`` with these Settings, a listener for NOTIFY, and a reader of the master's events.

    ends_with_parent
        Whether run() ends when the process that started this one is gone, as the engine does with its master.
    ready
        Called once the workers were started.

    Threads and connections are made in run(), so nothing is shared with a process that this one came from.
    """

    def __init__(self, settings, names=tuple(worker.WORKERS), ends_with_parent=True, ready=lambda: None):
        self._settings = settings
        self._ends_with_parent = ends_with_parent
        self._ready = ready
        self._names = names
        self._stopping = threading.Event()
        self._runners = []
        self._next_beat = 0.0
        self._beats = Saying(
            f"approval: `salt-approval check` takes the engine for dead: {heartbeat.path(settings.cachedir)}"
        )

    def stop(self):
        """Make run() return soon. May be called from a signal handler or another thread."""
        self._stopping.set()

    def run(self):
        """Run until stop(), or until the process that started this one is gone, if it is to end then."""
        parent = os.getppid()
        self._wait_for_configuration(parent)
        self._bus = Bus(self._settings, self._stopping)
        self._runners = [Runner(self._settings, name, self._bus, self._figures) for name in self._enabled()]
        listener = _Listener(self._settings, self._runners, self._stopping)
        threads = [runner.thread for runner in self._runners] + [listener.thread, self._bus.thread]
        for thread in threads:
            thread.start()
        try:
            self._beat()
            self._ready()
            while not self._ends(parent):
                for runner in self._runners:
                    runner.watch()
                self._beat()
        finally:
            self._stopping.set()
            self._end(threads)

    def _ends(self, parent):
        """Wait for the next look at things; tells whether it was the last."""
        return self._stopping.wait(TICK_S) or (self._ends_with_parent and os.getppid() != parent)

    def _wait_for_configuration(self, parent):
        # Salt would start a process that gave up again at once, and for ever.
        said = Saying("approval: the engine does nothing")
        pause = FIRST_PAUSE_S
        while not self._stopping.is_set():
            try:
                self._settings.listen_connection()
                self._settings.connection(self._settings.main_part)
                for problem in worker.problems(self._settings):
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
            for part, names in worker.OF_PARTS.items():
                if name in names and self._settings.section(part) is None:
                    return True
            return self._settings.worker(name) is None
        except ConfigError:
            return False  # its own thread says what is wrong

    def _figures(self):
        return metrics.engine_rows(self._runners, self._bus)

    def _beat(self):
        if time.monotonic() < self._next_beat:
            return
        self._next_beat = time.monotonic() + heartbeat.EVERY_S
        failing = {runner.name: runner.error for runner in self._runners if runner.error}
        if self._bus.error:
            deaf = {runner.name: f"it hears no events: {self._bus.error}" for runner in self._runners if runner.inbox}
            failing = {**deaf, **failing}
        try:
            heartbeat.write(
                self._settings.cachedir,
                [runner.name for runner in self._runners],
                failing,
                {
                    runner.name: runner.inbox.dropped
                    for runner in self._runners
                    if runner.inbox and runner.inbox.dropped
                },
                self._bus.junk,
            )
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


class _Listener:
    """Waits for NOTIFY on a connection of its own, and wakes the workers that it is meant for."""

    def __init__(self, settings, runners, stopping):
        self.thread = threading.Thread(target=self._run, name="approval-listen", daemon=True)
        self._settings = settings
        self._runners = runners
        self._stopping = stopping
        self._said = Saying("approval: no notices, so workers come around by themselves only")

    def _run(self):
        pause = FIRST_PAUSE_S
        while not self._stopping.is_set():
            try:
                with db.connect(self._settings.listen_connection()) as conn, db.translated():
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
                # Events from before are not announced any more.
                for runner in self._runners:
                    runner.retry()
                channels = wanted
            self._said.succeeded()
            for notice in conn.notifies(timeout=TICK_S):
                for runner in self._runners:
                    runner.wake(notice.channel)
                if self._stopping.is_set():
                    return
