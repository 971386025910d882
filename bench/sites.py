"""Real masters to measure, each with minions of its own that talk to it at once: keys and channels, no processes."""

import asyncio
import getpass
import pathlib
import random
import statistics
import sys
import time

import salt.channel.client
import salt.config
import salt.crypt
from salt_master import SaltMaster

MINIONS = 50  # that talk at once
WORKERS = 5  # of each master: Salt's default
KEY_BITS = 2048
PILLARS = {"top.sls": "base:\n  '*':\n    - site\n", "site.sls": "site:\n  owner: web shop\n"}


def master(directory, settings):
    """A master that is not started yet, with a small pillar of its own."""
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


class Site:
    """
    The minions of one master, as far as it can see: keys and channels.

    minions
        A Fleet, of which they are the first ones that it gives.
    """

    def __init__(self, directory, minions, its_master):
        self._keys = directory / "keys"
        self._keys.mkdir()
        self.master = its_master
        self.ids = sorted({minions.minion(number) for number in range(MINIONS)})
        self.channels = {}

    async def join(self):
        """Have the keys accepted (one for all of them, to save time) and a channel open for each."""
        salt.crypt.write_keys(str(self._keys), "minion", KEY_BITS)
        accepted = self.master.directory / "etc/salt/pki/master/minions"
        accepted.mkdir(parents=True, exist_ok=True)
        for minion_id in self.ids:
            (accepted / minion_id).write_bytes((self._keys / "minion.pub").read_bytes())
            channel = salt.channel.client.AsyncReqChannel.factory(self._options(minion_id))
            await channel.connect()
            self.channels[minion_id] = channel

    def _options(self, minion_id):
        return {
            **salt.config.minion_config(None),
            **self.master.minion_configuration,
            "id": minion_id,
            "user": getpass.getuser(),
            "pki_dir": str(self._keys),
            "cachedir": str(self._keys / "cache"),
            "sock_dir": str(self._keys),
            "master_ip": "127.0.0.1",
            "master_uri": f"tcp://127.0.0.1:{self.master.return_port}",
        }

    def close(self):
        for channel in self.channels.values():
            channel.close()


async def seconds(talk, minion_ids):
    """How long it takes until ``talk(minion_id)`` has come to its end for all of them, which begin at once."""
    start = time.perf_counter()
    await asyncio.gather(*(talk(minion_id) for minion_id in minion_ids))
    return time.perf_counter() - start


async def medians(alternatives, rounds):
    """
    The median of what each alternative gives; they take turns in random order.

    alternatives
        {name: a function that gives an awaitable of seconds}
    """
    found = {name: [] for name in alternatives}
    order = list(alternatives)
    for _ in range(rounds):
        random.shuffle(order)
        for name in order:
            found[name].append(await alternatives[name]())
    return {name: statistics.median(times) for name, times in found.items()}
