"""A return through Salt's loader, committed durably: ours, judged and stored, against Salt's pgjsonb."""

import itertools
import re

import highstate
import psycopg
import salt.config
import salt.loader
import salt.returners.pgjsonb
from approval_database import NAME
from private_postgres import SUPERUSER
from report import Floor, Row
from rounds import Clocked, medians

from saltext.approval import _core, jobs

CHUNKS = 20
DURABLE = ("fsync", "full_page_writes", "synchronous_commit")
ONE_ROW = "INSERT INTO bench_payload VALUES (%s)"
REACH = 40


def _schema():
    """The tables that pgjsonb's own documentation has one make, without the database."""
    text = salt.returners.pgjsonb.__doc__
    first, last = text.index("    DROP TABLE IF EXISTS jids"), text.index("Required python modules")
    return re.sub(r"^\s*--.*$", "", text[first:last], flags=re.MULTILINE)


def prepare(database):
    """Make pgjsonb's tables, the partitions of the day, and the server durable, which for tests it isn't."""
    with psycopg.connect(database.dsn_of(), autocommit=True) as connection:
        connection.execute(_schema())
        connection.execute("CREATE TABLE bench_payload (payload bytea)")
        connection.execute("SELECT approval.maintain_jobs(24)")
        for setting in DURABLE:
            connection.execute(f"ALTER SYSTEM SET {setting} = on")
        connection.execute("SELECT pg_reload_conf()")


def finish(database):
    """Make the server as it was before prepare()."""
    with psycopg.connect(database.dsn_of(), autocommit=True) as connection:
        for setting in DURABLE:
            connection.execute(f"ALTER SYSTEM RESET {setting}")
        connection.execute("SELECT pg_reload_conf()")


def measure(database, minions, rounds, duration_s):
    """
    The row returner_durable: highstates of minions that converged before, each with evidence of its own.

    minions
        A Fleet grown for returns.
    """
    returners = salt.loader.returners(_options(database), {})
    ours, theirs = returners["approval.returner"], returners["pgjsonb.returner"]
    loads = _loads(database, minions)
    ours(next(loads))
    _check(database)
    with psycopg.connect(database.dsn_of(), autocommit=True) as connection:
        payload = _core.compress(jobs.pack(next(loads)))
        times = medians(
            {
                "ours": _Returned(ours, loads),
                "pgjsonb": _Returned(theirs, loads),
                "commit": Clocked(lambda: connection.execute(ONE_ROW, (payload,), prepare=True, binary=True)),
            },
            rounds,
            duration_s,
        )
    ratio = times["pgjsonb"] / times["ours"]
    rate = 1e6 / times["ours"]
    yield Row("returner_durable", CHUNKS, rate, "returns/s", "Salt's pgjsonb", ratio, f">= {REACH}", ratio >= REACH)
    yield Floor("durable commits of nothing but the payload", CHUNKS, 1e6 / times["commit"], "commits/s")


class _Returned:
    """An alternative for rounds.medians: a returner on new returns, made beforehand."""

    BATCH = 20

    def __init__(self, returner, loads):
        self._returner = returner
        self._loads = loads

    def run(self, duration_s):
        times = []
        while sum(times) < duration_s * 1e6:
            for load in list(itertools.islice(self._loads, self.BATCH)):
                times += Clocked(lambda load=load: self._returner(load)).run(0)
        return times


def _loads(database, minions):
    """Returns of one minion after the other, without end."""
    exporter = database.dsn_file("exporter").read_text().strip()
    for number in itertools.count():
        minion = minions.minion(number)
        pillar = _core.document(exporter, minion)
        document = (pillar["revision"], pillar["digest"], pillar["evidence_key"])
        yield highstate.converged(_core, minion, document, pillar["packages"], CHUNKS - 1)()


def _options(database):
    return {
        **salt.config.master_config(None),
        "approval": {"returner": {"dsn_file": str(database.dsn_file("returner"))}},
        "returner.pgjsonb.host": str(database.server.socket),
        "returner.pgjsonb.user": SUPERUSER,
        "returner.pgjsonb.pass": "",
        "returner.pgjsonb.db": NAME,
    }


def _check(database):
    stored = database.query("SELECT verdict, authenticated, flags FROM approval.job_return")
    if stored != "converged|t|{unknown-job}":
        raise AssertionError(f"the return that this measures is recorded as {stored}")
