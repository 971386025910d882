"""
A channel of Slack: messages are posted, written anew, and answered below, within the rates that Slack tells.

Slack's library repeats nothing by itself here: a message whose answer was lost is posted again by us, with the same key
that people see, and a wait that Slack asks for holds up one channel.
"""

import datetime
import hashlib
import http.client
import importlib
import json
import os
import re
import time
from collections import OrderedDict, deque

from ..config import DatedSecret, read_secret_file
from ..errors import ConfigError
from . import blocks
from .channel import Away, Channel, EditsLater, Failed, Later, Resting
from .channels import full_path, mapping

SETTINGS = (
    "kind", "token_file", "channel", "team", "app_token_file", "signing_secret_file", "retiring_signing_secret",
    "buttons", "api_url",
)  # fmt: skip
API_URL = "https://slack.com/api/"
# Without TLS on this machine alone.
URL = re.compile(r"(?:https://[A-Za-z0-9.-]+|http://(?:localhost|127\.0\.0\.1))(?::\d{1,5})?/(?:[\w.-]+/)*")
CHANNEL = re.compile(r"[CGD][A-Z0-9]{1,20}|#[^\s#<>]{1,80}")
TEAM = re.compile(r"T[A-Z0-9]{1,20}")
ADDRESS = re.compile(r"(T[A-Z0-9]{1,20})/([UW][A-Z0-9]{1,20})")
WORD = re.compile(r"[a-z0-9_]{1,80}")
TIMEOUT_S = 10
POSTS_APART_S = 1.0  # in one channel
EDITS, EDITS_WITHIN_S = 50, 60.0  # of all channels together
EDITS_APART_S = 5.0  # of one message
REST_S = 30.0  # for which a channel is left alone whose answer was lost
DENIED_S = 300.0  # and one that Slack does not let us into
KEPT = 2000  # messages of which it is known how they look
# Methods that do not read arguments as JSON.
NO_JSON = frozenset({"users.info", "conversations.info", "auth.test", "apps.connections.open"})
# The call may have been carried out all the same.
UNKNOWN = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"})
OF_TOKEN = frozenset(
    {
        "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope",
        "not_allowed_token_type", "no_permission", "org_login_required", "ekm_access_denied", "access_denied",
    }
)  # fmt: skip
OF_CHANNEL = frozenset(
    {
        "channel_not_found", "not_in_channel", "is_archived", "is_inactive", "restricted_action",
        "restricted_action_read_only_channel", "restricted_action_thread_only_channel",
    }
)  # fmt: skip
# The first message of a thread is not there any more, or cannot be written anew: another one takes its place.
LOST = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "block_mismatch"})


class Slack(Channel):
    """
    A channel of kind ``slack``. Ids of parents are ``CHANNEL/TS``.

    where
        Where its settings stand, for errors.
    settings
        The mapping of its settings, which are right.
    workspace
        The Workspace that its token belongs to.
    """

    kind = "slack"
    edits = True

    def __init__(self, name, where, settings):
        super().__init__(name)
        self.where, self.settings = where, settings
        self.has_buttons = settings.get("buttons", False)
        self.workspace = Workspace(f"{where}: token_file", settings["token_file"], settings.get("api_url", API_URL))

    @property
    def team(self):
        """The id of the workspace, as the settings have it; None: they do not."""
        return self.settings.get("team")

    @property
    def signing_secrets(self):
        """The app's signing secrets, config.DatedSecret, the newest first; none where clicks do not come by HTTP."""
        newest, old = self.settings.get("signing_secret_file"), self.settings.get("retiring_signing_secret")
        secrets = [DatedSecret(f"{self.where}: signing_secret_file", newest)] if newest else []
        if old:
            secrets.append(DatedSecret(f"{self.where}: retiring_signing_secret: file", old["file"], old["until"]))
        return secrets

    def deliver(self, message, key, ts=None, address=None):
        payload = blocks.payload(message)
        if message.key != key:
            self._post(payload, *_place(ts), is_loud=message.is_loud)
            return ts
        if ts is not None:
            try:
                self._edit(payload, ts)
                return ts
            except _Lost:
                address = _place(ts)[0] if _place(ts)[0].startswith("D") else address
        return self._post(payload, self._destination(address))

    def _destination(self, address):
        """The id of a channel; an address of a contact is somebody's, whose conversation with us Slack opens."""
        if address is None:
            return self.settings["channel"]
        found = ADDRESS.fullmatch(address)
        if found is None:
            if CHANNEL.fullmatch(address):
                return address
            raise Failed(f"{address} is nobody's address in Slack: a contact is the team and the user, as in T012/U345")
        if self.team is not None and found[1] != self.team:
            raise Failed(f"{address} is of another workspace than {self.team}, to which {self.where} leads")
        return found[2]

    def _post(self, payload, channel, thread_ts=None, is_loud=False):
        self.workspace.pace_post(channel)
        more = {} if thread_ts is None else {"thread_ts": thread_ts, "reply_broadcast": is_loud}
        try:
            answer = self._call("chat.postMessage", {"channel": channel, **payload, **blocks.NEW, **more})
        finally:
            self.workspace.note_post(channel)
        posted = f"{answer['channel']}/{answer['ts']}"
        if thread_ts is None:
            self.workspace.shown(posted, payload)
        return posted

    def _edit(self, payload, ts):
        if self.workspace.looks_so(ts, payload):
            return
        self.workspace.pace_edit(ts)
        channel, at = _place(ts)
        try:
            self._call("chat.update", {"channel": channel, "ts": at, **payload})
        finally:
            self.workspace.note_edit(ts)
        self.workspace.shown(ts, payload)

    def _call(self, method, arguments):
        """Call a method of Slack that delivers; gives its answer. Raises Later, Failed, ConfigError, _Lost."""
        try:
            return self.workspace.call(method, **arguments)
        except Limited as exc:
            kind = EditsLater if method == "chat.update" else Later
            raise kind(_in(exc.seconds)) from None
        except Denied as exc:
            if exc.error in LOST and method == "chat.update":
                raise _Lost from None
            is_ours = arguments["channel"] == self.settings["channel"] or arguments["channel"][0] == "C"
            if exc.error in OF_TOKEN or (exc.error in OF_CHANNEL and is_ours):
                raise Resting(f"{self.where}: {exc}", DENIED_S) from None
            raise Failed(f"{self.where}: {exc}") from None


