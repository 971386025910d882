"""The spool: what Salt hands over while the database is away, on the master's disk, until it is recorded.

The core keeps it (``_core.Spool``); here is where it stands, who has it open, and what its entries hold.
"""

import os
import threading
import time
from dataclasses import dataclass
from typing import NamedTuple

from .. import _core
from .. import settings as configured
from ..errors import ConfigError
from . import packing

MODES = ("database", "spool")
DEFAULT_MAX_MB = 1024
SMALLEST_MAX_MB = 16
LARGEST_MAX_MB = 1024 * 1024
JID_BYTES = 255  # what the core takes; anything longer is no jid, but what a minion made up

PAGE = 500  # entries that are in memory at one time where all are looked at
PAGE_BYTES = 16 * 1024 * 1024

_opened = {}  # path -> the core's Spool: a process may have each open only once
_lock = threading.Lock()


def _forget():
    """In a child: what the parent has open is the parent's."""
    global _lock
    _lock = threading.Lock()
    _opened.clear()


os.register_at_fork(after_in_child=_forget)


class Entry(NamedTuple):
    """An entry of the spool. ``kind`` is None of a damaged one; ``reason`` None of one not set aside."""

    seq: int
    kind: str | None
    accepted: float
    jid: str
    payload: bytes
    reason: str | None
    aside_at: float

    @property
    def content(self):
        """The entry as JobDatabase.write() takes it; raises ValueError if it is not of that form."""
        if self.kind == "return":
            return self.payload
        content = packing.unpack(self.payload)
        if not isinstance(content, list):
            raise ValueError("the entry holds no list")
        return content


@dataclass(frozen=True)
class Settings:
    """Of ``approval:returner``: how the spool is used, where it is, and its bound in bytes."""

    mode: str
    path: str
    bound_bytes: int


def settings(opts):
    """The Settings in the configuration ``opts`` of a master or minion. Raises ConfigError."""
    master = configured.Settings.from_master(opts)
    where = configured.PARTS["returner"].where
    given = master.section("returner") or {}
    if not isinstance(given, dict):
        raise ConfigError(f"{where} must be a mapping of settings")
    mode = given.get("mode", "database")
    if mode not in MODES:
        raise ConfigError(f"{where}: mode must be one of {', '.join(MODES)}")
    path = given.get("spool")
    if path is None:
        path = os.path.join(master.cachedir, "approval", "spool")
    if not isinstance(path, str) or not os.path.isabs(path):
        raise ConfigError(f"{where}: spool must be the full path of a directory on a local disk")
    max_mb = given.get("spool_max_mb", DEFAULT_MAX_MB)
    if isinstance(max_mb, bool) or not isinstance(max_mb, int) or not SMALLEST_MAX_MB <= max_mb <= LARGEST_MAX_MB:
        raise ConfigError(f"{where}: spool_max_mb must be a whole number, {SMALLEST_MAX_MB} to {LARGEST_MAX_MB}")
    return Settings(mode, os.path.normpath(path), max_mb * 1024 * 1024)


class Spool:
    """
    The spool that ``settings`` describes, opened when it is first needed.

    Reading one that was never made finds nothing, and makes nothing. A read that fails raises _core.StoreError
    (full, damaged), _core.DataError (its directory is open to others, say) or OSError.
    """

    def __init__(self, settings):
        self.settings = settings

    @property
    def exists(self):
        """Whether there is one."""
        return os.path.exists(os.path.join(self.settings.path, "data.mdb"))

    def put(self, kind, jid, content):
        """Add what JobDatabase.write() would be given; on disk when this returns. Gives its number."""
        payload = content if kind == "return" else packing.pack(content)
        return self._core(make=True).put([(kind, time.time(), job_key(jid), payload)])

    def count_dropped(self, events):
        """Count events that found no room."""
        self._core(make=True).count_dropped(events)

    def has(self, jid):
        """Whether any entry of the job waits."""
        return self.exists and self._core().has(job_key(jid))

    def find(self, jid):
        """The entries of a job that wait, in their order, without damaged ones."""
        if not self.exists:
            return []
        return [Entry(*entry) for entry in self._core().find(job_key(jid))]

    def find_all(self, kind):
        """Yield the entries of one kind, of all jobs and ordered by job, however many there are."""
        after, entries = None, self.exists
        while entries:
            entries = [
                Entry(*entry) for entry in self._core().find(None, kind, after=after, count=PAGE, size=PAGE_BYTES)
            ]
            yield from entries
            after = (entries[-1].jid, entries[-1].seq) if entries else None

    def read(self, first=0, aside=False, **bounds):
        """The entries from number ``first`` on, or those set aside. bounds: count and size (bytes) at most."""
        if not self.exists:
            return []
        return [Entry(*entry) for entry in self._core().read(first, aside=aside, **bounds)]

    def walk(self, aside=False):
        """Yield all entries, however many there are."""
        first = 0
        while entries := self.read(first, aside):
            yield from entries
            first = entries[-1].seq + 1

    def info(self):
        """The number of its entries, and how full it is: a dict. All zero if there is none."""
        if not self.exists:
            kinds = dict.fromkeys(("load", "return", "minions", "endtime", "events"), 0)
            return {
                "entries": 0, "kinds": kinds, "aside": 0, "oldest_seq": 0, "oldest": 0.0, "dropped_events": 0,
                "used_bytes": 0, "bound_bytes": self.settings.bound_bytes,
            }  # fmt: skip
        return self._core().info()

    def remove(self, seqs):
        """Remove entries that wait, all at once."""
        self._core().remove(seqs)

    def set_aside(self, seq, reason):
        """Set an entry aside. Gives whether it was there."""
        return self._core().set_aside(seq, packing.as_text(reason), time.time())

    def retry(self, seq):
        """Let what was set aside wait again, behind all others. Gives its new number; 0: there is none such."""
        return self._core().retry(seq) if self.exists else 0

    def drop(self, seq):
        """Forget what was set aside. Gives whether it was there."""
        return self.exists and self._core().drop(seq)

    def _core(self, make=False):
        path = self.settings.path
        with _lock:
            opened = _opened.get(path)
            if opened is None:
                if make:
                    make_private(os.path.dirname(path))
                    make_private(path)
                opened = _opened[path] = _core.Spool(path, self.settings.bound_bytes)
            return opened


def job_key(jid):
    """A job's id as the spool finds it by."""
    return str(packing.as_text(str(jid)).encode("utf-8")[:JID_BYTES], "utf-8", "ignore")


def make_private(path):
    """Make the directory, if it isn't there, for its owner alone: whoever owns the one that it is in."""
    if os.path.isdir(path):
        return
    parent = os.path.dirname(path)
    if not os.path.isdir(parent):
        make_private(parent)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:  # another process was faster
        return
    if os.geteuid() == 0:
        owner = os.stat(parent)
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
