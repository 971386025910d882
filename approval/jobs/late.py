"""Entries of the spool that the database does not finish in time: which of them is to blame, and which wait.

One that times out by itself while the database answers is passed over, and tried again later. If others of its
kind were recorded in between, time after time, it is the entry, and not the database, that is slow for all.
"""

import time
from collections import Counter
from dataclasses import dataclass

from . import packing

TRIES = 3
AGAIN_S = 120.0  # between two tries: longer than an approval for a whole fleet holds its minions
IN_A_ROW = 3  # that time out one after the other: rather the database than each of them


@dataclass
class _Tried:
    tries: int
    recorded: int  # of its kind, up to the last try
    walk: int
    due: float


class Late:
    """The knowledge of a process about such entries, from one run to the next."""

    def __init__(self):
        self._tried = {}  # seq -> _Tried
        self._alone = set()  # entries of a batch that timed out: not to be tried together again
        self._recorded = Counter()  # entries by kind
        self._walk = 0  # how often the end of the spool was reached

    def split(self, entries):
        """A batch of these timed out."""
        self._alone.update(entry.seq for entry in entries)

    def is_alone(self, entry):
        """Whether the entry is to be recorded by itself."""
        return entry.seq in self._alone

    def is_due(self, entry):
        """Whether the entry may be tried now: not before all behind it had their turn."""
        tried = self._tried.get(entry.seq)
        return tried is None or (tried.walk < self._walk and time.monotonic() >= tried.due)

    def count(self, entry):
        """Note that the entry timed out by itself. Gives whether it did so often enough to be set aside."""
        recorded = self._recorded[entry.kind]
        tried = self._tried.setdefault(entry.seq, _Tried(0, -1, 0, 0.0))
        if recorded > tried.recorded:
            tried.tries += 1
        tried.recorded = recorded
        tried.walk = self._walk
        tried.due = time.monotonic() + AGAIN_S
        return tried.tries >= TRIES

    def end(self):
        """Note that the end of the spool is reached."""
        self._walk += 1

    def recorded(self, entries):
        """Note that the entries are recorded."""
        for entry in entries:
            self._recorded[entry.kind] += 1
        self.forget(entries)

    def forget(self, entries):
        """Note that the entries wait no more."""
        for entry in entries:
            self._tried.pop(entry.seq, None)
            self._alone.discard(entry.seq)

    def forget_before(self, seq):
        """Note that nothing before this number waits, whoever took it."""
        self._tried = {kept: tried for kept, tried in self._tried.items() if kept >= seq}
        self._alone = {kept for kept in self._alone if kept >= seq}


class PassedOver:
    """The entries that one run passes over, and what has to wait behind them: nothing overtakes its own job's load
    or its own minion's return."""

    def __init__(self):
        self.seqs = set()
        self._jids = set()
        self._minions = set()

    def add(self, entry):
        """Pass over the entry."""
        self.seqs.add(entry.seq)
        if entry.kind == "return":
            self._minions.add(_minion(entry))
        elif entry.kind != "events":
            self._jids.add(entry.jid)

    def holds(self, entry):
        """Whether the entry has to wait behind one of them."""
        return entry.jid in self._jids or bool(
            self._minions and entry.kind == "return" and _minion(entry) in self._minions
        )


def _minion(entry):
    """The minion of a return; None where it names none, or is none."""
    try:
        return packing.as_text(packing.unpack(entry.payload)["id"])
    except Exception:  # whatever msgpack raises; recording it tells what is wrong
        return None