class _Lost(Exception):
    """The message that was to be written anew is not there."""


class Limited(Exception):
    """Slack takes nothing of this kind for so many ``seconds``."""

    def __init__(self, seconds):
        super().__init__(seconds)
        self.seconds = seconds


class Denied(Failed):
    """Slack says no. ``error``: why, in its word."""

    def __init__(self, method, error, needed=None):
        scope = f": the app needs the scope {needed}" if needed else ""
        super().__init__(f"Slack refuses {method} with {error}{scope}")
        self.error = error


class Workspace:
    """
    The Web API with one token, and what it has been used for lately.

    what
        The setting that names the file of the token, for errors.
    path
        That file, which is read for each call, so that a new token needs no restart.
    api_url
        Where the methods are, with a slash at the end.
    """

    # Paces of all channels with the same token in this process, by (file, address).
    _paces = {}  # noqa: RUF012

    def __init__(self, what, path, api_url=API_URL):
        self._what, self._path, self.api_url = what, path, api_url
        self._pace = self._paces.setdefault((path, api_url), _Pace())

    def call(self, method, **arguments):
        """The answer of a method, a mapping. Raises Limited, Denied, Away, ConfigError."""
        return self._response(method, arguments).data

    def call_with_scopes(self, method, **arguments):
        """Likewise (the answer, the scopes of the token)."""
        response = self._response(method, arguments)
        scopes = next((value for name, value in response.headers.items() if name.lower() == "x-oauth-scopes"), "")
        return response.data, set(scopes.split(","))

    def _response(self, method, arguments):
        sdk = library()
        client = self.client()
        try:
            if method in NO_JSON:
                return client.api_call(method, params=arguments)
            return client.api_call(method, json=arguments)
        except sdk.errors.SlackApiError as exc:
            response = exc.response
            data = response.data if isinstance(response.data, dict) else {}
            error = str(data.get("error") or "")
            if not WORD.fullmatch(error):
                # In place of an answer there may be anybody's page.
                error = f"status {response.status_code}"
            if response.status_code == 429 or error in ("ratelimited", "rate_limited"):
                raise Limited(_seconds(response.headers)) from None
            if response.status_code >= 500 or error in UNKNOWN:
                raise Away(f"Slack answers {method} with {error}: nobody knows whether it was done", REST_S) from None
            raise Denied(method, error, data.get("needed")) from None
        # The library raises many kinds of errors for a connection that fails, or an answer that is none.
        except (OSError, ValueError, sdk.errors.SlackClientError, http.client.HTTPException) as exc:
            raise Away(f"Slack does not answer {method}: {type(exc).__name__}", REST_S) from None

    def client(self):
        """Slack's own client with the token as it is now, which repeats nothing. Raises ConfigError."""
        token = read_secret_file(self._path, self._what)
        return library().WebClient(token, base_url=self.api_url, timeout=TIMEOUT_S, retry_handlers=[])

    def pace_post(self, channel):
        """Raises Later where a message in this channel would be too early."""
        now = time.monotonic()
        due = self._pace.posts.get(channel, 0.0)
        if now < due:
            raise Later(_in(due - now))

    def note_post(self, channel):
        """
        Note that a message in this channel was answered now: Slack counts when it gets one, which is not later.
        """
        _keep(self._pace.posts, channel, time.monotonic() + POSTS_APART_S)

    def pace_edit(self, ts):
        """Raises EditsLater where this message cannot be written anew yet."""
        now = time.monotonic()
        edits = self._pace.edits
        while edits and edits[0] <= now - EDITS_WITHIN_S:
            edits.popleft()
        due = max(self._pace.edited.get(ts, 0.0), edits[0] + EDITS_WITHIN_S if len(edits) >= EDITS else 0.0)
        if now < due:
            raise EditsLater(_in(due - now))

    def note_edit(self, ts):
        """Likewise of a message that was written anew."""
        now = time.monotonic()
        self._pace.edits.append(now)
        _keep(self._pace.edited, ts, now + EDITS_APART_S)

    def shown(self, ts, payload):
        """Note how a message looks now."""
        _keep(self._pace.looks, ts, _digest(payload))

    def looks_so(self, ts, payload):
        """Whether a message is known to look like this already."""
        return self._pace.looks.get(ts) == _digest(payload)


