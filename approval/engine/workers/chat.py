"""
Tells people in chats what runs, what is asked for, and what waits for them.

Messages stand in the database, in the order of each thread. Each channel has a desk of its own: one that has to wait
holds up no other. Many messages that say the same become one line, and old news is summed up.
"""

import datetime
import logging
import time
from collections import deque
from dataclasses import dataclass, field, replace

import psycopg

from ... import _core, db
from ...chat import channels, failures, story
from ...chat.channel import Away, EditsLater, Failed, Later, Resting
from ...chat.ears import Ears
from ...chat.interactions import Interactions
from ...chat.message import Message, Section
from ...errors import ConfigError, Refused, Unavailable
from ...intake import masking
from ..delivery import CHANNEL
from ..saying import Saying
from ..worker import DatabaseWorker

log = logging.getLogger(__name__)

EVERY_S = 2.0
SHARE_S = 5.0  # for one channel in one round
GATHER_S = 2.0  # between two claims, so that messages of the same moment are seen together
AT_ONCE = 50  # messages in hand
LEASE_S = 180.0
SPARE_S = 30.0  # before the end of a lease, from which on nothing is begun: longer than any delivery takes
MOST_ALIKE, ALIKE_WITHIN_S = 5, 60.0
STALE = datetime.timedelta(hours=1)
STALE_EVERY_S = 300.0
# An outage is no fault of the message that met it: short of being dead it begins anew.
MOST_FAILURES = 10
LATER_S = 600.0
JOBS_AT_ONCE = 1000
KEPT = 2000  # threads of which it is known how far they were told


@dataclass
class _Item:
    """A message in hand, until when it may be begun, and what of it was done."""

    row: dict
    until: float
    ts: str | None
    has_parent: bool = False
    has_entry: bool = False
    is_single: bool = False

    @property
    def key(self):
        return self.row["thread"], self.row["seq"]


@dataclass
class _Alike:
    """Messages of one minute that say the same; ``ts``: of the line that stands for them."""

    title: str
    key: str
    began: float
    count: int = 0
    told: int = 0
    ts: str | None = None
    last: float = 0.0
    times: deque = field(default_factory=deque)


