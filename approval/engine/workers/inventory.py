"""
Keeps the inventory: what minions are, and which packages each could get.

What they are stands in the grains that the master remembers. Which packages they could get, each is asked once in so
many hours, when it starts, and when somebody wants to know; only so many at a time. Where its repositories are known,
a minion tells just that, in 200 bytes; all its packages, some hundred kilobytes, are told by one of those that share
them, and only when they changed. Who is due stands in the database, so that neither a restart nor a second master asks
twice; there it is also decided whom to believe (see sql/functions/catalog/put_catalog.sql).
"""

import itertools
import logging
import secrets
import time

import salt.cache
import salt.utils.verify

from ... import _core, db
from ...errors import ConfigError, InputError, Refused
from ...intake import catalogs
from ...jobs import packing
from ...master import keys, publisher
from ..worker import DatabaseWorker
from .reinstall import kept_grains

log = logging.getLogger(__name__)

# name: (default, least)
SETTINGS = {"hours": (24, 1 / 60), "at_once": (20, 1), "wait_minutes": (2, 1 / 60)}
CHANNEL = "approval_inventory"
LONGEST_PAUSE_S = 60.0
ANSWERS_EVERY_S = 2.0  # while minions owe answers
KEYS_FOR_S = 600.0  # a list of a hundred thousand keys takes seconds to make
ANSWERS_AT_ONCE = 20  # each may be a megabyte
FACTS_AT_ONCE = 500  # grains are read in a round
STARTS_APART = "1 hour"  # a minion that starts again and again is not asked each time
MOST_STARTED = 200_000  # more minions than a master has; what made-up names go on for is bounded
# Column of the database -> name of the grain.
FACTS = ("os", "os_family", "osarch", "kernel", "osrelease", "saltversion")


