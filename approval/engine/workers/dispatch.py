"""
Sends what was approved to minions, and finds out what came of it.

Messages that are to be sent stand in the outbox. Several masters may share it and not the keys that they have
accepted: each takes the messages that have something to be done on minions of its own, and leaves the others alone for
a while.

An action must not be sent twice, so the id of its job is written before the job is published; should the engine end
in between, it is not sent again, and the job cache tells whether it was. A reboot is preceded by a job that reads the
boot id, which a later one has to differ from.

Minions of a request with a rollout have their turn in waves: the database says which wave is open, and each minion is
asked whether it is there before it is sent anything.
"""

import logging
import time

from ... import _core
from ...errors import Refused
from ...jobs import packing
from ...master import keys, publisher
from .. import action_proof
from ..delivery import CHANNEL, Consumer, Delivery, Failed, Later
from ..worker import DatabaseWorker

log = logging.getLogger(__name__)

AT_ONCE = 1000  # returns that are fetched in one go, and minions that are noted in one transaction
STEPS = 100_000  # that are fetched in one go, since finding them goes through all of the request
OF_A_JOB = 10_000  # minions
FEW = (
    1000  # so many keys are looked up one by one, before all are listed: which takes seconds where there are very many
)
TOGETHER = ("ping", "apply")  # steps of which one job is for many minions
LONGEST_S = 20.0  # for sending, in one round; returns and other workers' requests are not to wait for longer
ASK_AGAIN_S = 30.0  # how often a minion that was told to reboot is asked which boot it has