class Desk:
    """
    The work for one channel.

    channel
        A channel.Channel.
    worker
        The DatabaseWorker in whose rounds it runs.
    teller
        The story.Teller.
    """

    def __init__(self, channel, worker, teller):
        self.channel, self.destination = channel, channels.destination(channel.name)
        self._worker, self._teller = worker, teller
        self._hand = deque()
        self._begun = {}  # (thread, seq) -> the _Item that failed, with what of it was done
        self._alike = {}  # what is alike -> _Alike
        self._digest = None  # since when the last one is
        self._summary = None  # the Message on what was dropped, until it is delivered
        self._rests_until = self._claim_at = self._stale_at = 0.0  # by the monotonic clock
        self._said = Saying(f"approval: chat {channel.name}")

    def run(self, until):
        """
        Deliver what is due until time.monotonic() has come to ``until``; gives after how many seconds there is more to
        do, None: there is not.
        """
        while (now := time.monotonic()) < until:
            if now < self._rests_until:
                return self._rests_until - now
            try:
                self._tell_sums(now)
                if not self._hand and not self._claim(now):
                    return None if now >= self._claim_at else self._claim_at - now
                self._next()
            except Later as exc:
                # It stays in hand.
                self._rests_until = time.monotonic() + max(_seconds_to(exc.due_at), 0.05)
        return 0.0

    def post_digest(self):
        """Have the digest of the day put into the queue when it is due."""
        since = self.channel.digest_since(_now())
        if since is not None and since != self._digest:
            self._call("post_digests", since)
            self._digest = since

    def _claim(self, now):
        """Take messages in hand; tells whether there are any."""
        if now >= self._stale_at:
            dropped = self._call("drop_stale", STALE)
            self._stale_at = now + STALE_EVERY_S
            if dropped:
                self._summary = self._teller.summed_up(f"summary/{_now():%Y-%m-%dT%H:%M:%SZ}", dropped)
                return False
        if now < self._claim_at:
            return False
        self._claim_at = now + GATHER_S
        until = now + LEASE_S - SPARE_S
        rows = self._call("claim_messages", AT_ONCE, datetime.timedelta(seconds=LEASE_S))
        for row in rows:
            item = self._begun.pop((row["thread"], row["seq"]), None)
            if item is None:
                item = _Item(row, until, row["ts"])
            else:
                item.row, item.until, item.ts = row, until, item.ts or row["ts"]
            self._hand.append(item)
        if len(rows) in (0, AT_ONCE):
            # The pause is for messages that come one after the other.
            self._claim_at = now
        return bool(self._hand)

    def _next(self):
        """Deliver the first message in hand and settle it. Raises Later: it stays in hand."""
        item = self._hand[0]
        if time.monotonic() >= item.until:
            # Its lease is nearly over: it comes again.
            self._hand.popleft()
            return
        outcome, due_at, error, ts = "delivered", None, None, None
        try:
            ts = self._deliver(item)
        except EditsLater as exc:
            outcome, due_at = "later", exc.due_at
            self._remember(item)
        except Later:
            raise
        except (Failed, Refused, ConfigError) as exc:
            outcome, due_at, error = self._failed(item, exc)
        except (Unavailable, psycopg.Error):
            raise
        except Exception as exc:
            # One message that nothing can be made of must not hold up the others. Its text may hold anything.
            log.exception("approval: message %d of %s to %s", item.row["seq"], item.row["thread"], self.destination)
            outcome, error = "failed", f"a fault of the consumer: {type(exc).__name__}"
        else:
            self._said.succeeded()
        self._hand.popleft()
        self._worker.call(
            "settle_message", self.destination, *item.key, outcome, due_at, error, ts if item.has_parent else None
        )

    def _failed(self, item, exc):
        """What settles a message that was not delivered; a channel that cannot be used is left alone for a while."""
        self._remember(item)
        self._said.failed(exc)
        rest_s = exc.rest_s if isinstance(exc, Resting) else None
        if isinstance(exc, ConfigError):
            rest_s = LATER_S
        if rest_s is not None:
            self._rests_until = time.monotonic() + rest_s
        # What the channel itself refuses is dead in the end; what met an outage is not.
        if item.row["attempts"] >= MOST_FAILURES and isinstance(exc, Away):
            return "later", _now() + datetime.timedelta(seconds=LATER_S), str(exc)
        return "failed", None, str(exc)

    def _remember(self, item):
        self._begun[item.key] = item
        while len(self._begun) > KEPT:
            self._begun.pop(next(iter(self._begun)))

    def _deliver(self, item):
        """Deliver a message; gives the id of the first message of its thread. Raises what a Channel raises."""
        row, thread = item.row, item.row["thread"]
        if not self.channel.wants(row["topic"], row["body"]):
            return item.ts
        kind = thread.partition("/")[0]
        if kind == "ask":
            return self._ask(item)
        if kind == "digest":
            message = self._teller.inbox(row["body"]["rows"], thread)
            return self.channel.deliver(message, thread, address=row["body"]["address"])
        if kind == "job":
            return self._job(item)
        if kind == "drift" and item.ts is None and self._is_summed_up(item):
            return None
        known = self._worker.value("chat_story", thread) if kind in ("request", "alarm", "drift") else None
        if known is None:
            self._plain(item)
            return None
        return self._thread(item, known)

    def _thread(self, item, known, with_entry=None):
        """The parent as it stands now, and below it what happened."""
        row, thread = item.row, item.row["thread"]
        entry = self._teller.entry(thread, row["seq"], row["topic"], row["body"], known)
        # One that begins a thread is told by its parent.
        is_wanted = item.row["ts"] is not None or (entry is not None and entry.is_loud)
        if with_entry is not None:
            is_wanted = with_entry
        is_new = item.ts is None
        if is_new:
            self._parent(item, known)
        if entry is not None and is_wanted and not item.has_entry:
            self.channel.deliver(entry, thread, item.ts)
            item.has_entry = True
        if not is_new and self.channel.edits:
            self._parent(item, known)
        return item.ts

    def _parent(self, item, known):
        message = self._teller.parent(item.row["thread"], known, item.row["body"])
        item.ts = self.channel.deliver(message, item.row["thread"], item.ts)
        item.has_parent = True

    def _job(self, item):
        row, body = item.row, item.row["body"]
        is_over, has_failed = row["topic"] == "verdict", body["outcome"] in ("failed", "silent")
        if item.ts is None:
            if row["seq"] > 1 and not (is_over and has_failed):
                # Its first message went into a line with others of its kind.
                return None
            if self._is_summed_up(item):
                return None
        elif row["topic"] == "update" and not self.channel.edits:
            return item.ts
        known = self._worker.value("chat_story", row["thread"])
        if is_over and body["failed"]:
            known = self._with_reasons(row["thread"].partition("/")[2], known)
        return self._thread(item, known, with_entry=is_over and has_failed)

    def _with_reasons(self, jid, known):
        """The story of a job with what its failed minions returned, where Salt is here to read that."""
        try:
            from ...jobs import packing
        except ImportError:
            return known
        reasons = {}
        for row in self._worker.call("failed_returns", jid, story.MOST_ROWS):
            if row["payload"] is None:  # what it says may be sensitive
                continue
            try:
                returned = packing.unpack(_core.decompress(row["payload"]))
            except ValueError:
                continue
            if isinstance(returned, dict):
                reasons[row["minion_id"]] = failures.reasons(returned.get("return"))
        if known is not None:
            for one in known["failures"]:
                one["reasons"] = reasons.get(one["minion_id"], [])
        return known

    def _is_summed_up(self, item):
        """Whether a message is told in one line with others, which is found once for each."""
        if not item.is_single and self.channel.sums_up and self._is_one_of_many(item.row):
            return True
        item.is_single = True
        return False

    def _is_one_of_many(self, row):
        """Whether there were many like this in the same minute, a job or the drift of a minion; it is counted then."""
        body, now = row["body"], time.monotonic()
        if row["topic"] == "drift":
            alike = ("drift", body["act"])
        else:
            alike = (body["fun"], body["user"], row["topic"], body["outcome"] if row["topic"] == "verdict" else "")
        one = self._alike.get(alike)
        if one is None:
            one = self._alike[alike] = _Alike(self._teller.alike_title(row), f"alike/{row['thread']}", now)
        while one.times and one.times[0] <= now - ALIKE_WITHIN_S:
            one.times.popleft()
        if len(one.times) < MOST_ALIKE:
            one.times.append(now)
            return False
        if one.count == 0 or now >= one.began + ALIKE_WITHIN_S:
            one.count, one.told, one.ts, one.began, one.key = 0, 0, None, now, f"alike/{row['thread']}"
        one.count += 1
        return True

    def _tell_sums(self, now):
        """Tell how many were alike, and what was dropped."""
        if self._summary is not None:
            self._told(self._summary)
            self._summary = None
        for alike, one in list(self._alike.items()):
            if one.count > one.told:
                if now < one.last + GATHER_S:
                    continue
                message = self._teller.alike(one.key, one.title, one.count)
                try:
                    one.ts = self._told(message, one.ts if self.channel.edits else None)
                except EditsLater:
                    continue
                one.told, one.last = one.count, now
            elif now > one.began + 2 * ALIKE_WITHIN_S:
                del self._alike[alike]

    def _told(self, message, ts=None):
        """Deliver a message of our own; one that the channel does not take is said in the log alone."""
        try:
            return self.channel.deliver(message, message.key, ts)
        except Resting as exc:
            self._said.failed(exc)
            raise Later(_now() + datetime.timedelta(seconds=exc.rest_s)) from None
        except (Failed, ConfigError) as exc:
            self._said.failed(exc)
            return ts

    def _ask(self, item):
        """The direct message to somebody for whom a request waits, or waits no more."""
        row, body, thread = item.row, item.row["body"], item.row["thread"]
        known = self._worker.value("chat_story", thread)
        if known is None or (body["act"] == "over" and item.ts is None):
            return item.ts
        message = self._teller.ask(thread, known, body, self.channel.has_buttons)
        if not self.channel.edits:
            # A message that was told stays as it is: another one follows while there is something to decide on.
            if message.sections:
                item.ts = self.channel.deliver(message, thread, item.ts, body["address"])
                item.has_parent = True
            return item.ts
        had_parent = row["ts"] is not None
        # There is something to decide on in one that is open alone.
        if had_parent and message.sections and not item.has_entry:
            # Nobody is called by a message that was written anew.
            note = replace(message, key=f"{thread}#{row['seq']}", sections=(), buttons=(), is_loud=True)
            self.channel.deliver(note, thread, item.ts)
            item.has_entry = True
        item.ts = self.channel.deliver(message, thread, item.ts, body.get("address"))
        item.has_parent = True
        return item.ts

    def _plain(self, item):
        """A notice of which nothing more is known than what it says."""
        row = item.row
        rows = tuple((name, masking.of_site(self._worker.settings.masking_patterns).masked_text(_flat(value)))
                     for name, value in row["body"].items())  # fmt: skip
        key = f"{row['thread']}#{row['seq']}"
        message = Message(key, f"{row['topic']}: {row['thread']}", sections=(Section("fields", rows),))
        self.channel.deliver(message, key)

    def _call(self, function, *arguments):
        return self._worker.call(function, self.destination, *arguments)


