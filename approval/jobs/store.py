"""Salt's job cache on the database and the spool: what the returner's functions do."""

import collections
import contextlib
import datetime
import functools
import logging

import salt.utils.jid

from .. import _core
from ..errors import ConfigError
from ..intake import masking
from ..settings import Settings
from . import packing, retention, spool
from .database import JobDatabase, claimed_content, published_content, unpacked
from .known import KnownJobs

log = logging.getLogger(__name__)

ENDTIME_FORMAT = "%Y, %b %d %H:%M:%S.%f"  # of salt.utils.jid.jid_to_time()
DRAIN_SECONDS = 20  # that Salt's maintenance, which has other things to do, spends on the spool
PRUNED = 1000  # jobs beyond those asked for that are in memory while the newest are looked for
_away = set()  # paths of the spools that writes go to since the database failed: logged once, not each time
_known = collections.defaultdict(KnownJobs)  # path of a spool -> those of its database


class JobStore:
    """
    The job cache of the process with Salt's configuration ``opts``.

    In mode ``database`` a write that the database has not judged, for whatever reason, goes to the spool; in mode
    ``spool`` each does. Only a return that nobody could ever record is refused, with what the core says of it.
    Writes of a job follow each other: while one waits in the spool, those after it wait there too. Reads answer
    from both. When the database is away, and the spool knows nothing of what is asked for, they raise
    _core.Unavailable.
    """

    def __init__(self, opts):
        self._opts = opts
        self._spool = spool.Spool(spool.settings(opts))

    @functools.cached_property
    def _masker(self):
        return masking.of_site(lambda: Settings.from_master(self._opts).masking_patterns())

    @functools.cached_property
    def _database(self):
        """Raises ConfigError: what is written while a DSN file is being replaced waits in the spool."""
        return JobDatabase(Settings.from_master(self._opts).connection("returner"))

    # ---- writes ----

    def save_load(self, jid, load, minions=None):
        """
        Keep the load of a job, unless one is kept already.

        In batch mode each batch is published under the same jid: then the minions are added. A return that
        has no published job (from salt-call, or of a schedule) describes its own.
        """
        if "return" not in load:
            content = published_content(jid, self._masker.masked(load), minions, self._opts.get("nodegroups"))
            self._write("load", jid, content)
        elif self._spool.settings.mode != "spool":
            # In the spool the return that follows says it all.
            self._claim(jid, load)

    def _claim(self, jid, load):
        """Have a return describe its job, which Salt asks for with each return of one."""
        known, name = _known[self._spool.settings.path], packing.as_text(str(jid))
        if name not in known:
            self._write("load", jid, claimed_content(jid, self._masker.masked(load)))
            known.add(name)

    def save_minions(self, jid, minions, syndic_id=None):
        """Add to the minions that the job was sent to."""
        syndic = None if syndic_id is None else packing.as_text(syndic_id)
        named = [packing.as_text(minion) for minion in minions]
        self._write("minions", jid, [packing.as_text(str(jid)), named, syndic])

    def record(self, load):
        """Judge a return against what was approved and keep both."""
        if load.get("fun") in packing.UNRECORDED or load.get("jid") == "nocache":
            return
        try:
            packed = packing.pack(self._masker.masked(load))
        except Exception as exc:
            self._refuse_return(load, exc)
            raise
        self._write("return", load.get("jid", ""), packed)

    def update_endtime(self, jid, time):
        """Note when the job ended, in Salt's form of a UTC time: ``2026, Nov 22 15:00:00.000000``."""
        ended = datetime.datetime.strptime(time, ENDTIME_FORMAT).replace(tzinfo=datetime.timezone.utc)
        self._write("endtime", jid, [packing.as_text(str(jid)), ended.timestamp()])

    def save_events(self, events):
        """Keep Salt's events. One that cannot be kept is logged and counted as dropped; the others are kept."""
        tags, data = [], []
        for event in events:
            try:
                tag = packing.as_text(event["tag"])
                payload = _core.compress(packing.pack(self._masker.masked_event(event["data"])))
            except Exception as exc:
                self._drop_events(1, exc)
            else:
                tags.append(tag)
                data.append(payload)
        if tags:
            self._write("events", "", [tags, data])

    def clean_old_jobs(self):
        """
        Make the partitions of the coming days, drop those past keep_jobs_seconds, seal the audit, and record
        what waits in the spool, should no engine do so.

        A failure is logged, and the work tried again at the next call: Salt's maintenance process, which does much
        else, would end of an error.
        """
        from . import drain

        try:
            self._database.maintain(retention.keep_hours(self._opts), Settings.from_master(self._opts).keep_log_days())
            drain.run(self._spool, self._database, limit_s=DRAIN_SECONDS)
        except Exception as exc:
            self._database_failed(exc, "the job cache is not maintained")
        else:
            self._database_works()

    def _write(self, kind, jid, content):
        refused = None
        try:
            if self._spool.settings.mode != "spool" and not self._waits(jid):
                self._database.write(kind, content)
                self._database_works()
                return
        except BaseException as exc:
            # Also that of a signal, of an interpreter that ends, of a mistake of ours: the database has not judged.
            refused = exc
        if kind == "return" and isinstance(refused, _core.DataError):
            self._require_recordable(content)
        self._put(kind, jid, content, refused)
        if refused is not None and not isinstance(refused, Exception):
            raise refused

    def _require_recordable(self, packed):
        """Raise what the core says of a return that could not be recorded whatever the database says."""
        try:
            _core.check_return(packed)
        except _core.DataError as exc:
            self._refuse_return(packing.readable(packed), exc)
            raise

    def _refuse_return(self, load, exc):
        minion, jid = packing.named(load.get("id")), packing.named(load.get("jid"))
        log.error("The return of %r for job %r is refused: %s", minion, jid, masking.masked_text(str(exc)))

    def _waits(self, jid):
        """Whether something of the job is in the spool; a spool that cannot be read does not stop anything."""
        try:
            return self._spool.has(jid)
        except Exception as exc:
            log.error("The spool cannot be read: %s", exc)
            return False

    def _put(self, kind, jid, content, refused=None):
        """Write into the spool. refused: what was raised when the database was asked, if it was."""
        try:
            self._spool.put(kind, jid, content)
        except Exception as exc:
            self._without_spool(kind, jid, content, exc, refused)
        except BaseException:
            # A signal that ends this process may have ended the wait for the spool.
            try:
                self._spool.put(kind, jid, content)
            except Exception as exc:
                self._without_spool(kind, jid, content, exc, refused)
            raise
        else:
            if refused is not None:
                self._database_failed(refused, "what Salt hands over goes to the spool")

    def _without_spool(self, kind, jid, content, full, refused):
        """The spool takes nothing: the database is all that is left, and what of the job waits comes first."""
        log.error("The spool takes nothing: %s", full)
        try:
            if refused is not None:
                raise refused
            for entry in self._waiting(jid):
                self._write_waiting(entry)
            self._database.write(kind, content)
        except BaseException as exc:
            if kind == "events" and isinstance(exc, Exception):
                self._drop_events(len(content[0]), exc)
                return
            self._tell_lost(kind, jid, content, exc)
            raise

    def _write_waiting(self, entry):
        """Record what waits in front of something else; what is refused for its own content is left to the drain."""
        from . import drain

        try:
            self._database.write(entry.kind, entry.content, entry.accepted)
        except Exception as exc:
            if not drain.is_refusal(exc):
                raise
            log.error("Entry %d of the spool cannot be recorded: %s", entry.seq, exc)

    def _tell_lost(self, kind, jid, content, exc):
        """Name what could neither be recorded nor put into the spool."""
        minion = ""
        if kind == "return":
            with contextlib.suppress(Exception):
                minion = f" of {packing.named(packing.readable(content)['id'])!r}"
        log.error("The %s%s for job %r is lost: %s", kind, minion, packing.named(str(jid)), exc)

    def _waiting(self, jid):
        try:
            return self._spool.find(jid) if jid else []
        except Exception:
            return []

    def _drop_events(self, count, exc):
        log.error("%d events are lost: %s", count, exc)
        try:
            self._spool.count_dropped(count)
        except Exception as reason:
            log.error("The lost events are not counted: %s", reason)

    def _database_failed(self, exc, what_now):
        if self._spool.settings.path not in _away:
            _away.add(self._spool.settings.path)
            unexpected = not isinstance(exc, _core.Error | OSError | ConfigError)
            log.error("The approval database fails (%s): %s until it works again", exc, what_now, exc_info=unexpected)

    def _database_works(self):
        if self._spool.settings.path in _away:
            _away.discard(self._spool.settings.path)
            log.warning("The approval database works again")

    # ---- reads ----
    # Reads mask as well: outputs are kept as they came, since verdicts are made of them, and arguments may
    # have been stored by an older version, or before a pattern of the site was set.
    # The spool first, then the database: an entry that is recorded in between is found in both, never in none.

    def get_load(self, jid):
        """The load kept for the job, with its ``Minions``; {} for an unknown one."""
        # salt-run makes a number of a jid.
        entries = self._spool.find(jid)
        load, minions = {}, set()
        for payload, named in self._rows("get_load", str(jid), spooled=entries):
            load, minions = unpacked(payload), set(named or ())
        claimed = False
        for entry in entries:
            if entry.kind == "load":
                named, payload, only_claimed = entry.content[5:8]
                if not load or (claimed and not only_claimed):
                    load, claimed = unpacked(payload), only_claimed
                    minions = set()
                minions.update(named)
            elif entry.kind == "minions" and load:
                minions.update(entry.content[1])
            elif entry.kind == "return" and (not load or claimed):
                described = claimed_content(str(jid), packing.readable(entry.content))
                load, claimed = load or unpacked(described[6]), True
                minions.update(described[5])
        return _with_minions(self._masker.masked(load), minions)

    def get_jid(self, jid):
        """{minion: {return, retcode, success, out}} for the job."""
        fields = ("return", "retcode", "success", "out")
        entries = self._spool.find(jid)
        returns = {}
        for entry in entries:
            if entry.kind == "return":
                load = packing.readable(entry.content)
                if isinstance(load, dict) and "id" in load:
                    returns[packing.as_text(load["id"])] = load
        # A judged return stands: of several the database gives the one that is authenticated.
        for minion, payload in self._rows("get_jid", str(jid), spooled=entries):
            returns[minion] = unpacked(payload)
        shown = {minion: {name: load[name] for name in fields if name in load} for minion, load in returns.items()}
        return {minion: self._shown(load) for minion, load in shown.items()}

    def get_jids(self):
        """{jid: description} of all jobs, newest first."""
        loads = self._loads(None)
        return {jid: salt.utils.jid.format_jid_instance(jid, load) for jid, load in loads}

    def get_jids_filter(self, count, filter_find_job=True):
        """The descriptions of the newest ``count`` jobs, oldest first."""
        wanted, fetched = [], count
        while count > 0:
            loads = self._loads(fetched)
            described = [salt.utils.jid.format_jid_instance_ext(jid, load) for jid, load in loads]
            wanted = [job for job in described if not (filter_find_job and job["Function"] in packing.UNRECORDED)]
            if len(wanted) >= count or len(loads) < fetched:
                break
            fetched *= 4
        return wanted[:count][::-1]

    def get_fun(self, fun):
        """{minion: whole return} of the newest return of the function from each minion."""
        spooled = {}
        for load in self._spooled_returns():
            if load.get("fun") == fun:
                spooled[packing.as_text(load.get("id"))] = load
        rows = self._rows("get_fun", fun, spooled=self._spool.exists)
        found = {**{minion: unpacked(payload) for minion, _, payload in rows}, **spooled}
        return {minion: self._shown(load) for minion, load in found.items()}

    def get_minions(self):
        """The minions that have returned anything."""
        spooled = {packing.as_text(load.get("id")) for load in self._spooled_returns()}
        return sorted(spooled.union(minion for (minion,) in self._rows("get_minions", spooled=self._spool.exists)))

    def get_endtime(self, jid):
        """When the job ended, in Salt's form of a UTC time; False if nobody said."""
        entries = self._spool.find(jid)
        times = [entry.content[1] for entry in entries if entry.kind == "endtime"]
        ended = times[-1] if times else None
        if ended is None:
            for (kept,) in self._rows("get_endtime", str(jid), spooled=entries):
                ended = kept
        if ended is None:
            return False
        return datetime.datetime.fromtimestamp(ended, datetime.timezone.utc).strftime(ENDTIME_FORMAT)

    def _shown(self, load):
        """A return as people may see it: its arguments, and what it gave back, without secrets."""
        load = self._masker.masked(load)
        if isinstance(load, dict) and "return" in load:
            load["return"] = self._masker.masked_data(load["return"])
        return load

    def _rows(self, function, *args, spooled):
        """The database's rows; none if it is away and ``spooled`` says that the spool has an answer."""
        try:
            rows = self._database.rows(function, *args)
        except _core.Unavailable as exc:
            if not spooled:
                raise
            self._database_failed(exc, "the job cache answers from the spool alone")
            return []
        self._database_works()
        return rows

    def _loads(self, limit):
        """[(jid, load with Minions)] of the jobs, newest first; limit: so many at most."""
        loads = {}
        for entry in self._spool.find_all("load"):
            jid, (minions, payload) = str(entry.content[0]), entry.content[5:7]
            known = loads.get(jid) or unpacked(payload)
            loads[jid] = _with_minions(known, {*known.get("Minions", ()), *minions})
            if limit is not None and len(loads) >= 2 * limit + PRUNED:
                loads = dict(_newest(loads, limit))
        for jid, payload, minions in self._rows("get_jids", limit, spooled=self._spool.exists):
            named = {*loads.get(jid, {}).get("Minions", ()), *(minions or ())}
            loads[jid] = _with_minions(unpacked(payload), named)
        return [(jid, self._masker.masked(load)) for jid, load in _newest(loads, limit)]

    def _spooled_returns(self):
        for entry in self._spool.walk():
            if entry.kind == "return":
                load = packing.readable(entry.content)
                if isinstance(load, dict) and "id" in load:
                    yield load


def _newest(loads, limit):
    return sorted(loads.items(), reverse=True)[:limit]


def _with_minions(load, minions):
    return {**load, "Minions": sorted(minions)} if minions else load
