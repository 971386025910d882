"""
Chats that apprise knows: Teams, Mattermost, Rocket.Chat, Google Chat and many more.

Apprise says only whether it worked, and sleeps as long as it likes: it does that in a thread of its own, and is waited
for so long and no longer. The URL of a chat is all that is needed to write there. It stands in a file, and neither in
an error nor in a log.
"""

import contextlib
import datetime
import importlib
import logging
import threading

from ..config import read_secret_file
from ..errors import ConfigError
from . import plain
from .channel import Away, Channel, Failed, Later
from .channels import full_path, mapping

SETTINGS = ("kind", "url_file", "format")
LONGEST = 4000  # characters, or fewer where the chat takes fewer
FORMS = ("text", "markdown")
# Chats of which apprise says that they take plain text, and that read it as Markdown.
READ_MARKDOWN = frozenset({"Discord", "Mattermost", "Zulip"})
TIMEOUT_S = 25.0
REST_S = 60.0  # for which a chat is left alone that did not take a message, or a thread that has not come back


class Apprise(Channel):
    """
    A channel of kind ``apprise``.

    where
        Where its settings stand, for errors.
    path
        The file with the URL of the chat, as apprise has it; read for each message.
    form
        One of FORMS; None: as the chat takes it.
    timeout_s
        So long an answer is waited for.
    """

    kind = "apprise"

    def __init__(self, name, where, path, form=None, timeout_s=TIMEOUT_S):
        super().__init__(name)
        self._where, self._path, self._form, self._timeout_s = where, path, form, timeout_s
        self._url = self._service = self._running = None

    def deliver(self, message, key, ts=None, address=None):
        """See Channel; there are no ids, so that all messages of a thread stand one below the other."""
        if address is not None:
            raise Failed(f"{self._where}: it leads to one place, and not to people: contacts are of Slack or mail")
        if self._running is not None and self._running.is_alive():
            raise Later(datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=REST_S))
        apprise = library(self._where)
        service, answers = self._open(apprise), []
        body, form = self._text(apprise, service, message)
        sender = apprise.Apprise(asset=service.asset)
        sender.add(service)

        def send():
            # The text of an error may hold the URL, and a thread that ends with one writes it down.
            with contextlib.suppress(Exception):
                answers.append(bool(sender.notify(body=body, body_format=form)))

        self._running = threading.Thread(target=send, name=f"approval-{self.name}", daemon=True)
        self._running.start()
        self._running.join(self._timeout_s)
        if self._running.is_alive():
            raise Away(f"{self._where}: no answer in {self._timeout_s:g} s, so that it may come twice", REST_S)
        if answers != [True]:
            raise Away(
                f"{self._where}: it could not be delivered, and apprise does not say why: is its URL good?", REST_S
            )

    def _open(self, apprise):
        """The service behind the URL; made anew when the file has another one. Raises ConfigError."""
        url = read_secret_file(self._path, f"{self._where}: url_file")
        if url != self._url:
            asset = apprise.AppriseAsset(async_mode=False, storage_mode="memory", app_id="salt-approval")
            service = apprise.Apprise.instantiate(url, asset=asset)
            if service is None:
                raise ConfigError(f"{self._where}: url_file {self._path} holds no URL that apprise knows")
            service.overflow_mode = apprise.OverflowMode.TRUNCATE
            self._url, self._service = url, service
        return self._service

    def _text(self, apprise, service, message):
        """The text of a message as the chat reads it, and what apprise is told that it is."""
        formats = apprise.NotifyFormat
        reads = service.service_name in READ_MARKDOWN or service.resolve_format(formats.TEXT) == formats.MARKDOWN
        longest = min(LONGEST, service.body_maxlen)
        if (self._form or ("markdown" if reads else "text")) == "text":
            return plain.text(message, longest), formats.TEXT
        is_told = service.resolve_format(formats.MARKDOWN) == formats.MARKDOWN
        return plain.markdown(message, longest), formats.MARKDOWN if is_told else None


def library(where):
    """The package apprise, which writes nothing into logs. Raises ConfigError where it is not installed."""
    try:
        apprise = importlib.import_module("apprise")
    except ImportError:
        raise ConfigError(f"{where}: apprise is not installed: pip install 'saltext-approval[chat-other]'") from None
    _keep_quiet()
    return apprise


def channel(name, where, given):
    """The Apprise that the mapping ``given`` describes. Raises ConfigError."""
    mapping(where, given, SETTINGS)
    if given.get("format") not in (None, *FORMS):
        raise ConfigError(f"{where}: format must be {' or '.join(FORMS)}")
    return Apprise(name, where, full_path(where, given, "url_file"), given.get("format"))


def _keep_quiet():
    """Apprise and urllib3 write addresses into their logs, with all that is secret in them: of apprise none is kept."""
    logging.getLogger("apprise").handlers = [logging.NullHandler()]
    logging.getLogger("apprise").propagate = False
    below = logging.getLogger("urllib3.connectionpool")
    below.setLevel(max(below.level, logging.WARNING))
