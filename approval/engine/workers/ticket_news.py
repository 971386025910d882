"""Tells tickets what becomes of their requests: consumes the messages to each site that the configuration has."""

import datetime
import time

from ...errors import ConfigError, InputError
from ...itsm import posting, sites, telling, texts
from ...itsm.ticket import Away, Denied, Gone, Ignored, NotMoved
from ..delivery import CHANNEL, Consumer, Delivery, Failed, Later
from ..worker import DatabaseWorker

SHARE_S = 30.0  # for one site in one round, so that a slow one does not hold up the others for long
AWAY_S = 30.0  # for which a site is left alone that could not be reached
# An outage is no fault of the message that met it: short of being dead it begins anew.
MOST_FAILURES = 10
LATER_S = 600.0


class SiteNews(Consumer):
    """
    The consumer of one site's messages.

    site
        A sites.Site.
    worker
        The DatabaseWorker in whose rounds it runs.
    """

    # Longer than the few dozen questions that a message may take, each of which may take its time.
    lease_s = 900.0

    def __init__(self, site, worker):
        self.destination = site.provider
        self._away_until = 0.0
        writer = texts.of_site(site, worker.settings)
        # A site that cannot be reached is told nothing: its messages end here.
        self._telling = None
        if site.kind == "generic" and site.url and site.secrets:
            self._telling = posting.Posting(site, writer, worker.value)
        elif site.url and site.auth:
            self._telling = telling.Telling(site, sites.system(site), writer, worker.call)

    def pass_s(self, thread, request):
        """A site that is away is left alone for a while, whichever ticket it is about."""
        return max(0.0, self._away_until - time.monotonic())

    def deliver(self, message):
        """Tell the ticket that the message's request is of, or the one of which there is no request."""
        if self._telling is None:
            return
        try:
            if message.request is None:
                self._telling.refuse(message.body)
            else:
                self._telling.tell(message.request, message.seq, message.body.get("event"))
        except Away as exc:
            if exc.due_at is not None:
                raise Later(exc.due_at) from None
            self._away_until = time.monotonic() + AWAY_S
            if message.attempts >= MOST_FAILURES:
                raise Later(
                    datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=LATER_S)
                ) from None
            raise Failed(str(exc)) from None
        except (Denied, Gone, NotMoved, Ignored, InputError, ConfigError) as exc:
            raise Failed(str(exc)) from None


class TicketNews(DatabaseWorker):
    name = "ticket_news"
    every_s = 5.0
    channels = (CHANNEL,)
    part = "itsm"

    def __init__(self, settings):
        super().__init__(settings)
        self.limit_s = max(self.limit_s, SiteNews.lease_s)
        found = sites.load(settings.ticket_sites())
        self._deliveries = [Delivery(SiteNews(site, self), self) for site in found.values()]

    def round(self):
        done = [delivery.run(time.monotonic() + SHARE_S) for delivery in self._deliveries]
        return None if all(done) else 0.0


def worker(settings):
    """The worker; None where no site is configured. See engine/worker.py."""
    return None if settings.section("itsm") is None else TicketNews(settings)
