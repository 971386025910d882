"""
Returns at real masters, until they are answered and recorded: ours with the database, with the spool and with all that
watches jobs; and masters with Salt's own job caches, and with one that keeps nothing.

One master for each, all running for the whole time. Their minions have accepted keys and answer jobs that the master
has published to them: all at once, each with its next return as soon as the one before is answered.
"""

import asyncio
import contextlib
import functools
import pathlib
import time

import highstate
import psycopg
import returns
import salt.client
import sites
from approval_database import NAME
from private_postgres import SUPERUSER
from report import Floor, Row

from saltext.approval import _core

KINDS = {"highstate": "state.highstate", "ping": "test.ping"}
REACH_DATABASE, REACH_SPOOL, REACH_PING, REACH_PGJSONB, REACH_WATCHED = 0.85, 0.75, 0.65, 5, 1
NOTHING = (
    "import salt.utils.jid\n"
    "def prep_jid(nocache=False, passed_jid=None):\n    return passed_jid or salt.utils.jid.gen_jid(__opts__)\n"
    "def save_load(jid, load, minions=None):\n    pass\n"
    "def get_load(jid):\n    return {}\n"
    "def returner(load):\n    pass\n"
)
KEPT = "SELECT count(*) FROM approval.job_return WHERE jid = ANY (%s) AND verdict = 'converged' AND authenticated"
PINGS = "SELECT count(*) FROM approval.job_return WHERE jid = ANY (%s)"
LIMIT_S = 120


def measure(database, minions, directory, requests, rounds):
    """
    The rows returns_master: the time that ``requests`` highstate returns take, and as many of test.ping.

    database
        Prepared by returns.prepare().
    minions
        A Fleet grown for returns.
    """
    directory = pathlib.Path(directory) / "masters"
    jobs = requests // sites.MINIONS
    with contextlib.ExitStack() as stack:
        owner = stack.enter_context(psycopg.connect(database.dsn_of(database=NAME), autocommit=True))
        _watch(owner)
        loads = _Loads(database)
        every = {
            name: stack.enter_context(_Master(directory / name, minions, settings, owner, loads))
            for name, settings in _settings(database, directory).items()
        }
        alternatives = {
            (name, kind): functools.partial(one.answer, kind, jobs) for name, one in every.items() for kind in KINDS
        }
        times = asyncio.run(_turns(every, alternatives, rounds))
    yield from _rows(times, jobs * sites.MINIONS)


def _rows(times, requests):
    def row(name, seconds, against, ratio, bound, is_reached):
        return Row(name, requests, seconds, "s", against, ratio, bound, is_reached)

    local, ping = times["local_cache", "highstate"], times["local_cache", "ping"]
    for name, seconds, other, against, reach in (
        ("returns_master", times["database", "highstate"], local, "a master with local_cache", REACH_DATABASE),
        ("returns_master_spool", times["spool", "highstate"], local, "a master with local_cache", REACH_SPOOL),
        ("returns_master_watched", times["watched", "highstate"], local, "a master with local_cache", REACH_WATCHED),
        ("returns_master_ping", times["database", "ping"], ping, "the same with local_cache", REACH_PING),
    ):
        yield row(name, seconds, against, seconds / other, f"<= {reach}", seconds / other <= reach)
    faster = times["pgjsonb", "highstate"] / times["database", "highstate"]
    against = "a master with pgjsonb"
    seconds = times["database", "highstate"]
    yield row("returns_master", seconds, against, faster, f">= {REACH_PGJSONB}", faster >= REACH_PGJSONB)
    for kind in KINDS:
        for name in ("local_cache", "pgjsonb", "nothing"):
            yield Floor(f"returns of {kind} at a master with {name}", requests, times[name, kind], "s")
    yield Floor("returns of ping at a master with our spool", requests, times["spool", "ping"], "s")


def _settings(database, directory):
    """The job cache and what else each master needs."""
    modules = directory / "modules/returners"
    modules.mkdir(parents=True)
    (modules / "nothing.py").write_text(NOTHING)
    files = {name: {"dsn_file": str(database.dsn_file(name))} for name in ("returner", "runner", "engine")}
    with_engine = {"master_job_cache": "approval", "engines": [{"approval": {}}]}
    spool = {"mode": "spool", "spool": str(directory / "spooled")}
    return {
        "database": {"master_job_cache": "approval", "approval": {"returner": files["returner"]}},
        "spool": {**with_engine, "approval": {**files, "returner": {**files["returner"], **spool}}},
        "watched": {**with_engine, "approval": files},
        "local_cache": {},
        "pgjsonb": {
            "master_job_cache": "pgjsonb",
            "returner.pgjsonb.host": str(database.server.socket),
            "returner.pgjsonb.user": SUPERUSER,
            "returner.pgjsonb.pass": "",
            "returner.pgjsonb.db": NAME,
        },
        "nothing": {"master_job_cache": "nothing", "returner_dirs": [str(modules)]},
    }


