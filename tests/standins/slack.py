"""A stand-in of Slack: its Web API as far as approval calls it, incoming webhooks, Socket Mode, and people who click.

Nothing of it is known to be more than Slack documents, or than its users report. Parts that no document tells are the
stricter of what could be.
"""

import json
import math
import secrets
import time
import urllib.parse
from collections import deque
from dataclasses import dataclass

from . import websocket
from .slack_chat import ChatMethods
from .slack_clicks import Clicks
from .slack_hooks import HookRoutes
from .slack_site import SlackSite
from .slack_socket import SocketMode
from .wire import Refused, Reply, StandIn, route

# What the manifest of the app asks for.
SCOPES = frozenset({"chat:write", "commands", "users:read", "users:read.email"})
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


@dataclass
class Limits:
    """
    What the workspace takes; tests change it. Tiers are calls per minute, method by method.

    post_burst
        Messages that a channel takes at once, where it has had none for as many seconds; then one per second.
    posts_per_minute
        Messages that the workspace takes of the app, in all channels together.
    ack_s, trigger_s, response_url_s, response_url_uses
        How long an acknowledgement may take, a trigger_id and a response_url are good, and how often the last one.
    """

    post_burst: int = 3
    posts_per_minute: int = 300
    tier_3: int = 50
    tier_4: int = 100
    text_characters: int = 40_000
    update_characters: int = 4_000
    metadata_bytes: int = 16_000
    view_bytes: int = 250_000
    ack_s: float = 3.0
    trigger_s: float = 3.0
    response_url_s: float = 1800.0
    response_url_uses: int = 5


