"""
Brings minions in line that were away: one that starts and is behind what is approved for it gets a state run.

Every minion can say that another one started. So only known minions with accepted keys are looked at, and one that is
behind is asked first: by evidence it proves that it is there, and which boot this is. For each boot and revision there
is one state run. Minions wait for it in the database, so several masters do no more at a time than is set, together.
"""

import logging
import time

from ... import db
from ...master import keys, publisher
from ..worker import DatabaseWorker, numbers

log = logging.getLogger(__name__)

# name: (default, least)
SETTINGS = {"at_once": (20, 1), "after_seconds": (30, 0)}
FEW = (
    1000  # so many keys are looked up one by one, before all are listed: which takes seconds where there are very many
)
MOST_STARTED = 200_000  # more minions than a master has; what made-up names go on for is bounded


class CatchUp(DatabaseWorker):
    """
    The worker.

    settings
        The Settings of the master.
    at_once
        The most minions that are asked or run a state at a time, for all masters together.
    after_seconds
        For how long after its start a minion is left to what it does by itself then, as `startup_states`.
    """

    name = "catch_up"
    every_s = 2.0
    events = ("salt/minion/",)

    def __init__(self, settings, at_once, after_seconds):
        super().__init__(settings)
        self._at_once = at_once
        self._after_s = after_seconds
        self._pillar_key = settings.state_arguments()
        self._started = {}  # minion -> when it started, by the monotonic clock: those not noted yet
        self._noted = {}  # the same of those that were noted, and are looked at once more when their time is over

    def heard(self, tag, data):
        parts = tag.split("/")
        is_start = len(parts) == 4 and parts[:2] == ["salt", "minion"] and parts[3] == "start"
        if is_start and keys.is_id(self.opts, parts[2]) and len(self._started) + len(self._noted) < MOST_STARTED:
            self._started[parts[2]] = time.monotonic()

    def round(self):
        self.value("settle_catch_ups")
        self._note_starts()
        due = [row["due_catch_ups"] for row in self.call("due_catch_ups", FEW + 1)]
        reachable = keys.accepted_of(self.opts, due) if len(due) <= FEW else set(keys.accepted(self.opts))
        if reachable:
            self._send(list(reachable))

    def _note_starts(self):
        # A reinstall may be noticed a little later than the start: the minion is noted once more after that time.
        now = time.monotonic()
        over = [minion for minion, at in self._noted.items() if now - at >= self._after_s]
        for minions, after_s in ((list(self._started), self._after_s), (over, 0.0)):
            for begin in range(0, len(minions), FEW):
                accepted = keys.accepted_of(self.opts, minions[begin : begin + FEW])
                if accepted:
                    self.value("note_starts", list(accepted), f"{after_s} seconds")
        for minion in over:
            del self._noted[minion]
        self._noted.update(self._started)
        self._started.clear()

    def _send(self, minions):
        """Ask those whose turn it is, or send them the state run."""
        observe_jid, jid = publisher.new_jid(self.opts), publisher.new_jid(self.opts)
        taken = self.call("take_catch_ups", minions, self._at_once, observe_jid, jid)
        for step, number, job in (
            ("observe", observe_jid, ("approval.observe", [], self._pillar_key)),
            ("apply", jid, publisher.APPLY),
        ):
            told = [row["minion_id"] for row in taken if row["step"] == step]
            if told:
                self._publish(number, told, job)

    def _publish(self, jid, minions, job):
        try:
            reached = publisher.publish(self.opts, jid, minions, *job)
        except publisher.NotSent as exc:
            log.warning("approval: %d minions that started are not told yet: %s", len(minions), exc)
            reached = []
        except publisher.Doubtful as exc:
            # The job cache shows later whether it was published.
            log.warning("approval: %d minions that started may not have been told: %s", len(minions), exc)
            return
        with db.translated(), self.conn.transaction():
            self.call("note_catch_ups", jid, list(reached))


def worker(settings):
    """The worker; see engine/worker.py."""
    chosen = numbers(settings, "catch_up", SETTINGS, whole=("at_once",))
    return None if chosen is None else CatchUp(settings, **chosen)
