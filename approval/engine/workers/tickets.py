"""
Takes what came in about tickets of other systems, and looks by itself for what never came.

Deliveries stand in the database, in the order of each ticket. A ticket that cannot be taken holds up no other one, and
a site that is away none of another site. Every few minutes each site is asked which tickets changed, and some of those
with open requests are looked at again: a delivery that was lost, and a ticket that was deleted, are found so.
"""

import datetime
import logging
import time

import psycopg

from ... import db
from ...errors import ConfigError, Refused, Unavailable
from ...itsm import intake, sites
from ...itsm.ticket import Away, Denied
from ..saying import Saying
from ..worker import DatabaseWorker, numbers

log = logging.getLogger(__name__)

# name: (default, least)
SETTINGS = {"poll_minutes": (5, 1 / 60), "looks": (20, 1)}
CHANNEL = "approval_itsm"
SHARE_S = 30.0  # for one site in one round
AWAY_S = 30.0  # for which a site is left alone that could not be reached
DENIED_S = 300.0  # and one that refuses our token
LEASE_S = 900.0  # longer than the few dozen questions that a ticket may take, each of which has its own limit
# An outage is no fault of the delivery that met it: short of being dead it begins anew.
MOST_FAILURES = 10
LATER_S = 600.0
FIRST_LOOK = datetime.timedelta(days=1)
# A search lags behind, and clocks differ.
OVERLAP = datetime.timedelta(minutes=10)
EXPIRY_EVERY_S = 3600.0


class Desk:
    """
    The work of one site.

    site
        A sites.Site.
    worker
        The DatabaseWorker in whose rounds it runs.
    poll_s, looks
        The time between two polls, and how many tickets with open requests one of them looks at again.
    """

    def __init__(self, site, worker, poll_s, looks):
        self.site = site
        self._worker, self._poll_s, self._looks = worker, poll_s, looks
        self._system = sites.system(site)
        self._intake = intake.Intake(site, self._system, worker.call, db.json)
        self._away_until = self._poll_at = self._expiry_at = 0.0  # by the monotonic clock
        self._seen = ""  # the last ticket that was looked at again
        self._said = Saying(f"approval: tickets of {site.provider}")

    def run(self, until):
        """Take what is there, until that is done or time.monotonic() has come to ``until``; tells whether it was."""
        now = time.monotonic()
        if now >= self._expiry_at:
            self._tell_expiry()
            self._expiry_at = now + EXPIRY_EVERY_S
        if now < self._away_until:
            return True
        if self._intake.can_ask and now >= self._poll_at:
            self._poll()
        while time.monotonic() < until:
            if time.monotonic() < self._away_until:
                return True
            rows = self._call("claim_deliveries", 1, datetime.timedelta(seconds=LEASE_S))
            if not rows:
                return True
            for row in rows:
                outcome, due_at, note = self._outcome(row)
                self._call("settle_delivery", row["key"], outcome, due_at, note)
        return False

    def _outcome(self, row):
        """Take the ticket of a delivery; gives (outcome, when it is due again, note) for settle_delivery."""
        try:
            note = self._intake.take(row["ticket"], row["content"])
        except Away as exc:
            self._away(exc)
            if exc.due_at is not None:
                return "later", exc.due_at, str(exc)
            return self._failed(row, exc)
        except ConfigError as exc:
            return self._deny(exc)
        except Denied as exc:
            return self._deny(exc) if exc.status == 401 else self._failed(row, exc)
        except Refused as exc:
            return "failed", None, str(exc)
        except (Unavailable, psycopg.Error):
            raise
        except Exception as exc:
            # One ticket that nothing can be made of must not hold up the others. The error's text may hold anything.
            log.exception("approval: ticket %s of %s", row["ticket"], self.site.provider)
            return "failed", None, f"a fault of the intake: {type(exc).__name__}"
        self._said.succeeded()
        return "done", None, note

    def _failed(self, row, exc):
        if row["attempts"] >= MOST_FAILURES:
            return "later", _now() + datetime.timedelta(seconds=LATER_S), str(exc)
        return "failed", None, str(exc)

    def _away(self, exc):
        """Leave the site alone for a while, unless it said itself for how long, which its client keeps to."""
        self._said.failed(exc)
        if exc.due_at is None:
            self._away_until = time.monotonic() + AWAY_S

    def _deny(self, exc):
        """
        Leave a site alone that does not know us, or whose token cannot be read: who comes again and again with a bad
        one is locked out. Gives what settles the delivery.
        """
        self._said.failed(exc)
        self._away_until = time.monotonic() + DENIED_S
        return "later", _now() + datetime.timedelta(seconds=DENIED_S), str(exc)

    def _poll(self):
        """Note tickets that changed, and some with open requests, as if something had come in about them."""
        began = _now()
        mark = self._value("poll_mark")
        try:
            for ticket_id, change in self._system.changed((began - FIRST_LOOK if mark is None else mark) - OVERLAP):
                self._note(ticket_id, f"poll/{ticket_id}/{change}")
        except Away as exc:
            self._away(exc)
            return
        except (Denied, ConfigError) as exc:
            self._deny(exc)
            return
        self._look_again(began)
        self._value("set_poll_mark", began)
        self._poll_at = time.monotonic() + self._poll_s

    def _look_again(self, began):
        """The next of the tickets with open requests, in turn; and those whose requests take effect soon."""
        due = self._call("due_looks", self._seen, self._looks, datetime.timedelta(seconds=2 * self._poll_s))
        for row in due:
            self._note(row["ticket_id"], f"look/{row['ticket_id']}/{began.isoformat()}")
        in_turn = [row["ticket_id"] for row in due if row["is_in_turn"]]
        self._seen = in_turn[-1] if len(in_turn) == self._looks else ""

    def _note(self, ticket_id, key):
        self._call("receive_delivery", key, ticket_id, db.json({"way": "poll"}))

    def _tell_expiry(self):
        """Raise an alarm where the end of our token comes near."""
        expires = self.site.auth.get("expires")
        if expires is not None:
            self._value("note_token_expiry", expires)

    def _call(self, function, *arguments):
        return self._worker.call(function, self.site.provider, *arguments)

    def _value(self, function, *arguments):
        return self._worker.value(function, self.site.provider, *arguments)


class Tickets(DatabaseWorker):
    """The worker; see Desk for ``poll_s`` and ``looks``."""

    name = "tickets"
    every_s = 5.0
    channels = (CHANNEL,)
    part = "itsm"

    def __init__(self, settings, poll_s, looks):
        super().__init__(settings)
        self.limit_s = max(self.limit_s, LEASE_S)
        found = sites.load(settings.ticket_sites())
        self._desks = [Desk(site, self, poll_s, looks) for site in found.values()]

    def round(self):
        done = [desk.run(time.monotonic() + SHARE_S) for desk in self._desks]
        return None if all(done) else 0.0


def _now():
    return datetime.datetime.now(datetime.timezone.utc)


def worker(settings):
    """The worker; None where no site is configured. See engine/worker.py."""
    chosen = numbers(settings, Tickets.name, SETTINGS, whole=("looks",))
    if chosen is None or settings.section("itsm") is None:
        return None
    return Tickets(settings, chosen["poll_minutes"] * 60, chosen["looks"])
