"""
A storm of pillar requests at real masters: ours, Salt's own postgres module, and a constant ext_pillar.

One master for each, all running for the whole time, with the same tops and states; minions whose keys they have
accepted all ask at once, each again as soon as it has its answer, until n requests are answered.
"""

import asyncio
import contextlib
import functools
import pathlib

import fleet
import sites
from approval_database import NAME
from private_postgres import SUPERUSER
from report import Floor, Row

REACH_CONSTANT = 1.03
REACH_SALT = 1.2
CONSTANT = "def ext_pillar(minion_id, pillar, packages):\n    return {'approval': {'packages': packages}}\n"
LOGIN = "storm"  # of our master alone
CONNECTIONS = f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{LOGIN}'"


def measure(database, minions, directory, requests, rounds):
    """
    The row storm: the time that ``requests`` take with ours, against the same with each of the others.

    minions
        A Fleet, with its classic table written.
    """
    directory = pathlib.Path(directory) / "storm"
    database.add_login(LOGIN, "approval_exporter")
    settings = _settings(database, directory)
    with contextlib.ExitStack() as stack:
        all_sites = {
            name: sites.Site(directory / name, minions, stack.enter_context(sites.master(directory / name, ext_pillar)))
            for name, ext_pillar in settings.items()
        }
        times = asyncio.run(_storms(all_sites, requests, rounds))
        connections = int(database.query(CONNECTIONS))
    ours = times["ours"]
    longer, faster = ours / times["constant"], times["postgres"] / ours
    against = "a constant ext_pillar"
    yield Row("storm", requests, ours, "s", against, longer, f"<= {REACH_CONSTANT}", longer <= REACH_CONSTANT)
    against = "Salt's postgres ext_pillar with the classic query"
    yield Row("storm", requests, ours, "s", against, faster, f">= {REACH_SALT}", faster >= REACH_SALT)
    against = f"{sites.WORKERS} worker processes"
    ratio = connections / sites.WORKERS
    yield Row("storm", requests, connections, "connections", against, ratio, "<= 1", ratio <= 1)
    yield Floor("the storm with a constant ext_pillar", requests, times["constant"], "s")


def _settings(database, directory):
    """The ext_pillar and what else each master needs."""
    modules = directory / "modules/pillar"
    modules.mkdir(parents=True)
    (modules / "constant.py").write_text(CONSTANT)
    packages = {f"package-{number:02}": f"1:2.{number}-1+deb12u1" for number in range(fleet.PACKAGES)}
    return {
        "ours": {"ext_pillar": [{"approval": {"dsn_file": str(database.dsn_file(LOGIN))}}]},
        "postgres": {
            "ext_pillar": [{"postgres": {"classic": {"query": fleet.CLASSIC_QUERY, "depth": 1}}}],
            "postgres": {"host": str(database.server.socket), "user": SUPERUSER, "pass": "", "db": NAME},
        },
        "constant": {
            "ext_pillar": [{"constant": {"packages": packages}}],
            "pillar_dirs": [str(modules)],
        },
    }


async def _storms(all_sites, requests, rounds):
    """The median seconds of each site's storms, after one that warms up."""
    try:
        for site in all_sites.values():
            await site.join()
            await _storm(site, len(site.ids))
        alternatives = {name: functools.partial(_storm, site, requests) for name, site in all_sites.items()}
        return await sites.medians(alternatives, rounds)
    finally:
        for site in all_sites.values():
            site.close()


def _storm(site, requests):
    """Seconds until so many requests are answered."""
    left = iter(range(requests))

    async def ask(minion_id):
        load = {
            "cmd": "_pillar", "id": minion_id, "grains": {"id": minion_id}, "saltenv": "base",
            "pillarenv": None, "pillar_override": {}, "extra_minion_data": {}, "ver": "2",
        }  # fmt: skip
        for _ in left:
            pillar = await site.channels[minion_id].crypted_transfer_decode_dictentry(load, dictkey="pillar")
            if "_errors" in pillar or "site" not in pillar or len(_packages(pillar)) != fleet.PACKAGES:
                raise AssertionError(f"{minion_id} was given another pillar than is measured")

    return sites.seconds(ask, site.ids)


def _packages(pillar):
    return pillar["classic"] if "classic" in pillar else pillar["approval"]["packages"]
