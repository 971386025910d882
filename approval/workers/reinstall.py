"""
Watches for known minions that come back installed anew, with another key or another machine id.

The master tells of every attempt to authenticate, also of keys that it refuses. Whether it is the machine or
somebody who claims to be, operators decide when they accept the key. Minions that were told to reboot are asked
for evidence as soon as they start.
"""

import hashlib
import logging
import time

import salt.cache
import salt.key
import salt.utils.event
from salt.exceptions import SaltException

from .. import export
from . import DatabaseWorker
from .dispatch import observe

log = logging.getLogger(__name__)

LOOK_S = 1.0  # how long a round listens
KEYS_EVERY_S = 3600.0  # what was missed is found among the accepted keys
GRAINS_FOR_S = 600.0  # how long after its start a minion's grains are looked at: they come a little later


class Reinstall(DatabaseWorker):
    name = "reinstall"
    every_s = 0.0

    def __init__(self, opts):
        super().__init__(opts)
        self._bus = None
        self._keys_at = None  # when the accepted keys were last read
        self._settled_at = None
        self._told = {}  # minion -> (digest of the key, accepted, machine id) that the database knows
        self._started = {}  # minion -> when it last started

    def round(self):
        if self._bus is None:
            self._bus = salt.utils.event.get_event("master", opts=self.opts, listen=True)
        if self._is_over(self._keys_at, KEYS_EVERY_S):
            self._read_keys()
            self._keys_at = time.monotonic()
        self._listen()
        if self._is_over(self._settled_at, LOOK_S):
            self._look_at_grains()
            self.value("settle_reinstalls")
            self._settled_at = time.monotonic()

    def close(self):
        super().close()
        # What the database was told may be lost with the connection.
        self._told.clear()
        bus, self._bus = self._bus, None
        if bus is not None:
            bus.destroy()

    def _listen(self):
        last = time.monotonic() + LOOK_S
        while (left := last - time.monotonic()) > 0:
            event = self._bus.get_event(wait=left, tag="salt/", full=True, auto_reconnect=True)
            if event is not None:
                self.heard(event["tag"], event["data"])

    def heard(self, tag, data):
        """Take an event of the master's bus."""
        parts = tag.split("/")
        if tag == "salt/auth" and isinstance(data.get("id"), str) and isinstance(data.get("pub"), str):
            accepted = data.get("act") == "accept" and data.get("result") is True
            self._tell(data["id"], digest_of(data["pub"]), accepted, None)
        elif parts[:2] == ["salt", "minion"] and parts[-1] == "start" and len(parts) == 4:
            self._started[parts[2]] = time.monotonic()
            waiting = [row["awaiting_start"] for row in self.call("awaiting_start", parts[2])]
            observe(self.opts, waiting, **export.state_arguments(self.opts))

    def _tell(self, minion, digest, accepted, machine_id):
        told = (digest, accepted, machine_id)
        if self._told.get(minion) == told:
            return
        answer = self.value("note_minion", minion, digest, accepted, machine_id)
        if answer in ("waiting", "accepted"):
            log.warning("approval: minion %s came with another key or machine id: %s", minion, answer)
        if answer != "unknown":
            self._told[minion] = told

    def _read_keys(self):
        with salt.key.get_key(self.opts) as keys:
            for minion in keys.list_keys()["minions"]:
                kept = keys.cache.fetch("keys", minion)
                if isinstance(kept, dict) and isinstance(kept.get("pub"), str):
                    self._tell(minion, digest_of(kept["pub"]), True, None)

    def _look_at_grains(self):
        cache = salt.cache.factory(self.opts)
        for minion, started in list(self._started.items()):
            if time.monotonic() - started > GRAINS_FOR_S:
                del self._started[minion]
                continue
            try:
                grains = cache.fetch("grains", minion)
            except SaltException:
                continue
            machine_id = grains.get("machine_id") if isinstance(grains, dict) else None
            if isinstance(machine_id, str) and machine_id:
                self._tell(minion, None, True, machine_id[:128])

    @staticmethod
    def _is_over(since, span_s):
        return since is None or time.monotonic() - since >= span_s


def digest_of(public_key):
    """The digest by which a public key is known: of its PEM text without white space."""
    return hashlib.sha256("".join(public_key.split()).encode("utf-8", "replace")).hexdigest()


def worker(opts):
    """The worker; see workers.Worker."""
    return Reinstall(opts)
