"""Clicks, modals and commands of Slack over HTTP: proven, acknowledged at once, and worked off afterwards."""

import logging
import time

from flask import Blueprint, Response, abort, request

from ..chat.interactions import Interactions, OverHttp
from ..chat.signature import Verifier
from ..config import read_secret_file
from ..errors import ConfigError, Unavailable
from . import answers, incoming, log

MOST_BYTES = 256 * 1024


class Desk:
    """
    The place where clicks in the channel ``channel`` come in, a slack.Slack with the setting ``signing_secret_file``.

    connect, teller, public_url
        As for Interactions.

    Raises ConfigError if the secret cannot be read.
    """

    def __init__(self, channel, connect, teller, public_url):
        self.name = channel.name
        self._what, self._path = f"{channel.where}: signing_secret_file", channel.settings["signing_secret_file"]
        self.secret()
        interactions = Interactions(channel, connect, teller, public_url)
        self.over = OverHttp(interactions, Verifier(self.secret))

    def secret(self):
        """The signing secret, read anew each time. Raises ConfigError."""
        return read_secret_file(self._path, self._what)


def blueprint(desks):
    """``/chat/CHANNEL/interactivity`` and ``/chat/CHANNEL/commands``; ``desks`` is {name of a channel: its Desk}."""
    chat = Blueprint("chat", __name__)

    @chat.post("/chat/<name>/<any(interactivity, commands):_kind>")
    def heard(name, _kind):
        """Take what Slack sends: 200 it is acknowledged, 401 it is not proven, 400 it is nothing that Slack sends."""
        desk = desks.get(name) or abort(404)
        try:
            status, answer = desk.over.answer(dict(request.headers), incoming.content(MOST_BYTES), time.time())
        except ConfigError as exc:
            raise Unavailable(str(exc)) from None
        if status == 401:
            log.say("a click is not proven", logging.WARNING, id=request.environ["approval.request_id"], channel=name)
            return answers.problem(401, "Unauthorized", "This is not signed by Slack, not of now, or known already.")
        if status != 200:
            return answers.problem(status, "Bad Request", "This is no click, modal or command of Slack.")
        # A body where Slack wants none would be shown to who clicked.
        return Response(status=200) if answer is None else answers.as_json(answer)

    return chat
