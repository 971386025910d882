"""
One connection of Slack's Socket Mode, over which clicks and commands come without an open port.

Slack gives each of them to one connection and never again, so there is one connection of one process only: others, of
which a half dead one may be left over, would take clicks that nobody hears. The connection is made anew when Slack
counts more than ours.
"""

import importlib
import logging
import threading
import time

from .channel import Failed
from .slack import library

log = logging.getLogger(__name__)

FRESH_S = 30.0  # for which Slack may still count a connection that we have closed
TRIES_MAX = 5  # to be the only one, one after the other


class Socket:
    """
    The connection of an app.

    api
        The slack.Workspace with the token of the app.
    take
        Called with (kind, payload, acknowledge) for each envelope; ``acknowledge`` takes the payload of the answer, or
        nothing. Called in a thread of the connection, so it must not wait.
    """

    def __init__(self, api, take):
        self._api, self._take = api, take
        self._client = None
        self._lock = threading.Lock()
        self._crowded_at = None  # since when others are counted beside ours
        self._tries = 0

    @property
    def is_open(self):
        """Whether there is a connection."""
        client = self._client
        return client is not None and client.is_connected()

    def keep(self):
        """Open the connection where there is none, or anew where others are beside it. Raises Failed, ConfigError."""
        crowded = self._crowded_at
        if self.is_open and (crowded is None or time.monotonic() < crowded + FRESH_S or self._tries >= TRIES_MAX):
            return
        if self.is_open:
            self._tries += 1
            log.warning("approval: Slack has other connections of this app beside ours: a click may be lost in them")
        self.close()
        library()
        socket_mode = importlib.import_module("slack_sdk.socket_mode")
        web = self._api.client()
        self._crowded_at = None
        client = socket_mode.SocketModeClient(web.token, web_client=web, auto_reconnect_enabled=True)
        client.message_listeners.append(self._hello)
        client.socket_mode_request_listeners.append(self._heard)
        self._client = client
        try:
            client.connect()
        except Exception as exc:
            # The library raises whatever went wrong, with addresses in it that hold tickets.
            self.close()
            raise Failed(f"Socket Mode of Slack cannot be reached: {type(exc).__name__}") from None

    def close(self):
        """End the connection."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _hello(self, client, message, raw):
        if message.get("type") == "hello":
            many = message.get("num_connections", 1) > 1
            self._crowded_at = time.monotonic() if many else None
            if not many:
                self._tries = 0

    def _heard(self, client, request):
        response = importlib.import_module("slack_sdk.socket_mode.response").SocketModeResponse
        self._take(
            request.type,
            request.payload,
            lambda answer=None: client.send_socket_mode_response(response(request.envelope_id, answer)),
        )
