"""Socket Mode: connections of the app, envelopes that go to one of them each, and are never sent again."""

import contextlib
import json
import secrets
import threading
import time
from dataclasses import dataclass, field

from .websocket import GOING_AWAY, Closed, WebSocket

CONNECTIONS = 10
TICKET_S = 30


@dataclass(eq=False)
class Envelope:
    """
    What was sent over a connection, and has been acknowledged or not.

    accepts_answer
        An acknowledgement may carry a payload.
    ack_after_s
        How long the acknowledgement took; None: there was none.
    answer
        The payload of the acknowledgement.
    """

    id: str
    kind: str
    payload: dict
    accepts_answer: bool
    connection: "Connection"
    sent_at: float = field(default_factory=time.monotonic)
    ack_after_s: float | None = None
    answer: object = None


@dataclass(eq=False)
class Connection:
    """A WebSocket of the app. ``said``: all that came in, as objects."""

    number: int
    socket: WebSocket
    said: list = field(default_factory=list)

    def send(self, message):
        """Sends an object."""
        self.socket.send(json.dumps(message, ensure_ascii=False))


class SocketMode:
    """
    The side of Slack.

    app_id
        That of the app.
    envelopes
        All Envelopes that were ever sent.
    faults
        What the app did that Slack has no use for: acknowledgements of unknown envelopes, second ones, payloads where
        none is accepted.
    """

    def __init__(self, app_id):
        self._app_id = app_id
        self.envelopes = []
        self.faults = []
        self.connections = []
        self.opened = 0
        self._tickets = {}
        self._turn = 0
        self._changed = threading.Condition()

    def ticket(self):
        """A secret that opens one connection within TICKET_S."""
        ticket = secrets.token_urlsafe(24)
        with self._changed:
            self._tickets[ticket] = time.monotonic() + TICKET_S
        return ticket

    def take(self, ticket):
        """Whether a connection may be opened by this ticket, which is then used."""
        with self._changed:
            return self._tickets.pop(ticket, 0) > time.monotonic()

    def serve(self, connection, incoming):
        """Has a connection of the app, until it ends."""
        with self._changed:
            self.opened += 1
            mine = Connection(self.opened, WebSocket(connection, incoming))
            is_one_too_many = len(self.connections) >= CONNECTIONS
            if not is_one_too_many:
                self.connections.append(mine)
            count = len(self.connections)
            self._changed.notify_all()
        if is_one_too_many:
            with contextlib.suppress(OSError):
                self._disconnect(mine, "too_many_websockets")
            return
        with contextlib.suppress(OSError, Closed):
            debug = {"host": "applink-1", "build_number": 1, "approximate_connection_time": 18060}
            mine.send({"type": "hello", "num_connections": count, "debug_info": debug,
                       "connection_info": {"app_id": self._app_id}})  # fmt: skip
            while True:
                self._hear(mine, mine.socket.receive())
        with self._changed:
            if not mine.socket.is_frozen:
                self.connections.remove(mine)
            self._changed.notify_all()

    def send(self, kind, payload, accepts_answer, is_lost=False):
        """
        Sends an envelope to the connection whose turn it is. Gives the Envelope; None: there is no connection. A lost
        one is given to a connection that the app does not know to be dead.
        """
        with self._changed:
            if not self.connections:
                return None
            self._turn += 1
            chosen = self.connections[self._turn % len(self.connections)]
            envelope = Envelope(secrets.token_hex(16), kind, payload, accepts_answer, chosen)
            self.envelopes.append(envelope)
        if not is_lost and not chosen.socket.is_frozen:
            with contextlib.suppress(OSError):
                chosen.send({"envelope_id": envelope.id, "type": kind, "payload": payload,
                             "accepts_response_payload": accepts_answer})  # fmt: skip
        return envelope

    def wait(self, envelope, timeout_s):
        """Whether the envelope is acknowledged in time."""
        with self._changed:
            return self._changed.wait_for(lambda: envelope.ack_after_s is not None, timeout_s)

    def wait_for_connections(self, count, opened=0, timeout_s=20):
        """Waits until the app has so many connections, and has opened at least so many ever. Raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.connections) == count and self.opened >= opened, timeout_s):
                raise TimeoutError(f"the app has {len(self.connections)} connections, not {count}")

    def freeze(self):
        """
        Has the connections that are open now be half dead, as after a fault of the network: pings get no answer,
        envelopes are lost in them, and they count, and have their turns, even when the app has left. refresh() ends it.
        """
        with self._changed:
            for each in self.connections:
                each.socket.is_frozen = True

    def refresh(self, warning_s=0.0):
        """Has all connections end as Slack does every few hours: a warning, then the end."""
        with self._changed:
            ending = list(self.connections)
            self.connections = [each for each in ending if not each.socket.is_frozen]
            self._changed.notify_all()
        for each in ending:
            with contextlib.suppress(OSError):
                self._tell(each, "warning")
        time.sleep(warning_s)
        for each in ending:
            with contextlib.suppress(OSError):
                self._disconnect(each, "refresh_requested")

    def _tell(self, connection, reason):
        connection.send({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-1"}})

    def _disconnect(self, connection, reason):
        self._tell(connection, reason)
        connection.socket.cut(GOING_AWAY)

    def _hear(self, connection, text):
        with self._changed:
            try:
                message = json.loads(text)
            except ValueError:
                self.faults.append(f"no JSON: {text}")
                return
            connection.said.append(message)
            envelope = next((each for each in self.envelopes if each.id == message.get("envelope_id")), None)
            if envelope is None:
                self.faults.append(f"no envelope is known by this: {text}")
            elif envelope.ack_after_s is not None:
                self.faults.append(f"the envelope is acknowledged again: {text}")
            else:
                if message.get("payload") and not envelope.accepts_answer:
                    self.faults.append(f"the envelope takes no payload: {text}")
                envelope.ack_after_s = time.monotonic() - envelope.sent_at
                envelope.answer = message.get("payload")
            self._changed.notify_all()
