"""Records what waits in the spool, in its order and in batches, and sets aside what the database will never take.

An entry that the database refuses each time is set aside at once; one that it does not finish in time, time after time
and while others are recorded, after some tries (late.py).

An entry is removed once the transaction that recorded it is committed. A process that is killed in between leaves it
to be recorded again, which changes nothing: a repeated return is found by its digest, the first load of a job
stays. Only events may come twice then.
"""

import contextlib
import fcntl
import itertools
import logging
import os
import stat
import time
from dataclasses import dataclass, field

from .. import _core
from ..intake import masking
from . import packing
from .database import Batch, claimed_content
from .known import KnownJobs
from .late import IN_A_ROW, TRIES, Late, PassedOver

log = logging.getLogger(__name__)

READ = 500  # entries at one time
READ_BYTES = 16 * 1024 * 1024
BATCH = 250  # returns in a transaction: the core judges the next ones while the server stores these
# Classes of SQLSTATE that are about what is stored, not about the server's state: these come again each time.
REFUSALS = ("22", "23", "54", "AP")
# Errors that may be over the next time. Any other one comes of content that is not of its kind.
ELSEWHERE = (_core.Error, OSError, MemoryError)


_late = {}  # path of a spool -> what this process knows of entries that timed out


@dataclass
class Drained:
    """
    The result of one run. ``finished``: it came to the end, and left nothing but ``late`` entries, which timed out or
    wait behind one that did; False too while another process drains.
    """

    recorded: int = 0
    aside: int = 0
    late: int = 0
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
        _Run(spool, database, done, limit_s).run()
    return done


