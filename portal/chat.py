"""Clicks, modals and commands of Slack over HTTP: proven, acknowledged at once, and worked off afterwards."""

import logging
import time

from flask import Blueprint, Response, abort, request

from ..chat.interactions import Interactions, OverHttp
from ..chat.signature import Verifier
from ..errors import ConfigError, Unavailable
from . import answers, incoming, log

MOST_BYTES = 256 * 1024


class Desk:
    """
    The place where clicks in the channel ``channel`` come in, a slack.Slack with the setting ``signing_secret_file``.
    ``over`` is the interactions.OverHttp.

    connect, teller, public_url
        As for Interactions.

    Raises ConfigError if the secret cannot be read.
    """

    def __init__(self, channel, connect, teller, public_url):
        self._verifier = Verifier(channel.signing_secrets)
        self.check()
        self.over = OverHttp(Interactions(channel, connect, teller, public_url), self._verifier)

    def check(self):
        """Raises ConfigError where a signing secret that counts now cannot be read."""
        self._verifier.check(time.time())


def blueprint(desks):
    """``/chat/CHANNEL/interactivity`` and ``/chat/CHANNEL/commands``; ``desks`` is {name of a channel: its Desk}."""
    chat = Blueprint("chat", __name__)

    @chat.post("/chat/<name>/<any(interactivity, commands):_kind>")
    def heard(name, _kind):
        """Take what Slack sends: 200 it is acknowledged, 401 it is not proven, 400 it is nothing that Slack sends."""
        desk = desks.get(name) or abort(404)
        try:
            answer = desk.over.answer(dict(request.headers), incoming.content(MOST_BYTES), time.time())
        except ConfigError as exc:
            raise Unavailable(str(exc)) from None
        if answer.status == 401:
            _say("a click is not proven", name)
            return answers.problem(401, "Unauthorized", "This is not signed by Slack, not of now, or known already.")
        if answer.retiring:
            until = f"{answer.retiring.file}, which counts until {answer.retiring.until}"
            _say("a click is signed with a secret to be retired", name, secret=until)
        if answer.status != 200:
            return answers.problem(answer.status, "Bad Request", answer.why)
        # A body where Slack wants none would be shown to who clicked.
        return Response(status=200) if answer.content is None else answers.as_json(answer.content)

    return chat


def _say(event, channel, **fields):
    log.say(event, logging.WARNING, id=request.environ["approval.request_id"], channel=channel, **fields)
