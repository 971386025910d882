"""Salt's job cache on the database, through the C core: what the returner's functions do."""

import datetime
import logging

import salt.utils.jid

from . import _core, config, jobs, retention

log = logging.getLogger(__name__)

ENDTIME_FORMAT = "%Y, %b %d %H:%M:%S.%f"  # of salt.utils.jid.jid_to_time()


class JobStore:
    """The job cache of the process with Salt's configuration ``opts``. Connections are kept by the core."""

    def __init__(self, opts):
        self._opts = opts
        settings = (opts.get("approval") or {}).get("returner") or {}
        self._connection = config.connection(settings, "approval:returner")

    def save_load(self, jid, load, minions=None):
        """
        Keep the load of a job, unless one is kept already.

        In batch mode each batch is published under the same jid: then the minions are added. A return that
        has no published job (from salt-call, or of a schedule) describes its own.
        """
        claimed = "return" in load
        if claimed:
            load = jobs.claimed(load)
            minions = [load["tgt"]]
        kept = jobs.published({**load, "jid": jid})
        first = self._value(
            "save_load",
            jid,
            jobs.as_text(kept.get("fun")),
            jobs.as_text(kept.get("tgt")),
            jobs.as_text(kept.get("tgt_type")),
            jobs.as_text(kept.get("user")),
            [jobs.as_text(minion) for minion in minions or ()],
            _core.compress(jobs.pack(kept)),
            claimed,
        )
        if not first and minions and not claimed:
            self.save_minions(jid, minions)

    def save_minions(self, jid, minions, syndic_id=None):
        """Add to the minions that the job was sent to."""
        self._call("save_minions", str(jid), [jobs.as_text(minion) for minion in minions], syndic_id)

    def record(self, load):
        """Judge a return against what was approved and keep both."""
        if load.get("fun") in jobs.UNRECORDED or load.get("jid") == "nocache":
            return
        packed = jobs.pack(jobs.masked(load))
        answer = _core.record_return(self._connection.conninfo, packed, **self._connection.options)
        if answer["outcome"] == "quarantined":
            log.warning("The return of %s for job %s is in quarantine", load.get("id"), load.get("jid"))

    def get_load(self, jid):
        """The load kept for the job, with its ``Minions``; {} for an unknown one."""
        # salt-run makes a number of a jid.
        for packed, minions in self._call("get_load", str(jid)):
            return self._load(packed, minions)
        return {}

    def get_jid(self, jid):
        """{minion: {return, retcode, success, out}} for the job."""
        fields = ("return", "retcode", "success", "out")
        returns = {minion: self._unpacked(payload) for minion, payload in self._call("get_jid", str(jid))}
        return {minion: {name: load[name] for name in fields if name in load} for minion, load in returns.items()}

    def get_jids(self):
        """{jid: description} of all jobs, newest first."""
        rows = self._call("get_jids", None)
        return {jid: self._described(jid, packed, minions) for jid, packed, minions in rows}

    def get_jids_filter(self, count, filter_find_job=True):
        """The descriptions of the newest ``count`` jobs, oldest first."""
        wanted, fetched = [], count
        while count > 0:
            rows = self._call("get_jids", fetched)
            described = [salt.utils.jid.format_jid_instance_ext(jid, self._load(*rest)) for jid, *rest in rows]
            wanted = [job for job in described if not (filter_find_job and job["Function"] in jobs.UNRECORDED)]
            if len(wanted) >= count or len(rows) < fetched:
                break
            fetched *= 4
        return wanted[:count][::-1]

    def get_fun(self, fun):
        """{minion: whole return} of the newest return of the function from each minion."""
        return {minion: self._unpacked(payload) for minion, _, payload in self._call("get_fun", fun)}

    def get_minions(self):
        """The minions that have returned anything."""
        return [minion for (minion,) in self._call("get_minions")]

    def clean_old_jobs(self):
        """Make the partitions of the coming days, drop those past keep_jobs_seconds, and seal the audit."""
        self._call("maintain_jobs", retention.keep_hours(self._opts))
        self._call("seal_audit")

    def update_endtime(self, jid, time):
        """Note when the job ended, in Salt's form of a UTC time: ``2026, Nov 22 15:00:00.000000``."""
        ended = datetime.datetime.strptime(time, ENDTIME_FORMAT).replace(tzinfo=datetime.timezone.utc)
        self._call("update_endtime", str(jid), ended.timestamp())

    def get_endtime(self, jid):
        """When the job ended, in Salt's form of a UTC time; False if nobody said."""
        ended = self._value("get_endtime", str(jid))
        if ended is None:
            return False
        return datetime.datetime.fromtimestamp(ended, datetime.timezone.utc).strftime(ENDTIME_FORMAT)

    def save_events(self, events):
        """Keep Salt's events."""
        tags = [jobs.as_text(event["tag"]) for event in events]
        data = [_core.compress(jobs.pack(jobs.masked(event["data"]))) for event in events]
        self._call("save_events", tags, data)

    def _described(self, jid, packed, minions):
        return salt.utils.jid.format_jid_instance(jid, self._load(packed, minions))

    def _load(self, packed, minions):
        load = self._unpacked(packed)
        if minions:
            load["Minions"] = sorted(minions)
        return load

    def _unpacked(self, payload):
        return jobs.unpack(_core.decompress(payload))

    def _value(self, function, *args):
        rows = self._call(function, *args)
        return rows[0][0] if rows else None

    def _call(self, function, *args):
        return _core.call(self._connection.conninfo, function, list(args), **self._connection.options)