class Inventory(DatabaseWorker):
    """
    The worker.

    settings
        The Settings of the master.
    hours
        The time between two questions to one minion.
    at_once
        The most minions that owe an answer at a time.
    wait_minutes
        How long a minion that has not answered counts among these; a later answer is taken, too.
    collectors
        Minions whose word alone is enough.
    """

    name = "inventory"
    every_s = LONGEST_PAUSE_S
    channels = (CHANNEL,)
    events = ("salt/minion/",)

    def __init__(self, settings, hours, at_once, wait_minutes, collectors):
        super().__init__(settings)
        self._every = f"{hours * 3600} seconds"
        self._wait = f"{wait_minutes * 60} seconds"
        self._facts_s = hours * 3600
        self._at_once, self._collectors = at_once, list(collectors)
        self._accepted, self._listed_at = set(), None
        self._unread, self._read_at = [], None  # minions whose grains are yet to be looked at in this pass
        self._told = {}  # minion -> the facts that the database knows
        self._started = {}  # minion -> when it started, in seconds since 1970
        self._asked_until = 0.0  # by the monotonic clock: answers may come until then
        self._pillar_key = settings.state_arguments()

    def round(self):
        if self._listed_at is None or time.monotonic() - self._listed_at >= KEYS_FOR_S:
            self._accepted, self._listed_at = set(keys.accepted(self.opts)), time.monotonic()
        self._note_starts()
        is_more = self._note_facts()
        answers = self.call("list_catalog_returns", ANSWERS_AT_ONCE)
        for row in answers:
            self._take(row)
        self._ask()
        if is_more or len(answers) == ANSWERS_AT_ONCE:
            return 0.0
        return ANSWERS_EVERY_S if time.monotonic() < self._asked_until else None

    def heard(self, tag, data):
        parts = tag.split("/")
        if len(parts) == 4 and parts[-1] == "start" and len(self._started) < MOST_STARTED and self._is_id(parts[2]):
            self._started[parts[2]] = time.time()

    def close(self):
        super().close()
        self._told.clear()

    def _is_id(self, name):
        try:
            return len(name.encode()) <= 255 and salt.utils.verify.valid_id(self.opts, name)
        except (AttributeError, UnicodeEncodeError):
            return False

    def _note_starts(self):
        started = list(itertools.islice(self._started, FACTS_AT_ONCE))
        if started:
            # A new minion starts once its key is accepted; it need not wait until all are listed again.
            self._accepted |= keys.accepted_of(self.opts, set(started) - self._accepted)
            self.value("want_catalogs", started, STARTS_APART)
            self._write_facts(started)
            for minion in started:
                del self._started[minion]

    def _note_facts(self):
        """Look at some of the grains that the master has; tells whether more of this pass are to be looked at."""
        if not self._unread:
            if self._read_at is not None and time.monotonic() - self._read_at < self._facts_s:
                return False
            self._unread, self._read_at = list(self._accepted), time.monotonic()
        self._write_facts(self._unread[-FACTS_AT_ONCE:])
        del self._unread[-FACTS_AT_ONCE:]
        return bool(self._unread)

    def _write_facts(self, minions):
        cache = salt.cache.factory(self.opts)
        news = {}
        for minion in minions:
            grains = kept_grains(cache, minion)
            facts = tuple(_text(grains.get(name)) for name in FACTS)
            if grains and (facts != self._told.get(minion) or minion in self._started):
                news[minion] = facts
        if news:
            seen = [_moment(self._started[minion]) if minion in self._started else None for minion in news]
            self.value("note_facts", list(news), *map(list, zip(*news.values(), strict=True)), seen)
            self._told.update(news)

    def _ask(self):
        """Ask those that are due, as many as may owe an answer."""
        jid = publisher.new_jid(self.opts)
        nonce = secrets.token_hex(16)
        # A question that was surely not sent is undone, so that it does not wait for a whole interval.
        with db.translated(), self.conn.transaction():
            (due,) = self.call(
                "take_catalogs",
                list(self._accepted),
                self._every,
                self._wait,
                self._at_once,
                self._collectors,
                nonce,
                jid,
            )
            if due["minions"]:
                self._publish(jid, due, nonce)

    def _publish(self, jid, due, nonce):
        asked = {"nonce": nonce, "known": due["known"], "collect": due["collectors"], **self._pillar_key}
        self._asked_until = time.monotonic() + KEYS_FOR_S
        try:
            publisher.publish(self.opts, jid, due["minions"], "approval.catalog", [], asked)
        except publisher.Doubtful as exc:
            log.warning("approval: %d minions may not have been asked for packages: %s", len(due["minions"]), exc)

    def _take(self, row):
        """Hand an answer to the database, or why it cannot be taken."""
        minion, key = row["minion_id"], (row["minion_id"], row["nonce"], row["attempt"])
        report = {}
        try:
            try:
                load = packing.unpack(_core.decompress(row["payload"]))
                returned = load.get("return") if isinstance(load, dict) else None
                report = catalogs.report(returned)
                names, versions = catalogs.packages(returned)
                outcome = self.value("put_catalog", *key, db.json(report), names, versions, self._collectors)
            except (InputError, ValueError, _core.Error) as exc:
                self._refuse(key, report, str(exc))
            except Refused as exc:
                if exc.sqlstate != "AP005":
                    raise
                self._refuse(key, report, str(exc))
            else:
                said = log.warning if outcome in ("contradicts", "unproven") else log.info
                said("approval: minion %s told which packages it could get: %s", minion, outcome)
        except Refused as exc:
            if exc.sqlstate != "AP006":  # another master took it
                raise

    def _refuse(self, key, report, reason):
        if self.value("refuse_catalog", *key, db.json(report), reason):
            log.warning("approval: what minion %s told of its packages is refused: %s", key[0], reason)


def _text(value):
    """A grain as the database takes it; None for what is no text or number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return "".join(character if character.isprintable() else "?" for character in str(value)[:255])


def _moment(at):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def worker(settings):
    """The worker; see engine/worker.py."""
    given = settings.worker("inventory")
    if given is None:
        return None
    known = (*SETTINGS, "collectors")
    for name in given:
        if name not in known:
            raise ConfigError(
                f"approval:engine:workers:inventory: there is no setting {name!r} (known: {', '.join(known)})"
            )
    chosen = {"collectors": given.get("collectors", [])}
    if not isinstance(chosen["collectors"], list) or not all(isinstance(one, str) for one in chosen["collectors"]):
        raise ConfigError("approval:engine:workers:inventory: collectors must be a list of minion ids")
    for name, (default, least) in SETTINGS.items():
        value = given.get(name, default)
        kinds = int if name == "at_once" else int | float
        if isinstance(value, bool) or not isinstance(value, kinds) or not value >= least:
            raise ConfigError(f"approval:engine:workers:inventory: {name} must be a number, {least:g} at the least")
        chosen[name] = value
    return Inventory(settings, **chosen)