@contextlib.contextmanager
def _only_one(path):
    """Whether this process is the only one that drains; the kernel lets go of the lock when it dies."""
    lock = os.open(os.path.join(path, "drain.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        owner, made = os.stat(path), os.fstat(lock)
        # The owner of the directory may have put anything there.
        if made.st_uid == os.geteuid() == 0 and stat.S_ISREG(made.st_mode) and made.st_nlink == 1:
            os.fchown(lock, owner.st_uid, owner.st_gid)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            try:
                yield True
            finally:
                fcntl.flock(lock, fcntl.LOCK_UN)  # which children that were forked meanwhile have, too
    finally:
        os.close(lock)


@dataclass
class _Group:
    """Entries of one kind that follow each other; ``batch`` is of the ``chosen`` ones of them."""

    kind: str | None
    entries: list
    chosen: list = field(default_factory=list)
    batch: Batch | None = None

    def choose(self, chosen):
        """The Batch of these returns: the one that is prepared already, if it is of the same."""
        if self.batch is None or self.chosen != chosen:
            self.batch = Batch([entry.content for entry in chosen])
            self.chosen = chosen
        return self.batch


class _Run:
    """Records entries of the spool: returns that follow each other in one go."""

    def __init__(self, spool, database, done, limit_s):
        self._spool = spool
        self._database = database
        self._done = done
        self._end = None if limit_s is None else time.monotonic() + limit_s
        self._known = KnownJobs()
        self._late = _late.setdefault(spool.settings.path, Late())
        self._passed = PassedOver()
        self._in_a_row = 0  # entries that timed out since the last one that was recorded

    def run(self):
        groups = self._groups()
        group = next(groups, None)
        while group and self._has_time():
            upcoming = next(groups, None)
            if not self._record(group, upcoming):
                break
            group = upcoming
        if not group:
            self._late.end()
            self._done.finished = True
        self._done.late = len(self._passed.seqs)

    def _groups(self):
        """Yield what waits, up to what is the end when it is reached."""
        first = 0
        while entries := self._spool.read(first, count=READ, size=READ_BYTES):
            if first == 0:
                self._late.forget_before(entries[0].seq)
            for kind, group in itertools.groupby(entries, key=lambda entry: entry.kind):
                while some := list(itertools.islice(group, BATCH)):
                    yield _Group(kind, some)
            first = entries[-1].seq + 1

    def _has_time(self):
        return self._end is None or time.monotonic() < self._end

    def _record(self, group, upcoming):
        """Record a group; False if the time was over before its end."""
        if group.kind is None:
            for entry in group.entries:
                self._set_aside(entry, "it is damaged")
        elif not (group.kind == "return" and self._together(group, upcoming)):
            for entry in group.entries:
                if not self._has_time():
                    return False
                if not self._pass_over(entry):
                    self._alone(entry)
        return True

    def _must_wait(self, entry):
        """Whether the entry timed out lately, or is behind one that did."""
        return self._passed.holds(entry) or not self._late.is_due(entry)

    def _pass_over(self, entry):
        """Whether the entry has to wait; then it is passed over."""
        wait = self._must_wait(entry)
        if wait:
            self._passed.add(entry)
        return wait

    def _together(self, group, upcoming):
        """Record returns in one transaction; False, and nothing recorded, if they are to be recorded one by one."""
        chosen = [entry for entry in group.entries if not self._pass_over(entry)]
        if not self._fit_together(chosen):
            return False
        try:
            self._claim(chosen)
            self._database.record_all(group.choose(chosen), self._prepared(upcoming))
        except Exception as exc:
            if _is_passed_over(exc):
                self._require_answer(exc)
                self._late.split(chosen)
            elif not is_refusal(exc):
                raise
            else:
                self._require_database(exc)
            return False
        self._remove(chosen)
        return True

    def _prepared(self, group):
        """The Batch of a group that comes next, or None. A fault in it shows when its turn has come."""
        if group is None or group.kind != "return":
            return None
        chosen = [entry for entry in group.entries if not self._must_wait(entry)]
        if not self._fit_together(chosen):
            return None
        try:
            self._claim(chosen)
            return group.choose(chosen)
        except Exception as exc:
            log.debug("What comes next is not prepared: %s", exc)
            return None

    def _fit_together(self, entries):
        return len(entries) > 1 and not any(self._late.is_alone(entry) for entry in entries)

    def _alone(self, entry):
        try:
            if entry.kind == "return":
                self._claim([entry])
            self._database.write(entry.kind, entry.content, entry.accepted)
        except Exception as exc:
            if _is_passed_over(exc):
                self._failed(entry, exc)
            elif is_refusal(exc):
                self._require_database(exc)
                reason = str(exc) if isinstance(exc, _core.Error) else "its content is not of its kind"
                self._set_aside(entry, reason)
            else:
                raise
            return
        self._remove([entry])

    def _failed(self, entry, exc):
        self._require_answer(exc)
        if self._late.count(entry):
            how = "timed out" if exc.code == "timeout" else "failed"
            self._set_aside(entry, f"it {how} {TRIES} times while others were recorded: {exc}")
            return
        log.warning("Entry %d of the spool is passed over for now: %s", entry.seq, exc)
        self._passed.add(entry)
        self._in_a_row += 1
        if self._in_a_row >= IN_A_ROW:
            raise exc

    def _require_answer(self, exc):
        """Raise what a call raised that timed out, unless the database answers otherwise."""
        try:
            self._database.rows("get_load", "")
        except _core.Error:
            raise exc from None

    def _require_database(self, exc):
        """Raise why the database cannot be asked at all, if that, and not the entry, may be to blame for ``exc``."""
        if not isinstance(exc, _core.DatabaseError):
            self._database.rows("get_load", "")

    def _claim(self, entries):
        """Let the returns describe their jobs, as far as nobody published these."""
        for entry in entries:
            if entry.jid in self._known:
                continue
            load = packing.unpack(entry.content)
            jid = packing.as_text(str(load.get("jid")))
            if not self._database.rows("get_load", jid):
                self._database.write("load", claimed_content(jid, load), entry.accepted)
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
        self._late.recorded(entries)
        self._in_a_row = 0

    def _set_aside(self, entry, reason):
        # The database may quote a return in what it says of it.
        reason = masking.masked_text(reason)
        try:
            self._spool.set_aside(entry.seq, reason)
        except _core.StoreError as exc:
            # Until others are recorded there may be no room for its copy.
            if exc.code != "full":
                raise
            log.error("Entry %d of the spool, which is to be set aside, stays (%s): %s", entry.seq, exc, reason)
            self._passed.add(entry)
            return
        log.error("Entry %d of the spool is set aside (salt-approval spool show --poison): %s", entry.seq, reason)
        self._late.forget([entry])
        self._done.aside += 1


def _is_passed_over(exc):
    """
    Whether others may be recorded all the same: the database, or a lock in it, was waited for too long; or what it
    has of this minion cannot be used.
    """
    return isinstance(exc, _core.Error) and exc.code in ("timeout", "protocol")


def is_refusal(exc):
    """Whether the same entry would be refused each time."""
    if isinstance(exc, _core.DatabaseError):
        return (exc.sqlstate or "").startswith(REFUSALS)
    return isinstance(exc, _core.DataError) or not isinstance(exc, ELSEWHERE)
