"""
Messages of the queue get to other systems: one loop claims, has a consumer deliver, and settles.

A message is delivered at least once, and in the order of its thread. A claim is a lease: what a consumer that ended had
claimed comes again when the lease is over. A message that fails is tried again after pauses that grow, and is dead in
the end; it halts its thread then, and no other.
"""

import logging
import time
from dataclasses import dataclass
from typing import Protocol

import psycopg

from ..errors import ApprovalError, Refused, Unavailable

log = logging.getLogger(__name__)

CHANNEL = "approval_outbox"  # for Worker.channels
AT_ONCE = 1000  # threads that are looked at in one go
TAKEN_S = 1.0  # until a thread is looked at again of which nothing could be claimed


@dataclass(frozen=True)
class Message:
    """
    A message as it stands in the queue.

    thread
        The subject within which order matters, such as ``request/7``.
    seq
        Its number within the thread.
    request
        The number of the request that the thread is about; None: it is about none.
    topic, body
        What it tells: ``requests``, for example, and a mapping.
    attempts
        How often in a row it has failed.
    """

    thread: str
    seq: int
    request: int | None
    topic: str
    body: dict
    attempts: int


class Later(Exception):
    """Raised by a consumer: there is nothing more to do for the message before ``due_at``, a datetime with a zone."""

    def __init__(self, due_at):
        super().__init__(due_at)
        self.due_at = due_at


class Failed(ApprovalError):
    """Raised by a consumer: the message could not be delivered; says why, for people."""


class Consumer(Protocol):
    """
    Delivers the messages for a destination. Classes inherit from this for the default of pass_s().

    destination
        The system, as routes of the policy name it; ``salt``: the minions.
    lease_s
        For how many seconds a message is claimed: longer than any deliver() takes.
    """

    destination: str
    lease_s: float

    def pass_s(self, thread, request):
        """
        For how many seconds the next message of a thread is left to other consumers of the destination; 0: it is taken
        now. ``request`` is the number of its request, or None.
        """
        return 0.0

    def deliver(self, message):
        """
        Deliver a Message; it may have been delivered before. Raises Later, Failed or Refused; any other error counts as
        a failure too, but for those that the database is out of reach.
        """


class Delivery:
    """
    The loop for one Consumer.

    database
        The DatabaseWorker in whose rounds it runs and whose connection it uses.
    """

    def __init__(self, consumer, database):
        self._consumer = consumer
        self._database = database
        self._passed = {}  # thread -> until when it is passed over

    def run(self, until):
        """
        Deliver what is due, until that is done or time.monotonic() has come to ``until``. Returns whether all was done.

        Raises what the database raises: what is claimed then comes again when the lease is over.
        """
        while time.monotonic() < until:
            due = self._due()
            if not due:
                return True
            for thread, request in due:
                if time.monotonic() >= until:
                    return False
                self._take(thread, request)
        return False

    def _due(self):
        """The threads with messages that are due, and their requests; without those that are passed over."""
        now = time.monotonic()
        self._passed = {thread: until for thread, until in self._passed.items() if until > now}
        rows = self._database.call("due_outbox", self._consumer.destination, list(self._passed), AT_ONCE)
        return [(row["thread"], row["request_id"]) for row in rows]

    def _take(self, thread, request):
        """Claim the next message of a thread and deliver it, or pass the thread over."""
        pause_s = self._consumer.pass_s(thread, request)
        destination, lease = self._consumer.destination, f"{self._consumer.lease_s} seconds"
        claimed = () if pause_s else self._database.call("claim_outbox", destination, lease, 1, thread)
        for row in claimed:
            outcome, due_at, error = self._outcome(
                Message(row["thread"], row["seq"], row["request_id"], row["topic"], row["body"], row["attempts"])
            )
            self._database.call("settle_outbox", destination, row["thread"], row["seq"], outcome, due_at, error)
        if not claimed:
            # A dead message halts the thread, or another consumer was quicker.
            self._passed[thread] = time.monotonic() + (pause_s or TAKEN_S)

    def _outcome(self, message):
        """Deliver a message; gives (outcome, when it is due again, error) for settle_outbox."""
        try:
            self._consumer.deliver(message)
        except Later as exc:
            return "later", exc.due_at, None
        except (Failed, Refused) as exc:
            return "failed", None, str(exc)
        except (Unavailable, psycopg.Error):
            raise
        except Exception as exc:
            # One message that a consumer cannot bear must not hold up the others. Its text may hold anything.
            log.exception("approval: message %d of %s to %s", message.seq, message.thread, self._consumer.destination)
            return "failed", None, f"a fault of the consumer: {type(exc).__name__}"
        return "delivered", None, None
