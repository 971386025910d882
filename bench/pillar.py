"""The pillar of one minion: ours and Salt's own through Salt's loader, and the read by libpq alone."""

import itertools
import pathlib

import fleet
import salt.config
import salt.loader
from approval_database import NAME
from libpq_reader import LibpqReader
from private_postgres import SUPERUSER
from report import Floor, Row
from rounds import Clocked, medians

from saltext.approval import _core

REACH_SALT = 100
REACH_LIBPQ = 1.6
REACH_CORE = 1.35
# What the pillar is made of, by the key, without a function around it.
POINT_READ = (
    "SELECT revision, digest, evidence_key, valid_until, now(), kinds, names, types, contents "
    "FROM approval.document WHERE minion_id = $1 AND valid_from <= now() ORDER BY valid_from DESC LIMIT 1"
)


def _options(database, directory):
    """Salt's configuration; its own module comes in as the superuser, with no password to be checked."""
    return {
        **salt.config.master_config(None),
        "cachedir": str(pathlib.Path(directory) / "cache"),
        "extension_modules": str(pathlib.Path(directory) / "extmods"),
        "postgres": {
            "host": str(database.server.socket),
            "user": SUPERUSER,
            "pass": "",
            "db": NAME,
        },
    }


def measure(database, minions, program, directory, rounds, duration_s):
    """
    The rows ext_pillar_database for the fleet ``minions``, against Salt's own module and against libpq, and
    core_document, the same without Salt's loader.

    program
        That of libpq_reader.build().
    """
    pillars = salt.loader.pillars(_options(database, directory), {})
    numbers = itertools.count()
    ours = {"dsn_file": str(database.dsn_file("exporter"))}
    exporter = database.dsn_file("exporter").read_text().strip()
    classic = {"classic": {"query": fleet.CLASSIC_QUERY, "depth": 1}}

    def next_id():
        return minions.minion(next(numbers))

    minion = next_id()
    approved = pillars["approval"](minion, {}, **ours)["approval"]["packages"]
    if approved != pillars["postgres"](minion, {}, **classic)["classic"]:
        raise AssertionError("the two pillars do not agree on what they are measured with")
    with LibpqReader(program, database.dsn_of(), POINT_READ, next_id) as libpq:
        times = medians(
            {
                "ours": Clocked(lambda: pillars["approval"](next_id(), {}, **ours)),
                "core": Clocked(lambda: _core.document(exporter, next_id())),
                "salt": Clocked(lambda: pillars["postgres"](next_id(), {}, **classic)),
                "libpq": libpq,
            },
            rounds,
            duration_s,
        )
    name, size = "ext_pillar_database", minions.size
    faster, longer = times["salt"] / times["ours"], times["ours"] / times["libpq"]
    against = "Salt's postgres ext_pillar with the classic query"
    yield Row(name, size, times["ours"], "µs", against, faster, f">= {REACH_SALT}", faster >= REACH_SALT)
    against = "libpq's prepared point read"
    yield Row(name, size, times["ours"], "µs", against, longer, f"<= {REACH_LIBPQ}", longer <= REACH_LIBPQ)
    longer = times["core"] / times["libpq"]
    yield Row("core_document", size, times["core"], "µs", against, longer, f"<= {REACH_CORE}", longer <= REACH_CORE)
    yield Floor(against, size, times["libpq"], "µs")
