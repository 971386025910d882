"""Connections to the database, a few for each process, with a deadline for each use."""

import contextlib
import dataclasses
import queue
import threading
import time

import psycopg

from .. import db
from ..errors import Refused, Unavailable
from .cutting import cut_after

MOST = 4
CONNECT_TIMEOUT_MS = 2_000  # of libpq, which knows no shorter one


class Connections:
    """
    At most MOST connections to what ``settings`` (a function without arguments) gives, a config.Connection; made when
    they are needed, kept, and given to one thread at a time.
    """

    def __init__(self, settings):
        self._settings = settings
        self._free = threading.BoundedSemaphore(MOST)
        self._idle = queue.LifoQueue()
        self._streams = threading.Semaphore()

    def call(self, seconds, work):
        """
        What ``work`` gives, which is called with a psycopg connection and is to be over in so many seconds: on one
        that was kept, and if the server has ended that meanwhile, again on a new one; so it must bear a repetition.

        Raises what it raises, and Unavailable where the database cannot be asked in time.
        """
        until = time.monotonic() + seconds
        if not self._free.acquire(timeout=seconds):
            raise Unavailable("all connections to the approval database are in use")
        try:
            with contextlib.suppress(queue.Empty):
                conn = self._idle.get_nowait()
                with contextlib.suppress(Unavailable):
                    return self._work(conn, until, work)
                if time.monotonic() >= until:
                    raise Unavailable("the approval database does not answer in time")
            return self._work(self._connect(), until, work)
        finally:
            self._free.release()

    def stream(self, seconds, work):
        """
        Yield what the iterator gives that ``work`` gives, which is called with a connection of its own, beside those of
        call(); all of it is to be over in so many seconds. It is begun once, and one at a time.

        Raises what that raises, and Unavailable, at the first step or at any other.
        """
        until = time.monotonic() + seconds
        if not self._streams.acquire(blocking=False):
            raise Unavailable("something else that is long is being read from the approval database")
        try:
            conn = self._connect()
            left = max(0.0, until - time.monotonic())
            with contextlib.closing(conn), db.translated(), cut_after(left, conn.fileno()):
                yield from work(conn)
        finally:
            self._streams.release()

    def close(self):
        """Close those that are kept."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._idle.get_nowait().close()

    def _connect(self):
        connection = self._settings()
        options = {"connect_timeout_ms": CONNECT_TIMEOUT_MS, **connection.options}
        return db.connect(dataclasses.replace(connection, options=options))

    def _work(self, conn, until, work):
        try:
            with db.translated(), cut_after(max(0.0, until - time.monotonic()), conn.fileno()):
                answer = work(conn)
        except Refused:
            self._idle.put(conn)
            raise
        except BaseException:
            # Its state is not known for sure, so nobody else gets it.
            with contextlib.suppress(psycopg.Error):
                conn.close()
            raise
        self._idle.put(conn)
        return answer
