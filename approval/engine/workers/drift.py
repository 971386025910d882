"""Has minions read what is there now, a slice at a time, and notes who does not return.

Their findings come back as any return does and are recorded as such. Each minion is asked once in so many
hours; which ones are due stands in the database, so that neither a restart nor a second master asks twice.
"""

import logging
import math
import time

from ... import db
from ...master import keys, publisher
from ..worker import DatabaseWorker, numbers

log = logging.getLogger(__name__)

# name: (default, least)
SETTINGS = {"hours": (24, 1 / 60), "slice": (100, 1), "silent_after_minutes": (30, 1)}
LONGEST_PAUSE_S = 60.0  # until it looks whether there are new minions, or silent ones
SHORTEST_PAUSE_S = 1.0
KEYS_FOR_S = 600.0  # a list of a hundred thousand keys takes seconds to make


class Drift(DatabaseWorker):
    """
    The worker.

    settings
        The Settings of the master.
    hours
        The time between two checks of one minion.
    slice
        The most minions that are told at a time.
    silent_after_minutes
        A minion that has not returned from a state run by then is silent.
    """

    name = "drift"
    every_s = LONGEST_PAUSE_S

    def __init__(self, settings, hours, slice, silent_after_minutes):
        super().__init__(settings)
        self._total = 0  # minions to be told, as of the last round
        self._every_s = hours * 3600
        self._slice = slice
        self._silent_after_s = silent_after_minutes * 60
        self._accepted, self._listed_at = [], None
        self._pillar_key = settings.state_arguments()

    def round(self):
        self.value("note_silence", f"{self._silent_after_s} seconds")
        if self._listed_at is None or time.monotonic() - self._listed_at >= KEYS_FOR_S:
            self._accepted, self._listed_at = keys.accepted(self.opts), time.monotonic()
        # The checks are spread over the whole interval, from the first one on.
        share = math.ceil(self._total * LONGEST_PAUSE_S / self._every_s)
        # A check that was surely not sent is undone, so that it does not wait for a whole interval.
        with db.translated(), self.conn.transaction():
            due = self.call("take_checks", self._accepted, f"{self._every_s} seconds", min(max(share, 1), self._slice))[
                0
            ]
            self._total = due["checked"]
            if due["minions"]:
                self._tell(due["minions"])
        return min(max(self._every_s * self._slice / max(self._total, 1), SHORTEST_PAUSE_S), LONGEST_PAUSE_S)

    def _tell(self, minions):
        jid = publisher.new_jid(self.opts)
        try:
            publisher.publish(self.opts, jid, minions, "approval.observe", [], self._pillar_key)
        except publisher.Doubtful as exc:
            log.warning("approval: %d minions may not have been told to read what is there: %s", len(minions), exc)


def worker(settings):
    """The worker; see engine/worker.py."""
    chosen = numbers(settings, "drift", SETTINGS, whole=("slice",))
    return None if chosen is None else Drift(settings, **chosen)
