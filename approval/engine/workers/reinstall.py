"""
Makes minions known whose keys are accepted, and watches for known ones that come back installed anew, with another
key or another machine id.

The master tells of every attempt to authenticate, also of keys that it refuses. Whether it is the machine or
somebody who claims to be, operators decide when they accept the key: that they did is read from the master's keys,
since Salt lets every minion put such events on the bus, in another's name too. Minions that were told to reboot are
asked for evidence as soon as they start.
"""

import hashlib
import itertools
import logging
import time

import salt.cache
import salt.key
from salt.exceptions import SaltException

from ...errors import Refused
from ...master import keys
from ..worker import DatabaseWorker
from .dispatch import observe

log = logging.getLogger(__name__)

SETTLE_EVERY_S = 1.0
KEYS_EVERY_S = 3600.0  # what nobody told is found among the accepted keys
KEYS_AGAIN_S = 60.0  # sooner, where events may have been lost; not at once, as every minion can send too many
GRAINS_FOR_S = 600.0  # how long after its start a minion's grains are looked at: they come a little later
AT_ONCE = 200  # so many keys, and grains, are read in a round, and events heard in between
MOST_STARTED = 200_000  # more minions than a master has; what made-up names go on for is bounded


class Reinstall(DatabaseWorker):
    name = "reinstall"
    every_s = SETTLE_EVERY_S
    events = ("salt/auth", "salt/key", "salt/minion/")

    def __init__(self, settings):
        super().__init__(settings)
        self._has_missed = False  # events, since the accepted keys were last listed
        self._keys_at = None  # when that was
        self._unread = []  # those of them that are yet to be read
        self._settled_at = None
        self._told = {}  # minion -> (digest of the key, accepted, machine id) that the database knows
        self._started = {}  # minion -> when it last started; those whose grains were looked at last come last

    def round(self):
        self._read_keys()
        if self._is_over(self._settled_at, SETTLE_EVERY_S):
            self._look_at_grains()
            self.value("settle_reinstalls")
            self._settled_at = time.monotonic()
        return 0.0 if self._unread else None

    def close(self):
        super().close()
        # Notes to the database may be lost with the connection.
        self._told.clear()

    def missed(self):
        self._has_missed = True

    def heard(self, tag, data):
        parts = tag.split("/")
        if tag == "salt/auth" and keys.is_id(self.opts, data.get("id")) and isinstance(data.get("pub"), str):
            digest = digest_of(data["pub"])
            accepted = data.get("act") == "accept" and data.get("result") is True
            if not accepted or self._is_accepted(data["id"], digest):
                self._tell(data["id"], digest, accepted, None)
        elif tag == "salt/key" and data.get("act") == "accept" and keys.is_id(self.opts, data.get("id")):
            # The same key as before, of a minion that was removed, is news as well.
            self._told.pop(data["id"], None)
            key = keys.public_key(self.opts, data["id"])
            if key is not None:
                self._tell(data["id"], digest_of(key), True, None)
        elif (
            parts[:2] == ["salt", "minion"]
            and parts[-1] == "start"
            and len(parts) == 4
            and keys.is_id(self.opts, parts[2])
        ):
            if len(self._started) < MOST_STARTED:
                self._started[parts[2]] = time.monotonic()
            waiting = [row["awaiting_start"] for row in self.call("awaiting_start", parts[2])]
            observe(self.opts, waiting, **self.settings.state_arguments())

    def _tell(self, minion, digest, accepted, machine_id):
        told = (digest, accepted, machine_id)
        if self._told.get(minion) == told:
            return
        try:
            answer = self.value("note_minion", minion, digest, accepted, machine_id)
        except Refused as exc:
            if exc.sqlstate != "AP005":
                raise
            answer = "unknown"
            log.warning("approval: minion %r cannot be made known: %s", minion, exc)
        if answer == "new":
            log.info("approval: minion %s is known now: its key was accepted", minion)
        if answer in ("waiting", "accepted"):
            log.warning("approval: minion %s came with another key or machine id: %s", minion, answer)
        if answer != "unknown":
            self._told[minion] = told

    def _is_accepted(self, minion, digest):
        """Whether that is the key by which the master knows the minion."""
        if self._told.get(minion) == (digest, True, None):
            return True
        key = keys.public_key(self.opts, minion)
        return key is not None and digest_of(key) == digest

    def _read_keys(self):
        """Read some of the accepted keys, of unknown minions first, until all were read; and again later."""
        if not self._unread and not self._is_over(self._keys_at, KEYS_AGAIN_S if self._has_missed else KEYS_EVERY_S):
            return
        with salt.key.get_key(self.opts) as opened:
            if not self._unread:
                self._has_missed = False
                accepted = [minion for minion in opened.list_keys()["minions"] if keys.is_id(self.opts, minion)]
                unknown = {row["unknown_minions"] for row in self.call("unknown_minions", accepted)}
                for minion in unknown:
                    self._told.pop(minion, None)
                self._unread = sorted(accepted, key=unknown.__contains__)
                self._keys_at = time.monotonic()
            for minion in self._unread[-AT_ONCE:]:
                key = keys.public_key_of(opened, minion)
                if key is not None:
                    self._tell(minion, digest_of(key), True, None)
            del self._unread[-AT_ONCE:]

    def _look_at_grains(self):
        cache = salt.cache.factory(self.opts)
        for minion, started in list(itertools.islice(self._started.items(), AT_ONCE)):
            del self._started[minion]
            if time.monotonic() - started > GRAINS_FOR_S:
                continue
            self._started[minion] = started
            machine_id = kept_grains(cache, minion).get("machine_id")
            if isinstance(machine_id, str) and machine_id:
                self._tell(minion, None, True, machine_id[:128])

    @staticmethod
    def _is_over(since, span_s):
        return since is None or time.monotonic() - since >= span_s


def kept_grains(cache, minion):
    """The grains of a minion in the master's salt.cache.Cache, where any Salt in use puts them; {} without any."""
    for bank, key, within in (("grains", minion, None), (f"minions/{minion}", "data", "grains")):
        try:
            kept = cache.fetch(bank, key)
        except SaltException:
            continue
        grains = kept.get(within) if within and isinstance(kept, dict) else kept
        if isinstance(grains, dict) and grains:
            return grains
    return {}


def digest_of(public_key):
    """The digest by which a public key is known: of its PEM text without white space."""
    return hashlib.sha256("".join(public_key.split()).encode("utf-8", "replace")).hexdigest()


def worker(settings):
    """The worker; see engine/worker.py."""
    return Reinstall(settings)
