"""Keeps what the fields of tickets offer in line with the inventory, site by site."""

import datetime
import functools
import logging
import time

from ...errors import ConfigError, InputError, Refused
from ...itsm import options, sites
from ...itsm.ticket import Away, Denied
from ..saying import Saying
from ..worker import DatabaseWorker, numbers

log = logging.getLogger(__name__)

SETTINGS = {"hours": (4, 1 / 60)}
CHANNEL = "approval_options"
LEAST_S = 60.0  # between two rounds, however often somebody wants one
AWAY_S = 300.0  # for which a site is left alone that could not be reached
LIMIT_S = 3600.0  # ten thousand options are read a hundred at a time, and some sites are slow


class TicketOptions(DatabaseWorker):
    """The worker; ``hours`` is the time between two looks at a site."""

    name = "ticket_options"
    channels = (CHANNEL,)
    part = "itsm"

    def __init__(self, settings, hours):
        super().__init__(settings)
        self.limit_s = LIMIT_S
        self.every_s = hours * 3600
        found = sites.load(settings.ticket_sites()).values()
        self._sites = [site for site in found if getattr(site.own, "options", ())]
        self._systems = {site.provider: sites.system(site) for site in self._sites}
        self._saying = {site.provider: Saying(f"approval: options of {site.provider}") for site in self._sites}
        self._told = {}  # (provider, field, context) -> how many there was no room for
        self._done_at = None  # by the monotonic clock

    def round(self):
        if not self._sites:
            return None
        if self._done_at is not None and time.monotonic() - self._done_at < LEAST_S:
            return LEAST_S - (time.monotonic() - self._done_at)
        pauses = [self._sync(site) for site in self._sites]
        self._done_at = time.monotonic()
        return min((pause for pause in pauses if pause is not None), default=None)

    def _sync(self, site):
        """Bring one site in line; gives after how many seconds it wants to be tried again, None: as always."""
        saying = self._saying[site.provider]
        try:
            offering = self._systems[site.provider].offering()
            for done in offering.sync(functools.partial(options.wanted, self.call)):
                self._tell(site, done)
        except Away as exc:
            saying.failed(exc)
            if exc.due_at is None:
                return AWAY_S
            return max(LEAST_S, (exc.due_at - datetime.datetime.now(datetime.timezone.utc)).total_seconds())
        except (Denied, InputError, ConfigError, Refused) as exc:
            # One site must not hold up the others.
            saying.failed(exc)
        else:
            saying.succeeded()
        return None

    def _tell(self, site, done):
        place = f"{site.provider} {done.field}" + (f" {done.context}" if done.context else "")
        if done.created or done.enabled or done.disabled or done.moved:
            log.info(
                "approval: options of %s: %d created, %d enabled, %d disabled, %d moved",
                place, done.created, done.enabled, done.disabled, done.moved,
            )  # fmt: skip
        said = (len(done.left_out), done.note)
        if self._told.get(place, (0, None)) != said:
            self._told[place] = said
            if done.left_out:
                log.warning("approval: options of %s: there is no room for %d", place, len(done.left_out))
            if done.note:
                log.warning("approval: options of %s: %s", place, done.note)


def worker(settings):
    """The worker; None where no site is configured. See engine/worker.py."""
    chosen = numbers(settings, TicketOptions.name, SETTINGS)
    if chosen is None or settings.section("itsm") is None:
        return None
    return TicketOptions(settings, **chosen)
