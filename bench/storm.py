"""
A storm of pillar requests at real masters: ours, Salt's own postgres module, and a constant ext_pillar.

One master for each, all running for the whole time, with the same tops and states; minions whose keys they have
accepted all ask at once, each again as soon as it has its answer, until n requests are answered.
"""

import asyncio
import contextlib
import getpass
import pathlib
import random
import statistics
import sys
import time

import fleet
import salt.channel.client
import salt.config
import salt.crypt
from approval_database import NAME
from private_postgres import SUPERUSER
from report import Floor, Row
from salt_master import SaltMaster

MINIONS = 50  # that ask at once
WORKERS = 5  # of each master: Salt's default
KEY_BITS = 2048
REACH_CONSTANT = 1.03
REACH_SALT = 1.2
CONSTANT = "def ext_pillar(minion_id, pillar, packages):\n    return {'approval': {'packages': packages}}\n"
PILLARS = {"top.sls": "base:\n  '*':\n    - site\n", "site.sls": "site:\n  owner: web shop\n"}
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
        sites = {
            name: _Site(directory / name, minions, stack.enter_context(_master(directory / name, ext_pillar)))
            for name, ext_pillar in settings.items()
        }
        times = asyncio.run(_storms(sites, requests, rounds))
        connections = int(database.query(CONNECTIONS))
    ours = times["ours"]
    longer, faster = ours / times["constant"], times["postgres"] / ours
    against = "a constant ext_pillar"
    yield Row("storm", requests, ours, "s", against, longer, f"<= {REACH_CONSTANT}", longer <= REACH_CONSTANT)
    against = "Salt's postgres ext_pillar with the classic query"
    yield Row("storm", requests, ours, "s", against, faster, f">= {REACH_SALT}", faster >= REACH_SALT)
    against = f"{WORKERS} worker processes"
    ratio = connections / WORKERS
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


def _master(directory, settings):
    """A master that is not started yet."""
    pillars = directory / "pillars"
    pillars.mkdir(parents=True)
    for name, text in PILLARS.items():
        (pillars / name).write_text(text)
    configuration = {
        "user": getpass.getuser(),
        "worker_threads": WORKERS,
        "pillar_roots": {"base": [str(pillars)]},
        **settings,
    }
    return SaltMaster(directory / "master", pathlib.Path(sys.executable).parent, configuration)


class _Site:
    """The minions of one master, as far as it can see: keys and channels."""

    def __init__(self, directory, minions, master):
        self._keys = directory / "keys"
        self._keys.mkdir()
        self._master = master
        self._ids = sorted({minions.minion(number) for number in range(MINIONS)})
        self._channels = {}

    async def join(self):
        """Have the keys accepted (one for all of them, to save time) and a channel open for each."""
        salt.crypt.write_keys(str(self._keys), "minion", KEY_BITS)
        accepted = self._master.directory / "etc/salt/pki/master/minions"
        accepted.mkdir(parents=True, exist_ok=True)
        for minion_id in self._ids:
            (accepted / minion_id).write_bytes((self._keys / "minion.pub").read_bytes())
            channel = salt.channel.client.AsyncReqChannel.factory(self._options(minion_id))
            await channel.connect()
            self._channels[minion_id] = channel
        await self.storm(len(self._ids))

    async def storm(self, requests):
        """Seconds until so many requests are answered."""
        left = iter(range(requests))
        start = time.perf_counter()
        await asyncio.gather(*(self._ask(minion_id, left) for minion_id in self._ids))
        return time.perf_counter() - start

    async def _ask(self, minion_id, left):
        load = {
            "cmd": "_pillar", "id": minion_id, "grains": {"id": minion_id}, "saltenv": "base",
            "pillarenv": None, "pillar_override": {}, "extra_minion_data": {}, "ver": "2",
        }  # fmt: skip
        for _ in left:
            pillar = await self._channels[minion_id].crypted_transfer_decode_dictentry(load, dictkey="pillar")
            if "_errors" in pillar or "site" not in pillar or len(_packages(pillar)) != fleet.PACKAGES:
                raise AssertionError(f"{minion_id} was given another pillar than is measured")

    def _options(self, minion_id):
        return {
            **salt.config.minion_config(None),
            **self._master.minion_configuration,
            "id": minion_id,
            "user": getpass.getuser(),
            "pki_dir": str(self._keys),
            "cachedir": str(self._keys / "cache"),
            "sock_dir": str(self._keys),
            "master_ip": "127.0.0.1",
            "master_uri": f"tcp://127.0.0.1:{self._master.return_port}",
        }

    def close(self):
        for channel in self._channels.values():
            channel.close()


def _packages(pillar):
    return pillar["classic"] if "classic" in pillar else pillar["approval"]["packages"]


async def _storms(sites, requests, rounds):
    """The median seconds of each site's storms; the sites take turns in random order."""
    found = {name: [] for name in sites}
    for site in sites.values():
        await site.join()
    order = list(sites)
    for _ in range(rounds):
        random.shuffle(order)
        for name in order:
            found[name].append(await sites[name].storm(requests))
    for site in sites.values():
        site.close()
    return {name: statistics.median(times) for name, times in found.items()}
