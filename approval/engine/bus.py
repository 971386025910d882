"""
The master's event bus: one connection, and one thread that reads it and does nothing else.

Each worker that names tags has an inbox, which it empties in its own thread. An inbox is bounded: a slow worker loses
events, which are counted, and holds up neither this thread nor another worker. Every minion can put events on the bus,
with any tag and any content: an event that is no mapping, or a very large one, is counted and passed over.
"""

import collections
import logging
import os
import random
import threading
import time

from .saying import Saying

log = logging.getLogger(__name__)

MAX_EVENTS = 10_000  # in one inbox
MAX_BYTES = 16 * 1024 * 1024  # in one inbox
MAX_EVENT_BYTES = 64 * 1024
MAX_TAG = 512  # characters
OBJECT_BYTES = 64  # about what each object takes beside its text
TICK_S = 1.0
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0
SOCKET = "master_event_pub.ipc"


class Inbox:
    """
    The events that a worker has yet to hear.

    name
        The worker's, for the log.
    tags
        What the tags begin with: a tuple of texts.
    wake
        Called from the thread of the bus when there is something to be heard.
    dropped
        How many events the worker lost, since there was no room.

    put() and miss() are for the thread of the bus, the others for that of the worker; waiting and lag_s for any.
    """

    def __init__(self, name, tags, wake):
        self.tags = tuple(tags)
        self.dropped = 0
        self._name = name
        self._wake = wake
        self._lock = threading.Lock()
        self._events = collections.deque()
        self._bytes = 0
        self._is_behind = False
        self._has_missed = True  # whatever came before there was an inbox

    @property
    def waiting(self):
        """How many events there are."""
        return len(self._events)

    @property
    def lag_s(self):
        """For how many seconds the oldest event has been there; 0: there is none."""
        with self._lock:
            return time.monotonic() - self._events[0][3] if self._events else 0.0

    def put(self, tag, data, size_bytes):
        """Add an event, or count it as dropped."""
        with self._lock:
            is_full = len(self._events) >= MAX_EVENTS or self._bytes + size_bytes > MAX_BYTES
            is_news = is_full and not self._is_behind
            if is_full:
                self.dropped += 1
                self._is_behind = self._has_missed = True
            else:
                self._events.append((tag, data, size_bytes, time.monotonic()))
                self._bytes += size_bytes
        if is_news:
            log.error("approval: worker %s is too slow for the master's events: some are dropped", self._name)
        self._wake()

    def take(self):
        """The oldest event as (tag, data), which is the worker's now; None: there is none."""
        with self._lock:
            if self._events:
                tag, data, size_bytes, _ = self._events.popleft()
                self._bytes -= size_bytes
                return tag, data
            is_over, self._is_behind = self._is_behind, False
        if is_over:
            log.warning("approval: worker %s hears all events again; it lost %d so far", self._name, self.dropped)
        return None

    def miss(self):
        """Events may have been lost in another way, as the bus was away."""
        self._has_missed = True
        self._wake()

    def take_missed(self):
        """Whether events may have been lost since this was asked last."""
        with self._lock:
            has_missed, self._has_missed = self._has_missed, False
        return has_missed


class Bus:
    """
    Reads the events of the master with these Settings until ``stopping`` is set.

    thread
        To be started by the caller. The bus connects once the first worker has an inbox.
    junk
        How many events with a tag that a worker listens for were passed over.
    """

    def __init__(self, settings, stopping):
        self.thread = threading.Thread(target=self._run, name="approval-bus", daemon=True)
        self.junk = 0
        self._opts = settings.opts
        self._stopping = stopping
        self._inboxes = ()
        self._lock = threading.Lock()
        self._said = Saying("approval: the master's events cannot be read")

    @property
    def error(self):
        """Why events cannot be read now, for people; None while they can."""
        return self._said.error

    def open_inbox(self, name, tags, wake):
        """A new Inbox; may be called from any thread."""
        inbox = Inbox(name, tags, wake)
        with self._lock:
            self._inboxes = (*self._inboxes, inbox)
        return inbox

    def hear(self, tag, data):
        """Hand an event to the workers that listen for it; they share ``data`` and leave it as it is."""
        if not isinstance(tag, str):
            self.junk += 1
            return
        listening = [inbox for inbox in self._inboxes if tag.startswith(inbox.tags)]
        if not listening:
            return
        size_bytes = size_of(data) if isinstance(data, dict) and len(tag) <= MAX_TAG else None
        if size_bytes is None:
            self.junk += 1
            return
        for inbox in listening:
            inbox.put(tag, data, size_bytes)

    def _run(self):
        pause = FIRST_PAUSE_S
        while not self._stopping.is_set():
            if not self._inboxes:
                self._stopping.wait(TICK_S)
                continue
            try:
                self._read()
            except Exception as exc:
                # Salt raises much while the master is away, of several libraries.
                self._said.failed(exc)
                self._stopping.wait(pause * random.uniform(0.5, 1.0))  # noqa: S311
                pause = min(2 * pause, LONGEST_PAUSE_S)
            else:
                pause = FIRST_PAUSE_S

    def _read(self):
        """Read events on a new connection, until the master is another one."""
        # Imported here, as other processes run workers without Salt.
        import salt.utils.event

        known = self._socket()
        events = salt.utils.event.get_event("master", opts=self._opts, listen=True, raise_errors=True)
        try:
            self._miss()
            look_at = time.monotonic() + TICK_S
            while not self._stopping.is_set():
                asked = time.monotonic()
                event = events.get_event(wait=TICK_S, full=True)
                now = time.monotonic()
                self._said.succeeded()
                if event is not None:
                    self.hear(event["tag"], event["data"])
                elif now - asked < TICK_S / 2:
                    self._stopping.wait(TICK_S)  # some releases do not wait for a master that is not there
                if now >= look_at:
                    look_at = now + TICK_S
                    # Some releases connect again by themselves, and do not tell that they had to.
                    socket = self._socket()
                    if socket not in (known, None):
                        if known is not None:
                            return
                        known = socket
                        self._miss()
        finally:
            events.destroy()

    def _miss(self):
        for inbox in self._inboxes:
            inbox.miss()

    def _socket(self):
        """The socket that the master has for its events now; None where there is none, as with TCP."""
        try:
            status = os.stat(os.path.join(self._opts["sock_dir"], SOCKET))
        except OSError:
            return None
        return status.st_dev, status.st_ino, status.st_mtime_ns


def size_of(data):
    """About how many bytes of memory ``data`` takes; None for more than MAX_EVENT_BYTES."""
    size_bytes, left = 0, [data]
    while left:
        value = left.pop()
        size_bytes += OBJECT_BYTES + (len(value) if isinstance(value, str | bytes) else 0)
        content = value if isinstance(value, dict | list | tuple) else ()
        if size_bytes + OBJECT_BYTES * len(content) > MAX_EVENT_BYTES:
            return None
        left.extend(content)
        if isinstance(value, dict):
            left.extend(value.values())
    return size_bytes