def _watch(owner):
    """Have jobs raise alarms and lead a route to somebody, as a site has it that watches its jobs."""
    owner.execute("SELECT approval.put_alarm_rule('unapproved-job', '{\"enabled\": true}')")
    owner.execute("SELECT approval.put_route('bench', 'jobs')")


class _Loads:
    """Returns of minions: highstates, each with evidence of its own, and pings."""

    def __init__(self, database):
        self._exporter = database.dsn_file("exporter").read_text(encoding="utf-8").strip()
        self._makers = {}

    def highstate(self, minion_id):
        """A return of a minion that has converged, with its evidence."""
        if minion_id not in self._makers:
            pillar = _core.document(self._exporter, minion_id)
            document = (pillar["revision"], pillar["digest"], pillar["evidence_key"])
            packages = pillar["packages"]
            self._makers[minion_id] = highstate.converged(_core, minion_id, document, packages, returns.CHUNKS - 1)
        return self._makers[minion_id]()

    def ping(self, minion_id):
        """A return that can prove nothing."""
        return self.highstate(minion_id) | {"fun": "test.ping", "return": True, "out": "nested"}


class _Master:
    """Context manager around a master and its minions."""

    def __init__(self, directory, minions, settings, owner, loads):
        self._name = directory.name
        self._owner = owner
        self._loads = loads
        self._master = sites.master(directory, settings)
        self._directory, self._minions = directory, minions

    def __enter__(self):
        self._master.__enter__()
        self.site = sites.Site(self._directory, self._minions, self._master)
        return self

    def __exit__(self, *exception):
        self._master.stop()

    async def answer(self, kind, jobs):
        """Seconds until the returns of so many jobs are answered and recorded; the jobs are published beforehand."""
        loads = {minion_id: [] for minion_id in self.site.ids}
        jids = []
        with salt.client.LocalClient(str(self._master.directory / "etc/master")) as client:
            for _ in range(jobs):
                published = client.run_job(self.site.ids, KINDS[kind], tgt_type="list", timeout=LIMIT_S)
                jids.append(published["jid"])
                for minion_id in self.site.ids:
                    loads[minion_id].append({**getattr(self._loads, kind)(minion_id), "jid": published["jid"]})

        async def talk(minion_id):
            for load in loads[minion_id]:
                await self.site.channels[minion_id].send(load, timeout=LIMIT_S)

        answered = await sites.seconds(talk, self.site.ids)
        return answered + self._wait(kind, jids)

    def _wait(self, kind, jids):
        """Seconds until all are recorded, which most of them are; AssertionError if they are not."""
        start = time.perf_counter()
        wanted = len(jids) * len(self.site.ids)
        while (kept := self._kept(kind, jids)) != wanted:
            if time.perf_counter() - start > LIMIT_S:
                raise AssertionError(f"{self._name}: of {wanted} returns of {kind} {kept} are kept")
            time.sleep(0.005)
        return time.perf_counter() - start

    def _kept(self, kind, jids):
        if self._name == "nothing":
            return len(jids) * len(self.site.ids)
        if self._name == "local_cache":
            files = (self._master.directory / "cache/jobs").glob("*/*/*/return.p")
            return sum(file.parent.parent.joinpath("jid").read_text(encoding="utf-8") in jids for file in files)
        if self._name == "pgjsonb":
            return self._count("SELECT count(*) FROM salt_returns WHERE jid = ANY (%s)", jids)
        return self._count(KEPT if kind == "highstate" else PINGS, jids)

    def _count(self, statement, jids):
        return self._owner.execute(statement, (jids,)).fetchone()[0]


async def _turns(every, alternatives, rounds):
    """The median seconds of each alternative, after a job that warms up."""
    try:
        for one in every.values():
            await one.site.join()
            for kind in KINDS:
                await one.answer(kind, 1)
        return await sites.medians(alternatives, rounds)
    finally:
        for one in every.values():
            one.site.close()