class SlackStandIn(ChatMethods, Clicks, HookRoutes, SlackSite, StandIn):
    """
    A workspace with the content of SlackSite.

    bot_token, app_token, signing_secret
        Those of the app.
    scopes
        What the bot's token was given.
    socket
        The SocketMode.
    requests_url
        Where clicks, modals and commands are sent while no connection of Socket Mode is open; None: nowhere.
    commands
        The slash commands of the app.
    hasty
        (method, channel or None) of each call that came before the Retry-After of a 429 was over.
    dropped
        (method, argument) of what was sent, and Slack has no use for.
    warnings
        Those that answers had.

    Its lies, besides the faults of the wire: ``ratelimited`` (429 with ``retry_after_s``), ``internal_error`` and
    ``fatal_error`` (nothing has happened), ``internal_error_after`` (it has), ``unavailable`` (503), ``lose_envelope``
    (a click that the app never hears of). refuse() has a method answer with any other error.
    """

    LIES = ("ratelimited", "internal_error", "fatal_error", "internal_error_after", "unavailable", "lose_envelope")

    def __init__(self, port=0):
        StandIn.__init__(self, port)
        SlackSite.__init__(self)
        self.bot_token = "xoxb-" + secrets.token_urlsafe(12)
        self.app_token = "xapp-1-" + secrets.token_urlsafe(12)
        self.signing_secret = secrets.token_hex(16)
        self.scopes = set(SCOPES)
        self.socket = SocketMode(self.app_id)
        self.requests_url = None
        self.commands = {"/salt-approval"}
        self.messages_tab = True
        self.limits = Limits()
        self.retry_after_s = 2
        self.clock = time.monotonic
        self.hasty = []
        self.dropped = []
        self.warnings = []
        # The error of each token that is none any more.
        self.dead_tokens = {}
        self.webhooks = {}
        self.interactions = []
        self._refusals = {}
        self._calls = {}
        self._buckets = {}
        self._blocked = {}
        self._triggers = {}
        self._response_urls = {}

    def refuse(self, method, error, times=1):
        """Has the next calls of a method fail with this error, before anything happens."""
        self._refusals.setdefault(method, []).extend([error] * times)

    def error(self, text, **more):
        """Slack's form of errors."""
        return {"ok": False, "error": text, **more}

    def fail(self, error, **more):
        """Raises the Refused of an error, which is an answer 200 in Slack."""
        raise Refused(200, self.error(error, **more))

    def invalid(self, *lines):
        """Raises the Refused for arguments of a wrong form."""
        self.fail("invalid_arguments", response_metadata={"messages": [f"[ERROR] {line}" for line in lines]})

    @route("POST", "/api/{method}")
    @route("GET", "/api/{method}")
    def api(self, request, method):
        if self.lies.fault("unavailable", request):
            raise Refused(503, "<html><body>Service Unavailable</body></html>")
        call = self.methods().get(method)
        if call is None:
            self.fail("unknown_method", req_method=method)
        if call.posts_only and request.method == "GET":
            self.fail("method_not_supported")
        arguments, warning = self._arguments(request, call)
        self._log_in(request, call, arguments)
        key = (method, arguments.get("channel"))
        if self.lies.fault("ratelimited", request):
            self._block(key, self.retry_after_s)
        for name in ("internal_error", "fatal_error"):
            if self.lies.fault(name, request):
                self.fail(name)
        self._throttle(method, key, call)
        if self._refusals.get(method):
            self.fail(self._refusals[method].pop(0))
        missing = [name for name in call.required if arguments.get(name) in (None, "")]
        if missing:
            self.invalid(*[f"missing required field: {name}" for name in missing])
        self.dropped += [(method, name) for name in arguments if name not in call.known]
        result = call.function(self, arguments)
        if self.lies.fault("internal_error_after", request):
            self.fail("internal_error")
        shown = {"ok": True, **result}
        if warning:
            self.warnings.append((method, warning))
            shown |= {"warning": warning, "response_metadata": {"warnings": [warning]}}
        headers = {"X-OAuth-Scopes": ",".join(sorted(self.scopes)), "X-Slack-Req-Id": secrets.token_hex(16)}
        return Reply(200, shown, headers)

    @route("GET", "/link/")
    def link(self, request):
        headers = websocket.upgrade(request.headers)
        if headers is None:
            raise Refused(400, "Bad Request")
        if not self.socket.take(request.query.get("ticket", "")):
            raise Refused(403, "Forbidden")
        return Reply(101, None, headers, takes_over=self.socket.serve)

    def throttle_post(self, method, channel):
        """Raises Refused where the channel, or the workspace, takes no more messages now."""
        now = self.clock()
        key = (method, channel.id)
        self._heed(key, now)
        tokens, at = self._buckets.get(channel.id, (self.limits.post_burst, now))
        tokens = min(self.limits.post_burst, tokens + now - at)
        if tokens < 1:
            self._block(key, 1 - tokens)
        self._window("posts", key, self.limits.posts_per_minute, now)
        self._buckets[channel.id] = (tokens - 1, now)

    def _throttle(self, method, key, call):
        now = self.clock()
        self._heed(key, now)
        self._heed((method, None), now)
        if call.tier:
            self._window(method, (method, None), getattr(self.limits, call.tier), now)

    def _window(self, name, key, most, now):
        calls = self._calls.setdefault(name, deque())
        while calls and calls[0] <= now - 60:
            calls.popleft()
        if len(calls) >= most:
            self._block(key, calls[0] + 60 - now)
        calls.append(now)

    def _heed(self, key, now):
        left = self._blocked.get(key, now) - now
        if left > 0:
            self.hasty.append(key)
            raise self._too_many(left)

    def _block(self, key, seconds):
        refused = self._too_many(seconds)
        # A caller that waits as long as the header says may be back a moment early by its own clock.
        self._blocked[key] = self.clock() + refused.reply.headers["Retry-After"] - 0.05
        raise refused

    def _too_many(self, seconds):
        return Refused(429, self.error("ratelimited"), {"Retry-After": max(1, math.ceil(seconds))})

    def _arguments(self, request, call):
        """(the arguments, the warning of the answer or None)"""
        kind = request.headers.get("Content-Type", "")
        form = kind.split(";")[0].strip().lower()
        if request.method == "GET" or not request.body:
            return dict(request.query), None
        if form == FORM:
            return {**request.query, **dict(urllib.parse.parse_qsl(request.body.decode()))}, None
        if form != JSON:
            self.fail("invalid_post_type")
        if not call.takes_json:
            # Slack reads none of it.
            return dict(request.query), None
        try:
            arguments = json.loads(request.body)
        except ValueError:
            self.fail("invalid_json")
        if not isinstance(arguments, dict):
            self.fail("json_not_object")
        # A token in JSON is not looked at.
        arguments.pop("token", None)
        return arguments, None if "charset=" in kind else "missing_charset"

    def _log_in(self, request, call, arguments):
        given = request.headers.get("Authorization", "")
        token = given.removeprefix("Bearer ") if given.startswith("Bearer ") else arguments.pop("token", "")
        if call.header_only and not given:
            token = ""
        if not token:
            self.fail("not_authed")
        if token in self.dead_tokens:
            self.fail(self.dead_tokens[token])
        if token not in (self.bot_token, self.app_token):
            self.fail("invalid_auth")
        if (token == self.app_token) != call.of_app:
            self.fail("not_allowed_token_type")
        if call.scope:
            self.need(call.scope)

    def need(self, *scopes):
        """Raises Refused where the token has none of these scopes."""
        if not self.scopes & set(scopes):
            self.fail("missing_scope", needed=",".join(scopes), provided=",".join(sorted(self.scopes)))
