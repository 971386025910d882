"""Writes and reads of Salt's job cache in the approval database, by the C core."""

import logging

from .. import _core
from . import log_entry, packing

log = logging.getLogger(__name__)


def load_content(jid, load, minions, claimed, logged):
    """
    The content of a write of kind ``load``, of a load that is masked already, and of what log_entry.py makes of it.
    """
    jid = packing.as_text(str(jid))
    kept = packing.published({**load, "jid": jid})
    return [
        jid,
        packing.as_text(kept.get("fun")),
        packing.as_text(kept.get("tgt")),
        packing.as_text(kept.get("tgt_type")),
        packing.as_text(kept.get("user")),
        [packing.as_text(minion) for minion in minions or ()],
        _core.compress(packing.pack(kept)),
        claimed,
        *logged,
    ]


def published_content(jid, load, minions, nodegroups=None):
    """The same of a load that the master published."""
    return load_content(jid, load, minions, False, log_entry.of_published(load, nodegroups))


def claimed_content(jid, load):
    """The same for a job that nobody published here, as this return describes it."""
    described = packing.claimed(load)
    return load_content(jid, described, [described["tgt"]], True, log_entry.of_return(load))


def unpacked(payload):
    """The load or return in a payload as it is stored; see packing.readable()."""
    return packing.readable(_core.decompress(payload))


def _entry_of(payload, claimed):
    """The entry of a load that an older version left in the spool: none where its payload cannot be read."""
    try:
        return log_entry.of_kept(unpacked(payload), claimed)
    except _core.DataError:
        return log_entry.NOT_LOGGED


class Batch:
    """Returns, each as msgpack, that are recorded together: one alone takes the shorter way."""

    def __init__(self, packed):
        self.packed = packed
        self.returns = _core.Returns(packed)


class JobDatabase:
    """
    The job cache in the database that ``connection`` names; the core keeps the connections.

    A write is a kind and a content, so that it can wait in the spool meanwhile:

    load
        [jid, fun, tgt, tgt_type, user, minions, payload, claimed, command, is_test, is_runner, calls]; of older
        versions without the last four, an entry of log_entry.py
    return
        The return as msgpack.
    minions
        [jid, minions, syndic id]
    endtime
        [jid, seconds since 1970 UTC]
    events
        [tags, payloads]

    Everything raises the errors of the core.
    """

    def __init__(self, connection):
        self._connection = connection

    def write(self, kind, content, accepted=None):
        """
        Do one write. A load, return, set of minions or end of a job may be written again: nothing changes then.

        accepted
            When Salt handed it over, if that was not just now; seconds since 1970 UTC.
        """
        getattr(self, f"_write_{kind}")(content, accepted)

    def record_all(self, batch, upcoming=None):
        """
        Judge and keep the returns of a Batch, all in one transaction.

        upcoming
            The Batch that comes next: it is judged while the server keeps this one.
        """
        following = None if upcoming is None else upcoming.returns
        outcomes = batch.returns.record(self._connection.conninfo, following, **self._connection.options)
        for outcome, packed in zip(outcomes, batch.packed, strict=True):
            self._report(outcome, packed)

    def rows(self, function, *args):
        """The rows of ``approval.<function>(args ...)``, which only reads."""
        return self._call(function, *args, repeatable=True)

    def maintain(self, keep_hours, keep_log_days=None):
        """Make the partitions of the coming days, drop those of jobs that need not be kept, and seal the audit."""
        self._call("maintain_jobs", keep_hours, keep_log_days)
        self._call("seal_audit")

    def _write_load(self, content, accepted):
        kept, logged = content[:8], content[8:]
        jid, *_, minions, payload, claimed = kept
        logged = logged or _entry_of(payload, claimed)
        ((first,),) = self._call("save_load", *kept, accepted, *logged, repeatable=True)
        # In batch mode each batch is published under the same jid: then its minions are added.
        if not first and minions and not claimed:
            self._write_minions([jid, minions, None], accepted)

    def _write_return(self, packed, _accepted):
        self.record_all(Batch([packed]))

    def _write_minions(self, content, _accepted):
        self._call("save_minions", *content, repeatable=True)

    def _write_endtime(self, content, _accepted):
        self._call("update_endtime", *content, repeatable=True)

    def _write_events(self, content, _accepted):
        self._call("save_events", *content)

    def _report(self, outcome, packed):
        if outcome == "quarantined":
            load = packing.readable(packed)
            minion, jid = packing.named(load.get("id")), packing.named(load.get("jid"))
            log.warning("The return of %r for job %r is in quarantine", minion, jid)

    def _call(self, function, *args, repeatable=False):
        return _core.call(
            self._connection.conninfo, function, list(args), repeatable=repeatable, **self._connection.options
        )
