"""
Sends what was approved to minions, and finds out what came of it.

What is to be sent stands in the outbox. Several masters may share it and not the keys that they have accepted: each
takes the messages that have something to be done on minions of its own, and leaves the others alone for a while.

An action must not be sent twice, so the id of its job is written before the job is published; should the engine end
in between, it is not sent again, and the job cache tells whether it was. A reboot is preceded by a job that reads the
boot id, which a later one has to differ from.
"""

import logging
import time

from ... import _core, db
from ...errors import Refused
from ...jobs import packing
from ...master import keys, publisher
from ...settings import Settings
from .. import action_proof
from ..worker import DatabaseWorker

log = logging.getLogger(__name__)

DESTINATION = "salt"
LEASE = "5 minutes"
AT_ONCE = 1000  # steps or returns that are fetched in one go
FEW = (
    1000  # so many keys are looked up one by one, before all are listed: which takes seconds where there are very many
)
LONGEST_S = 20.0  # for sending, in one round; returns and other workers' requests are not to wait for longer
ASK_AGAIN_S = 30.0  # how often a minion that was told to reboot is asked which boot it has


class Dispatch(DatabaseWorker):
    name = "dispatch"
    every_s = 2.0
    channels = ("approval_outbox",)

    def __init__(self, opts):
        super().__init__(opts)
        self._pillar_key = Settings.from_master(opts).state_arguments()
        self._asked = time.monotonic()
        self._passed = {}  # thread -> until when its message is left to masters that hold other minions' keys
        self._listed = None  # all minions that can be told in this round, once they were listed
        self._lost = set()  # those whose keys went in this round, not to be tried again and again
        self._minions = set()  # those that can be told of what is at hand

    def round(self):
        until = time.monotonic() + min(LONGEST_S, self.limit_s / 4)
        self._listed, self._lost = None, set()
        while time.monotonic() < until and (due := self._due()):
            for thread, number in due:
                if time.monotonic() < until:
                    self._take(thread, number, until)
        judged = sum(self._judge(row) for row in self.call("list_dispatches", AT_ONCE))
        settled = self.value("settle_dispatches")
        if time.monotonic() - self._asked >= ASK_AGAIN_S:
            self._asked = time.monotonic()
            observe(self.opts, [row["awaiting_start"] for row in self.call("awaiting_start")], **self._pillar_key)
        return 0.0 if time.monotonic() >= until or max(judged, settled) >= AT_ONCE else None

    def _due(self):
        """The threads whose messages are due, with their requests; without those that were passed over."""
        self._passed = {thread: until for thread, until in self._passed.items() if until > time.monotonic()}
        rows = self.call("due_outbox", DESTINATION, list(self._passed), AT_ONCE)
        return [(row["thread"], row["request_id"]) for row in rows]

    def _take(self, thread, number, until):
        """Claim the message of a request and deliver it, or pass it over."""
        self._minions = self._reachable(number)
        pause = self.value("dispatch_pause", number, list(self._minions)).total_seconds()
        claimed = () if pause else self.call("claim_outbox", DESTINATION, LEASE, 1, thread)
        if claimed:
            self._deliver(claimed[0], until)
        else:
            # One that another master was quicker to claim is looked at in the next round.
            self._passed[thread] = time.monotonic() + (pause or self.every_s / 2)

    def _reachable(self, number):
        """The minions that a request waits for and whose keys are accepted here, as a set; with more beside them."""
        if self._listed is None:
            wanted = [row["awaited_minions"] for row in self.call("awaited_minions", number, FEW + 1)]
            if len(wanted) <= FEW:
                return keys.accepted_of(self.opts, wanted) - self._lost
            self._listed = set(keys.accepted(self.opts)) - self._lost
        return self._listed

    def _deliver(self, message, until):
        number, thread, seq = message["request_id"], message["thread"], message["seq"]
        due = None
        try:
            error = self._dispatch(number, until)
            if error is None:
                due = self.value("next_dispatch", number, None)
        except Refused as exc:
            error = str(exc)
        outcome = "failed" if error else "delivered" if due is None else "later"
        self.call("settle_outbox", DESTINATION, thread, seq, outcome, due, error)

    def _dispatch(self, number, until):
        """
        Take the steps of a request that are due on minions that can be told, as many as there is time for; returns why
        one of them could not be taken, or None.
        """
        error = None
        rows = self.call("take_dispatches", number, list(self._minions), AT_ONCE)
        groups = [[row for row in rows if row["step"] == "apply"], *([row] for row in rows if row["step"] != "apply")]
        for group in groups:
            if time.monotonic() >= until:
                break
            jid = publisher.new_jid(self.opts)
            with db.translated(), self.conn.transaction():
                begun = [row for row in group if self.value("begin_dispatch", *_key(row), row["step"], jid)]
            if begun:
                error = self._publish(jid, begun) or error
        return error

    def _publish(self, jid, rows):
        """Publish the job of steps that were begun; returns why it was not, or None."""
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
        with db.translated(), self.conn.transaction():
            for row in rows:
                self.call("note_sent", *_key(row), jid, row["minion_id"] in reached)
        return error

    def _job(self, row):
        """The function of a step, its arguments and keyword arguments."""
        if row["step"] == "apply":
            return "state.apply", ["approval"], {"queue": True}
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


def worker(opts):
    """The worker; see workers.Worker."""
    return Dispatch(opts)
