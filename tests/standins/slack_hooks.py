"""Addresses of Slack that are secrets themselves: incoming webhooks, and the response_url of a click or a command."""

import json
import secrets
import urllib.parse
from dataclasses import dataclass

from .wire import Refused, Reply, route

# What a webhook answers in place of 400.
WEBHOOK_STATUSES = {
    "action_prohibited": 403,
    "invalid_token": 403,
    "channel_not_found": 404,
    "no_team": 404,
    "no_service": 404,
    "channel_is_archived": 410,
}


@dataclass(eq=False)
class ResponseUrl:
    """What a response_url is good for. ``message``: what was clicked; None: it is of a command."""

    person: object
    channel: object
    message: object
    until: float
    uses: int


class HookRoutes:
    """The routes of these addresses."""

    def new_webhook(self, channel):
        """The address of a new incoming webhook, which posts to this channel."""
        secret = secrets.token_urlsafe(18)
        number = f"B{next(self._numbers)}"
        self.webhooks[number] = (secret, channel)
        return f"{self.url}/services/{self.team_id}/{number}/{secret}"

    def new_response_url(self, kind, person, channel, message=None):
        """The address for answers to a click (``actions``), or a command (``commands``)."""
        path = f"/{kind}/{self.team_id}/{next(self._numbers)}/{secrets.token_urlsafe(18)}"
        until = self.clock() + self.limits.response_url_s
        self._response_urls[path] = ResponseUrl(person, channel, message, until, self.limits.response_url_uses)
        return self.url + path

    @route("POST", "/services/{team}/{number}/{secret}")
    def webhook(self, request, team, number, secret):
        if team != self.team_id:
            raise _text("no_team")
        if number not in self.webhooks:
            raise _text("no_service")
        right, channel = self.webhooks[number]
        if not secrets.compare_digest(right.encode(), secret.encode()):
            raise _text("invalid_token")
        arguments = _payload(request)
        if arguments is None:
            raise _text("invalid_payload")
        if channel not in self.channels:
            raise _text("channel_not_found")
        if channel.is_archived:
            raise _text("channel_is_archived")
        if not channel.may_post:
            raise _text("action_prohibited")
        try:
            content, _ = self.content(arguments)
        except Refused as refused:
            raise _text(refused.reply.body["error"]) from None
        try:
            self.throttle_post("webhook", channel)
        except Refused as refused:
            raise Refused(429, "rate_limited", refused.reply.headers) from None
        self.add(channel, self.bot, content, thread_ts=arguments.get("thread_ts"))
        return Reply(200, "ok")

    @route("POST", "/actions/{team}/{number}/{secret}")
    @route("POST", "/commands/{team}/{number}/{secret}")
    def respond(self, request, team, number, secret):
        known = self._response_urls.get(request.path)
        if known is None or known.until < self.clock():
            raise Refused(404, self.error("expired_url"))
        if not known.uses:
            raise Refused(404, self.error("used_url"))
        arguments = _payload(request)
        if arguments is None:
            raise Refused(400, self.error("invalid_payload"))
        if arguments.get("delete_original") is True:
            if known.message is None:
                raise Refused(400, self.error("no_text"))
            known.message.deleted = True
        else:
            try:
                content, _ = self.content(arguments)
            except Refused as refused:
                raise Refused(400, refused.reply.body) from None
            self._respond(known, arguments, content)
        known.uses -= 1
        return Reply(200, {"ok": True})

    def _respond(self, known, arguments, content):
        if arguments.get("replace_original") is True and known.message:
            self.edit(known.message, content)
            return
        only_for = None if arguments.get("response_type") == "in_channel" else known.person
        self.add(known.channel, self.bot, content, thread_ts=arguments.get("thread_ts"), only_for=only_for)


def _payload(request):
    """The object that a request has as JSON, or in the field ``payload`` of a form; None: it has none."""
    text = request.body.decode(errors="replace")
    if not request.headers.get("Content-Type", "").startswith("application/json"):
        text = dict(urllib.parse.parse_qsl(text)).get("payload", "")
    try:
        payload = json.loads(text)
    except ValueError:
        return None
    return payload if isinstance(payload, dict) else None


def _text(error):
    return Refused(WEBHOOK_STATUSES.get(error, 400), error)