class Dispatch(DatabaseWorker, Consumer):
    name = "dispatch"
    every_s = 2.0
    channels = (CHANNEL,)
    destination = "salt"
    lease_s = 300.0

    def __init__(self, settings):
        super().__init__(settings)
        self._pillar_key = settings.state_arguments()
        self._asked = time.monotonic()
        self._delivery = Delivery(self, self)
        self._until = 0.0  # when sending ends in this round, by the monotonic clock
        self._listed = None  # all minions that can be told in this round, once they were listed
        self._lost = set()  # those whose keys went in this round, not to be tried again and again
        self._minions = set()  # those that can be told of what is at hand

    def round(self):
        self._until = time.monotonic() + min(LONGEST_S, self.limit_s / 4)
        self._listed, self._lost = None, set()
        is_done = self._delivery.run(self._until)
        judged = sum(self._judge(row) for row in self.call("list_dispatches", AT_ONCE))
        settled = self.value("settle_dispatches")
        if time.monotonic() - self._asked >= ASK_AGAIN_S:
            self._asked = time.monotonic()
            observe(self.opts, [row["awaiting_start"] for row in self.call("awaiting_start")], **self._pillar_key)
        return None if is_done and max(judged, settled) < AT_ONCE else 0.0

    def pass_s(self, thread, request):
        """For how long it is left to masters that hold other keys; whose keys this one holds is noted."""
        awaited = self._awaited(request)
        self._minions = self._reachable(awaited)
        if not awaited or not self._minions.isdisjoint(awaited):
            return 0.0
        return self.value("dispatch_pause", request, list(self._minions)).total_seconds()

    def deliver(self, message):
        """Send what is due of a request; it comes again when more is."""
        if self.value("advance_rollout", message.request) is not None and self._listed is None:
            # The wave that has just opened may have minions that can be told here.
            self._minions = self._reachable(self._awaited(message.request))
        error = self._dispatch(message.request)
        if error is not None:
            raise Failed(error)
        due_at = self.value("next_dispatch", message.request, None)
        if due_at is not None:
            raise Later(due_at)

    def _awaited(self, number):
        """Minions on which something of a request is to be done now: all, or one more than FEW."""
        return [row["awaited_minions"] for row in self.call("awaited_minions", number, FEW + 1)]

    def _reachable(self, awaited):
        """Those of the _awaited() whose keys are accepted here, as a set; of many all keys that are."""
        if self._listed is None:
            if len(awaited) <= FEW:
                return keys.accepted_of(self.opts, awaited) - self._lost
            self._listed = set(keys.accepted(self.opts)) - self._lost
        return self._listed

    def _dispatch(self, number):
        """
        Take the steps of a request that are due on minions that can be told, as many as there is time for; returns why
        one of them could not be taken, or None.
        """
        error = None
        rows = self.call("take_dispatches", number, list(self._minions), STEPS)
        groups = []
        for step in TOGETHER:
            same = [row for row in rows if row["step"] == step]
            groups += [same[first : first + OF_A_JOB] for first in range(0, len(same), OF_A_JOB)]
        groups += [[row] for row in rows if row["step"] not in TOGETHER]
        for place, group in enumerate(groups):
            # One at the least: finding the steps of a large request may have taken all the time.
            if place and time.monotonic() >= self._until:
                break
            jid = publisher.new_jid(self.opts)
            minions, items = zip(*map(_key, group), strict=True)
            answer = self.call("begin_dispatches", number, list(minions), list(items), group[0]["step"], jid)
            free = {row["begin_dispatches"] for row in answer}
            begun = [row for row in group if row["minion_id"] in free]
            if begun:
                error = self._publish(number, jid, begun) or error
        return error

    def _publish(self, number, jid, rows):
        """Publish the job of steps of a request that were begun; returns why it was not, or None."""
        minions = [row["minion_id"] for row in rows]
        function, arg, kwarg = self._job(rows[0])
        error, reached = None, ()
        try:
            reached = publisher.publish(self.opts, jid, minions, function, arg, kwarg)
        except publisher.NotSent as exc:
            error = str(exc)
        except publisher.Doubtful as exc:
            error = str(exc)
            if rows[0]["step"] == "perform":
                log.error("approval: it is not known whether job %s was published: %s", jid, exc)
                return None
        if error is None:
            lost = set(minions) - set(reached)
            self._lost |= lost
            self._minions -= lost
        reached = set(reached)
        if rows[0]["step"] == "ping":
            # Whether a ping was published is only worth noting where it was not.
            rows = [row for row in rows if row["minion_id"] not in reached]
        for is_sent in (True, False):
            noted = [_key(row) for row in rows if (row["minion_id"] in reached) == is_sent]
            for first in range(0, len(noted), AT_ONCE):
                minions, items = zip(*noted[first : first + AT_ONCE], strict=True)
                self.call("note_sent", number, list(minions), list(items), jid, is_sent)
        return error

    def _job(self, row):
        """The function of a step, its arguments and keyword arguments."""
        if row["step"] == "ping":
            return "test.ping", [], {}
        if row["step"] == "apply":
            return publisher.APPLY
        if row["step"] == "observe":
            return "approval.observe", [], self._pillar_key
        services = [row["kwarg"].get("name")] if row["proof"] == "restart" else []
        return (
            "state.single",
            ["approval.performed"],
            {
                "name": str(row["item_id"]),
                "function": row["function"],
                "arguments": row["kwarg"],
                "services": services,
                "queue": True,
                **self._pillar_key,
            },
        )

    def _judge(self, row):
        """Say what a return shows; tells whether that was news."""
        if row["state"] == "observing":
            return self.value("note_observation", *_key(row), row["jid"])
        try:
            success, observed, reason = action_proof.judged(row, packing.unpack(_core.decompress(row["payload"])))
        except Exception as exc:
            # The minion made this: whatever is wrong with it, the others are judged.
            success, observed, reason = False, None, f"its return cannot be judged: {type(exc).__name__}"
        try:
            self.value("settle_action", *_key(row), row["jid"], success, observed, reason)
        except Refused as exc:
            if exc.sqlstate != "AP006":  # somebody else judged it meanwhile
                raise
            return False
        return True


def observe(opts, minions, **pillar_key):
    """Have minions send evidence of what is there now. Whether the job reached them, their evidence shows."""
    if not minions:
        return
    try:
        publisher.publish(opts, publisher.new_jid(opts), minions, "approval.observe", [], pillar_key)
    except (publisher.NotSent, publisher.Doubtful) as exc:
        log.info("approval: minions were not asked: %s", exc)


def _key(row):
    return row["minion_id"], row["item_id"]


def worker(settings):
    """The worker; see engine/worker.py."""
    return Dispatch(settings)