class _Pace:
    def __init__(self):
        self.posts, self.edited, self.looks = OrderedDict(), OrderedDict(), OrderedDict()
        self.edits = deque()


def library():
    """The package slack_sdk. Raises ConfigError where it is not installed."""
    try:
        sdk = importlib.import_module("slack_sdk")
        importlib.import_module("slack_sdk.errors")
    except ImportError:
        raise ConfigError("slack_sdk is not installed: pip install 'saltext-approval[chat]'") from None
    return sdk


def channel(name, where, given):
    """The Slack that the mapping ``given`` describes. Raises ConfigError."""
    mapping(where, given, SETTINGS)
    for setting in ("token_file", "app_token_file", "signing_secret_file"):
        value = given.get(setting)
        if (value is not None or setting == "token_file") and not (isinstance(value, str) and os.path.isabs(value)):
            raise ConfigError(f"{where}: {setting} must be the full path of a file")
    _matching(f"{where}: channel", given.get("channel"), CHANNEL, "the id of a channel, as in C0123ABCD, or '#ops'")
    if given.get("team") is not None:
        _matching(f"{where}: team", given["team"], TEAM, "the id of a workspace, as in T0123ABCD")
    if given.get("api_url") is not None:
        _matching(f"{where}: api_url", given["api_url"], URL, "an address with https and a slash at the end")
    if not isinstance(given.get("buttons", False), bool):
        raise ConfigError(f"{where}: buttons must be true or false")
    if given.get("buttons") and not (given.get("app_token_file") or given.get("signing_secret_file")):
        raise ConfigError(
            f"{where}: buttons need a way back: app_token_file for Socket Mode, or signing_secret_file for HTTP"
        )
    if given.get("app_token_file") and given.get("signing_secret_file"):
        raise ConfigError(
            f"{where}: app_token_file is for Socket Mode and signing_secret_file for HTTP: set one of them"
        )
    if given.get("retiring_signing_secret") is not None:
        _check_retiring(f"{where}: retiring_signing_secret", given)
    return Slack(name, where, given)


def _check_retiring(where, given):
    """Raises ConfigError where the secret that is to be retired is none beside another one."""
    retiring = mapping(where, given["retiring_signing_secret"], ("file", "until"))
    path, until = full_path(where, retiring, "file"), retiring.get("until")
    if not isinstance(until, datetime.date) or isinstance(until, datetime.datetime):
        raise ConfigError(f"{where}: until must be the last day on which it counts, as in 2026-12-31")
    if given.get("signing_secret_file") in (None, path):
        raise ConfigError(f"{where}: signing_secret_file must name the file of the secret that stays")


def _matching(where, given, pattern, form):
    if not isinstance(given, str) or not pattern.fullmatch(given):
        raise ConfigError(f"{where} must be {form}")


def _place(ts):
    """(channel, ts) of the id of a parent."""
    channel, _, at = ts.partition("/")
    return channel, at


def _in(seconds):
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)


def _seconds(headers):
    value = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    value = value[0] if isinstance(value, list | tuple) and value else value
    return float(value) if str(value).isdecimal() else REST_S


def _digest(payload):
    return hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).digest()


def _keep(kept, key, value):
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > KEPT:
        kept.popitem(last=False)
