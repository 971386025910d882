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

from .. import config, db
from ..errors import ConfigError

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
ALSO = ("listen_dsn_file", "workers")


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
        self.limit_s = engine_connection(opts).options.get("timeout_ms", DEFAULT_LIMIT_MS) / 1000
        self._conn = None
        self._lock = threading.Lock()

    @property
    def conn(self):
        """The connection, opened at need; anew after an error."""
        if self._conn is None:
            self._conn = db.connect(engine_connection(self.opts))
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


def engine_settings(opts):
    """The mapping ``approval:engine`` of the master's configuration; raises ConfigError if there is none."""
    settings = (opts.get("approval") or {}).get("engine")
    if not isinstance(settings, dict) or not settings:
        raise ConfigError("approval:engine is not configured: set dsn_file: /etc/salt/approval/engine.dsn there")
    return settings


def engine_connection(opts):
    """The Connection that ``approval:engine`` names. Raises ConfigError."""
    return config.connection(engine_settings(opts), "approval:engine", ALSO)


def listen_connection(opts):
    """
    The Connection for LISTEN: ``listen_dsn_file`` where the other goes through a pooler that hands sessions
    around, else the same. Raises ConfigError.
    """
    path = engine_settings(opts).get("listen_dsn_file")
    if path is None:
        return engine_connection(opts)
    return config.Connection(config.read_dsn_file(path, "approval:engine: listen_dsn_file"))


def worker_settings(opts, name):
    """
    The settings of one worker, ``approval:engine:workers:NAME``: a mapping, empty by default; None where it
    says ``false``, which switches the worker off. Raises ConfigError; a name that is no worker's is told by problems().
    """
    settings = _all_settings(opts).get(name, {})
    if settings is False:
        return None
    if not isinstance(settings, dict):
        raise ConfigError(f"approval:engine:workers:{name} must be a mapping of settings, or false")
    return settings


def problems(opts):
    """
    What is wrong under ``approval:engine:workers``, a text each. It holds up the worker that it is about and no other.
    Raises ConfigError where there is no mapping at all.
    """
    found = []
    for name in _all_settings(opts):
        if name in WORKERS:
            try:
                worker_settings(opts, name)
            except ConfigError as exc:
                found.append(str(exc))
        else:
            similar = difflib.get_close_matches(str(name), WORKERS, 1)
            meant = f"did you mean {similar[0]}?" if similar else f"there are {', '.join(WORKERS)}"
            found.append(f"approval:engine:workers: there is no worker {name!r}: {meant}")
    return found


def _all_settings(opts):
    workers = engine_settings(opts).get("workers") or {}
    if not isinstance(workers, dict):
        raise ConfigError("approval:engine:workers must be a mapping of workers to settings, or to false")
    return workers
