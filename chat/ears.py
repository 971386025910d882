"""Which process hears what people do in a workspace, and lets go of it when another one is to."""

import datetime
import hashlib
import os
import secrets
import socket
import time

from ..config import read_secret_file
from .slack import Workspace
from .socket_mode import Socket

LEASE_S = 30.0
EVERY_S = 10.0


class Ears:
    """
    The one connection of the app of a channel.

    channel
        A slack.Slack with the setting ``app_token_file``.
    interactions
        The Interactions that take what is heard.
    value
        Calls a function of the database with its arguments, and gives the one value that it returns.
    """

    def __init__(self, channel, interactions, value):
        self._what, self._path = f"{channel.where}: app_token_file", channel.settings["app_token_file"]
        self._value = value
        self._holder = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(8)}"
        self._interactions = interactions
        self._socket = Socket(Workspace(self._what, self._path, channel.workspace.api_url), interactions.take)
        self._next_at = 0.0

    @property
    def is_open(self):
        """Whether this process hears."""
        return self._socket.is_open

    def keep(self):
        """Hear, or leave it to the process that does. Raises Failed, ConfigError, and what the database raises."""
        if time.monotonic() < self._next_at:
            return
        self._next_at = time.monotonic() + EVERY_S
        if self._value("hold_socket", self._app(), self._holder, datetime.timedelta(seconds=LEASE_S)):
            self._socket.keep()
        else:
            self._socket.close()

    def close(self):
        """Do not hear any more, until keep() is called again."""
        self._next_at = 0.0
        self._socket.close()
        self._interactions.close()

    def _app(self):
        # All masters have the same token, in files of whatever name.
        return hashlib.sha256(read_secret_file(self._path, self._what).encode()).hexdigest()[:32]
