"""Records what waits in the spool, in its order and in batches, and sets aside what the database will never take.

An entry is removed once the transaction that recorded it is committed. Whoever is killed in between leaves it
to be recorded again, which changes nothing: a repeated return is found by its digest, the first load of a job
stays. Only events may come twice then.
"""

import contextlib
import fcntl
import itertools
import logging
import os
import time
from dataclasses import dataclass

from . import _core, jobs
from .job_database import claimed_content

log = logging.getLogger(__name__)

BATCH = 500
BATCH_BYTES = 16 * 1024 * 1024
KNOWN_JOBS = 10_000
# Classes of SQLSTATE that are about what is stored, not about the server's state: these come again each time.
REFUSALS = ("22", "23", "54", "AP")
NEVER = (ValueError, TypeError, KeyError, AttributeError)  # what comes of content that is not of its kind


@dataclass
class Drained:
    """What one run did. ``finished``: nothing waits any more; False too while another process drains."""

    recorded: int = 0
    aside: int = 0
    finished: bool = False
    busy: bool = False


def run(spool, database, limit_s=None):
    """
    Record what waits in ``spool`` into ``database`` (a JobDatabase), for ``limit_s`` seconds or to the end.

    Returns a Drained; with ``busy`` set and nothing done if another process is at it. Raises the core's
    errors when the database is away or cannot take anything now: what is not recorded stays.
    """
    done = Drained()
    if not spool.exists:
        done.finished = True
        return done
    with _only_one(spool.settings.path) as mine:
        if not mine:
            done.busy = True
            return done
        end = None if limit_s is None else time.monotonic() + limit_s
        batches = _Batches(spool, database, done)
        while not done.finished and (end is None or time.monotonic() < end):
            entries = spool.read(count=BATCH, size=BATCH_BYTES)
            done.finished = not entries
            batches.record(entries)
    return done


@contextlib.contextmanager
def _only_one(path):
    """Whether this process is the only one that drains; the kernel lets go of the lock when it dies."""
    lock = os.open(os.path.join(path, "drain.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        owner = os.stat(path)
        if os.geteuid() == 0:
            os.fchown(lock, owner.st_uid, owner.st_gid)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(lock)


class _Batches:
    """Records entries of the spool: those of one kind that follow each other in one go."""

    def __init__(self, spool, database, done):
        self._spool = spool
        self._database = database
        self._done = done
        self._known = set()  # jobs that the database has a load of

    def record(self, entries):
        for kind, group in itertools.groupby(entries, key=lambda entry: entry.kind):
            group = list(group)
            if kind is None:
                for entry in group:
                    self._set_aside(entry, "it is damaged")
            elif not (kind == "return" and len(group) > 1 and self._together(group)):
                for entry in group:
                    self._alone(entry)

    def _together(self, group):
        """Record returns in one transaction; False, and nothing recorded, if one of them is refused."""
        try:
            self._claim(group)
            self._database.record_all([entry.content for entry in group])
        except Exception as exc:
            if not _is_refusal(exc):
                raise
            return False
        self._remove(group)
        return True

    def _alone(self, entry):
        try:
            if entry.kind == "return":
                self._claim([entry])
            self._database.write(entry.kind, entry.content, entry.accepted)
        except Exception as exc:
            if not _is_refusal(exc):
                raise
            self._set_aside(entry, str(exc) if isinstance(exc, _core.Error) else "its content is not of its kind")
            return
        self._remove([entry])

    def _claim(self, entries):
        """Let the returns describe their jobs, as far as nobody published these."""
        for entry in entries:
            if entry.jid in self._known:
                continue
            load = jobs.unpack(entry.content)
            jid = str(load.get("jid"))
            if not self._database.rows("get_load", jid):
                self._database.write("load", claimed_content(jid, load), entry.accepted)
            if len(self._known) >= KNOWN_JOBS:
                self._known.clear()
            self._known.add(entry.jid)

    def _remove(self, entries):
        seqs = [entry.seq for entry in entries]
        try:
            self._spool.remove(seqs)
        except _core.StoreError as exc:
            # On a disk without room less may still be possible.
            if exc.code != "full" or len(seqs) == 1:
                raise
            for seq in seqs:
                self._spool.remove([seq])
        self._done.recorded += len(seqs)

    def _set_aside(self, entry, reason):
        log.error("Entry %d of the spool is set aside (salt-approval spool show --poison): %s", entry.seq, reason)
        self._spool.set_aside(entry.seq, reason)
        self._done.aside += 1


def _is_refusal(exc):
    """Whether the same entry would be refused each time."""
    if isinstance(exc, _core.DatabaseError):
        return (exc.sqlstate or "").startswith(REFUSALS)
    return isinstance(exc, NEVER)
