"""What the engine does all the time: a worker is one module in workers/, named in WORKERS.

Each module has ``worker(opts)``, which gives a Worker, or None where the master's configuration leaves it
nothing to do. The engine runs every worker in a thread of its own (see supervisor.py).
"""

import contextlib
import difflib
import os
import socket
import threading

import psycopg

from .. import db
from ..errors import ConfigError
from ..settings import Settings

WORKERS = (
    "seal",
    "partitions",
    "due",
    "dispatch",
    "reinstall",
    "drift",
    "snapshot",
    "spool",
)

DEFAULT_LIMIT_MS = 120_000


class Worker:
    """
    Something that is done again and again.

    name
        That of its module.
    every_s
        The longest time between two rounds, in seconds.
    channels
        Names of PostgreSQL's NOTIFY channels that start a round at once. They are hints: a round has to find
        by itself what is due.
    limit_s
        A round that takes longer counts as stuck and is interrupted.
    """

    name = ""
    every_s = 60.0
    channels = ()
    limit_s = 3600.0

    def round(self):
        """
        Do what is due. Returns after how many seconds at most it wants the next round, or None for every_s.

        May raise anything: it is logged, and another round is tried later.
        """
        raise NotImplementedError

    def interrupt(self):
        """Called from another thread: make a round that is stuck raise, as far as that can be done."""

    def close(self):
        """Let go of what is held open; another round may follow."""


class DatabaseWorker(Worker):
    """A worker on the approval database, with a connection of its own as ``approval:engine`` has it."""

    def __init__(self, opts):
        self.opts = opts
        self.limit_s = (
            Settings.from_master(opts).connection("engine").options.get("timeout_ms", DEFAULT_LIMIT_MS) / 1000
        )
        self._conn = None
        self._lock = threading.Lock()

    @property
    def conn(self):
        """The connection, opened at need; anew after an error."""
        if self._conn is None:
            self._conn = db.connect(Settings.from_master(self.opts).connection("engine"))
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


def problems(opts):
    """
    What is wrong under ``approval:engine:workers``, a text each. It holds up the worker that it is about and no other.
    Raises ConfigError where there is no mapping at all.
    """
    found = []
    settings = Settings.from_master(opts)
    for name in settings.workers():
        if name in WORKERS:
            try:
                settings.worker(name)
            except ConfigError as exc:
                found.append(str(exc))
        else:
            similar = difflib.get_close_matches(str(name), WORKERS, 1)
            meant = f"did you mean {similar[0]}?" if similar else f"there are {', '.join(WORKERS)}"
            found.append(f"approval:engine:workers: there is no worker {name!r}: {meant}")
    return found