class Chat(DatabaseWorker):
    """The worker."""

    name = "chat"
    every_s = EVERY_S
    channels = (CHANNEL,)
    part = "chat"

    def __init__(self, settings):
        super().__init__(settings)
        self.limit_s = max(self.limit_s, LEASE_S)
        mask = masking.of_site(settings.masking_patterns).masked_text
        teller = story.Teller(mask, settings.public_url())
        found = channels.load(settings.chat_channels())
        self._desks = [Desk(channel, self, teller) for channel in found.values()]
        self._said = Saying("approval: chats are told, and nobody is heard")
        # One for each app, whichever of its channels comes first.
        hearing = {one.settings["app_token_file"]: one for one in reversed(found.values()) if one.kind == "slack"
                   and one.settings.get("app_token_file")}  # fmt: skip
        self._ears = [
            Ears(channel, Interactions(channel, self._connect, teller, settings.public_url()), self.value)
            for channel in hearing.values()
        ]

    def _connect(self):
        return db.connect(self.settings.connection(self.part))

    def round(self):
        for ears in self._ears:
            try:
                ears.keep()
            except (Failed, ConfigError) as exc:
                self._said.failed(exc)
            else:
                self._said.succeeded()
        while self.value("tell_jobs", JOBS_AT_ONCE) == JOBS_AT_ONCE:
            pass
        while self.value("ask_people", 100) == 100:
            pass
        for desk in self._desks:
            desk.post_digest()
        waits = [desk.run(time.monotonic() + SHARE_S) for desk in self._desks]
        return min((wait for wait in waits if wait is not None), default=None)

    def close(self):
        super().close()
        for ears in self._ears:
            ears.close()
        for desk in self._desks:
            desk.channel.close()


def _flat(value):
    return ", ".join(map(_flat, value)) if isinstance(value, list) else "" if value is None else str(value)


def _seconds_to(moment):
    return (moment - _now()).total_seconds()


def _now():
    return datetime.datetime.now(datetime.timezone.utc)


def worker(settings):
    """The worker; None where no channel is configured. See engine/worker.py."""
    return None if settings.section("chat") is None else Chat(settings)
