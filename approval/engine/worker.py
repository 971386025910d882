"""The work that the engine does all the time: each worker is a module, named in WORKERS.

The module has ``worker(settings)``, which gives a Worker, or None where the Settings leave it nothing to do. The engine
runs every worker in a thread of its own (see runner.py).
"""

import contextlib
import difflib
import math
import os
import socket
import threading

import psycopg

from .. import db
from ..errors import ConfigError
from . import metrics

# Workers that need Salt, or what its master has on the disk.
OF_A_MASTER = ("dispatch", "reinstall", "catch_up", "drift", "inventory", "snapshot", "spool")
# The module of each worker, which is imported in the process that runs it.
WORKERS = {
    name: f"{__package__}.workers.{name}"
    for name in (
        "seal",
        "partitions",
        "due",
        "alarms",
        "standings",
        *OF_A_MASTER,
        "metrics",
        "tickets",
        "ticket_news",
        "ticket_options",
        "chat",
    )
}
# Workers that need no login but that of a part, and do nothing without that part.
OF_PARTS = {"itsm": tuple(name for name in WORKERS if name.startswith("ticket")), "chat": ("chat",)}

DEFAULT_LIMIT_MS = 120_000


class Worker:
    """
    Something that is done again and again.

    name
        That of its module.
    every_s
        The longest time between two rounds, in seconds.
    channels
        Names of PostgreSQL's NOTIFY channels that start a round at once. Notices are hints: a round has to find
        by itself what is due.
    events
        What the tags of those events on the master's bus begin with that the worker hears; they start a round at once.
    limit_s
        A round that takes longer counts as stuck and is interrupted.
    figures
        Gives what the engine knows of itself, as metrics.engine_rows() does; set before the first round.
    """

    name = ""
    every_s = 60.0
    channels = ()
    events = ()
    limit_s = 3600.0
    figures = staticmethod(tuple)

    def round(self):
        """
        Do what is due. Returns after how many seconds at most it wants the next round, or None for every_s.

        May raise anything: it is logged, and another round is tried later.
        """
        raise NotImplementedError

    def heard(self, tag, data):
        """
        Take an event of the master's bus, in front of a round; ``data`` is a mapping, which others may have too. Every
        minion can send any of them. May raise as round() does, and the event is lost.
        """
        raise NotImplementedError

    def missed(self):
        """Events may have been lost: called at the start, when the bus was away, and when this worker was too slow."""

    def interrupt(self):
        """Called from another thread: make a round that is stuck raise, as far as that can be done."""

    def close(self):
        """Let go of what is held open; another round may follow."""


class DatabaseWorker(Worker):
    """
    A worker on the approval database, with a connection of its own.

    part
        The part whose login it has (see settings.PARTS).
    """

    part = "engine"

    def __init__(self, settings):
        self.settings = settings
        self.opts = settings.opts
        self.limit_s = settings.connection(self.part).options.get("timeout_ms", DEFAULT_LIMIT_MS) / 1000
        self._conn = None
        self._lock = threading.Lock()

    @property
    def conn(self):
        """The connection, opened at need; anew after an error."""
        if self._conn is None:
            self._conn = db.connect(self.settings.connection(self.part))
        return self._conn

    def call(self, function, *args):
        """As db.call() on this worker's connection."""
        return db.call(self.conn, function, *args)

    def value(self, function, *args):
        """As db.value() on this worker's connection."""
        return db.value(self.conn, function, *args)

    def interrupt(self):
        # Of all that libpq offers nothing ends the wait for a server that was stopped; the end of the stream does.
        with self._lock, contextlib.suppress(OSError, psycopg.Error):
            if self._conn is not None:
                with socket.socket(fileno=os.dup(self._conn.fileno())) as stream:
                    stream.shutdown(socket.SHUT_RDWR)

    def close(self):
        with self._lock:
            conn, self._conn = self._conn, None
            if conn is not None:
                conn.close()


def numbers(settings, name, known, whole=()):
    """
    The settings of a worker that are numbers, as {name: number}; None where the worker is switched off.

    known
        Each setting's name, with its default and the least that it may be.
    whole
        Names of those that are whole numbers.

    Raises ConfigError for any other name or value.
    """
    given = settings.worker(name)
    if given is None:
        return None
    for key in given:
        if key not in known:
            raise ConfigError(
                f"approval:engine:workers:{name}: there is no setting {key!r} (known: {', '.join(known)})"
            )
    chosen = {}
    for key, (default, least) in known.items():
        value = given.get(key, default)
        kinds = int if key in whole else int | float
        # Infinity and what is no number at all are no less.
        if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value < math.inf:
            raise ConfigError(f"approval:engine:workers:{name}: {key} must be a number, {least:g} at the least")
        chosen[key] = value
    return chosen


def problems(settings):
    """
    The faults under ``approval:engine:workers`` and ``metrics``, a text each. A fault holds up the worker that it is
    about, and no other. Raises ConfigError where there is no mapping of workers at all.
    """
    found = []
    for name in settings.workers():
        if name in WORKERS:
            try:
                settings.worker(name)
            except ConfigError as exc:
                found.append(str(exc))
        else:
            found.append(f"approval:engine:workers: {unknown(name)}")
    problem = metrics.problem(settings)
    return found if problem is None else [*found, problem]


def unknown(name):
    """The sentence about a name that is no worker's."""
    similar = difflib.get_close_matches(str(name), WORKERS, 1)
    meant = f"did you mean {similar[0]}?" if similar else f"there are {', '.join(WORKERS)}"
    return f"there is no worker {name!r}: {meant}"
