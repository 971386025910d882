"""One worker in its thread: made, woken, told of events, given rounds, closed after an error and tried again."""

import contextlib
import importlib
import logging
import random
import threading
import time

from .saying import Saying
from .worker import WORKERS

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
EVENTS_AT_ONCE = 1000  # in front of a round


class Runner:
    """
    One worker in its thread.

    inbox
        Where the Bus puts what the worker is to hear; None while it is not made, or hears nothing.
    rounds, errors, busy_s
        How many rounds began and how many failed, also as the worker could not be made; how many seconds they took.
    succeeded_at
        When the last one came to its end, in seconds since 1970; None: none did.
    """

    def __init__(self, settings, name, bus, figures=tuple):
        self.name = name
        self.worker = self.inbox = self.succeeded_at = None
        self.rounds = self.errors = 0
        self.busy_s = 0.0
        self.thread = threading.Thread(target=self._run, name=f"approval-{name}", daemon=True)
        self._settings = settings
        self._bus = bus
        self._figures = figures
        self._stopping = False
        self._wake = threading.Event()  # a round is wanted
        self._retry = threading.Event()  # what made rounds fail may be over
        self._started = None  # when the round began that is going on
        self._said = Saying(f"approval: worker {name}")

    @property
    def error(self):
        """The error of which rounds fail now, for people; None while they do not."""
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
                    if self.worker.events:
                        self.inbox = self._bus.open_inbox(self.name, self.worker.events, self._wake.set)
                wanted = self._round()
            except Exception as exc:
                self.errors += 1
                self._said.failed(exc)
                self._close()
                # Many masters must not come back in step.
                self._retry.wait(pause * random.uniform(0.5, 1.0))  # noqa: S311
                pause = min(2 * pause, LONGEST_PAUSE_S)
            else:
                self.succeeded_at = time.time()
                self._said.succeeded()
                pause = FIRST_PAUSE_S
                every = self.worker.every_s
                self._wake.wait(every if wanted is None else max(0.0, min(wanted, every)))
        self._close()

    def _made(self):
        worker = importlib.import_module(WORKERS[self.name]).worker(self._settings)
        if worker is not None:
            worker.figures = self._figures
        return worker

    def _round(self):
        began = self._started = time.monotonic()
        self.rounds += 1
        try:
            is_more = self.inbox is not None and self._hear()
            wanted = self.worker.round()
            return 0.0 if is_more else wanted
        finally:
            self._started = None
            self.busy_s += time.monotonic() - began

    def _hear(self):
        """Tell the worker of events; tells whether there may be more."""
        try:
            if self.inbox.take_missed():
                self.worker.missed()
            for _ in range(EVENTS_AT_ONCE):
                event = self.inbox.take()
                if event is None:
                    return False
                self.worker.heard(*event)
        except Exception:
            self.inbox.miss()
            raise
        return True

    def _close(self):
        if self.worker is not None:
            with contextlib.suppress(Exception):
                self.worker.close()
