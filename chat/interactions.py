"""
What people do in Slack: they press buttons, say why they reject, and type commands.

Each is acknowledged at once, before anybody asks the database, and then worked off in a thread of its own. Who it was
is what Slack says in a verified envelope, and never what a button holds; whether they may is the database's word.
"""

import html
import json
import logging
import queue
import re
import threading
import urllib.parse
from dataclasses import dataclass

import psycopg

from .. import db
from ..errors import ApprovalError, Refused, Unavailable
from . import blocks
from .channel import Failed
from .slack import TIMEOUT_S, Denied, Limited, library
from .words import say

log = logging.getLogger(__name__)

PROVIDER = "slack"
MOST_WAITING = 50
INBOX_ROWS = 20
VALUE = re.compile(r"([0-9]{1,18})/([0-9]{1,9})/(\S{1,200})")
TOO_WEAK, CHANGED = "AP009", "AP011"


class Malformed(ValueError):
    """What came is nothing that Slack sends; says why, without what stands there."""


class Interactions:
    """
    The acts of people in the workspace of a channel. Objects may be used by several threads.

    channel
        A slack.Slack.
    connect
        Gives a new connection to the database, with the login of the part that chats.
    teller
        The story.Teller.
    public_url
        Where people find the web service; None: there is none.
    """

    def __init__(self, channel, connect, teller, public_url=None):
        self._channel, self._teller = channel, teller
        self._url = public_url and public_url.rstrip("/")
        self._database = _Database(connect)
        self._waiting = threading.BoundedSemaphore(MOST_WAITING)
        # Threads of their own, so that what needs no database is not held up by one that hangs.
        self._decides = _Line("approval-chat-decides")
        self._answers = _Line("approval-chat-answers")

    def take(self, kind, payload, acknowledge):
        """
        Take an envelope of Slack: of kind ``interactive`` or ``slash_commands``; others are acknowledged, and that is
        all. ``acknowledge`` is called at once, with the payload of the answer or nothing. Raises Malformed, before
        anything but that is done.
        """
        kind = _text(payload, "type") if kind == "interactive" else kind
        if kind == "view_submission" and _found(payload, "view", "callback_id") == "reject":
            self._submitted(payload, acknowledge)
            return
        acknowledge()
        if kind == "slash_commands":
            for name in ("team_id", "user_id", "channel_id"):
                _text(payload, name)
            self._work(self._command, payload, _Respond(_text(payload, "response_url")))
        elif kind == "block_actions":
            actions = _found(payload, "actions")
            if not isinstance(actions, list):
                raise Malformed("actions is missing, or no list")
            for action in actions[:1]:
                self._pressed(payload, action)

    def close(self):
        """Let go of what is held open, once what waits is done. More may be taken afterwards."""
        self._decides.submit(self._database.close)
        self._decides.close()
        self._answers.close()

    def _pressed(self, payload, action):
        name, given = _text(action, "action_id"), action.get("value")
        respond = self._only_for(_text(payload, "channel", "id"), _text(payload, "user", "id"))
        value = VALUE.fullmatch(given) if isinstance(given, str) else None
        if name not in ("approve", "reject") or value is None:
            # A link, which Slack opens by itself.
            return
        if not self._channel.has_buttons:
            self._say(respond, say("answer.no_buttons", page=self._page(value[1])))
        elif name == "approve":
            self._work(self._decide, _subject(payload), value, "approve", "", respond)
        else:
            view = blocks.reason_view(f"{value[0]} {_text(payload, 'channel', 'id')}",
                                      say("answer.reject_title", request=value[1]))  # fmt: skip
            self._answers.submit(self._quietly, self._open, _text(payload, "trigger_id"), view)

    def _open(self, trigger, view):
        self._channel.workspace.call("views.open", trigger_id=trigger, view=view)

    def _submitted(self, payload, acknowledge):
        """The modal that asks why came back."""
        given, _, channel = _text(payload, "view", "private_metadata").partition(" ")
        subject, user = _subject(payload), _text(payload, "user", "id")
        reason = _found(payload, "view", "state", "values", "reason", "reason", "value")
        reason = reason.strip() if isinstance(reason, str) else ""
        value = VALUE.fullmatch(given)
        if not reason or value is None:
            acknowledge({"response_action": "errors", "errors": {"reason": say("answer.reason_wanted")}})
            return
        acknowledge()
        if self._channel.has_buttons:
            self._work(self._decide, subject, value, "reject", reason, self._only_for(channel, user))

    def _work(self, function, *arguments):
        """Have something done that needs the database, unless too much waits for that."""
        respond = arguments[-1]
        if not self._waiting.acquire(blocking=False):
            self._say(respond, say("answer.busy", page=self._url or say("answer.no_page")))
            return

        def work():
            try:
                self._quietly(function, *arguments)
            finally:
                self._waiting.release()

        self._decides.submit(work)

    def _quietly(self, function, *arguments):
        """Do something; a fault is logged, since nobody waits for it."""
        try:
            function(*arguments)
        except (Failed, Limited) as exc:
            log.error("approval: chat %s: %s", self._channel.name, exc)
        except Exception:
            log.exception("approval: chat %s", self._channel.name)

    def _say(self, respond, text):
        self._answers.submit(self._quietly, respond, _plain(text))

    def _decide(self, subject, value, decision, reason, respond):
        number, stage, digest = value.groups()
        page = self._page(number)
        try:
            refusal = self._refusal(subject, page)
            text = refusal or self._decided(subject, int(number), int(stage), digest, decision, reason, page)
        except (Unavailable, psycopg.Error) as exc:
            log.error("approval: chat %s: %s", self._channel.name, exc)
            text = say("answer.away", reason="the database cannot be reached", page=page)
        respond(_plain(text))

    def _decided(self, subject, number, stage, digest, decision, reason, page):
        try:
            state = self._database.value("decide", PROVIDER, subject, number, decision, reason, digest, stage)
        except Refused as exc:
            key = {TOO_WEAK: "refused_here", CHANGED: "renewed"}.get(exc.sqlstate, "refused")
            return say(f"answer.{key}", reason=_sentence(exc), page=page)
        return say(f"answer.decided.{decision}", request=number, state=state)

    def _refusal(self, subject, page):
        """Why somebody is not answered; None: they are."""
        if self._database.value("chat_may_ask", PROVIDER, subject) is None:
            return say("answer.stranger", subject=subject)
        try:
            person = self._channel.workspace.call("users.info", user=subject.partition("/")[2])["user"]
        except (Failed, Limited) as exc:
            return say("answer.unchecked", reason=exc, page=page)
        barred = ("deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_stranger")
        if any(person.get(name) for name in barred) or self._is_elsewhere(subject):
            return say("answer.no_account")
        return None

    def _is_elsewhere(self, subject):
        return self._channel.team is not None and subject.partition("/")[0] != self._channel.team

    def _command(self, fields, respond):
        """Answer a command, to who typed it alone."""
        subject = f"{fields['team_id']}/{fields['user_id']}"
        page = self._url or say("answer.no_page")
        words = html.unescape(fields.get("text") or "").split()
        try:
            refusal = self._refusal(subject, page) or self._shared(fields)
            answer = _plain(refusal) if refusal else self._answer(subject, words)
        except Refused as exc:
            answer = _plain(say("answer.refused", reason=_sentence(exc)))
        except (Unavailable, psycopg.Error) as exc:
            log.error("approval: chat %s: %s", self._channel.name, exc)
            answer = _plain(say("answer.away", reason="the database cannot be reached", page=page))
        respond(answer)

    def _answer(self, subject, words):
        name, *rest = words or ["inbox"]
        if name == "inbox" and not rest:
            return _shown(self._teller.inbox(self._database.call("inbox", PROVIDER, subject, None, INBOX_ROWS)))
        if name == "busy" and len(rest) <= 1:
            return _shown(self._teller.busy(self._database.value("busy", *(rest or [None]))))
        if name == "show" and len(rest) == 1 and re.fullmatch(r"[0-9]{1,18}", rest[0]):
            thread = f"request/{int(rest[0])}"
            story = self._database.value("chat_story", thread, PROVIDER, subject)
            if story is None:
                return _plain(say("answer.no_request", request=int(rest[0])))
            return _shown(self._teller.parent(thread, story))
        return _plain(say("answer.usage"))

    def _shared(self, fields):
        """Why nothing is told in a channel where another organisation is; None: it is told."""
        if fields.get("channel_name") == "directmessage":
            return None
        try:
            found = self._channel.workspace.call("conversations.info", channel=fields["channel_id"])["channel"]
        except (Denied, Limited):
            # Without the scope, or outside of the channel, nobody can tell; only who asks sees the answer.
            return None
        return say("answer.elsewhere") if found.get("is_ext_shared") or found.get("is_shared") else None

    def _page(self, number):
        return f"{self._url}/requests/{number}" if self._url else say("answer.no_page")

    def _only_for(self, channel, user):
        """A function that shows a content to one person in a channel."""
        return lambda content: self._channel.workspace.call("chat.postEphemeral", channel=channel, user=user, **content)


@dataclass(frozen=True)
class Answer:
    """
    The answer to what Slack sent over HTTP.

    status
        200 it is acknowledged, 401 it is not proven, 400 it is nothing that Slack sends.
    content
        The JSON that Slack wants back; None: nothing.
    why
        Of 400: what is wrong, a sentence.
    retiring
        The signature.SigningSecret by which it was made, where that is to be retired; None: it is not.
    """

    status: int
    content: object = None
    why: str = ""
    retiring: object = None


class OverHttp:
    """
    Takes what Slack sends to the address of the app.

    interactions
        The Interactions.
    verifier
        A signature.Verifier.
    """

    def __init__(self, interactions, verifier):
        self._interactions, self._verifier = interactions, verifier

    def answer(self, headers, body, now):
        """
        The Answer to what was sent: ``headers`` is a mapping, ``body`` the raw bytes, ``now`` a Unix time. Raises
        ConfigError.
        """
        made_by = self._verifier.maker(headers, body, now)
        if made_by is None:
            return Answer(401)
        retiring = made_by if made_by.until else None
        answers = [None]
        try:
            self._interactions.take(*_envelope(body), lambda answer=None: answers.append(answer))
        except Malformed as exc:
            return Answer(400, why=f"This is no click, modal or command of Slack: {exc}.", retiring=retiring)
        return Answer(200, answers[-1], retiring=retiring)


def _envelope(body):
    """(kind, payload) of a form that Slack sends. Raises Malformed."""
    try:
        fields = dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True))
    except ValueError:
        raise Malformed("the body is no form in UTF-8") from None
    if "payload" not in fields:
        return "slash_commands", fields
    try:
        payload = json.loads(fields["payload"])
    except (ValueError, RecursionError):
        raise Malformed("payload is no JSON, or nested too deep") from None
    if not isinstance(payload, dict):
        raise Malformed("payload is no mapping")
    return "interactive", payload


class _Line:
    """Work that is done one after the other in a thread, which does not keep a process from its end."""

    def __init__(self, name):
        self._name = name
        self._queue = None
        self._lock = threading.Lock()

    def submit(self, function, *arguments):
        """Have a function called, which raises nothing."""
        with self._lock:
            if self._queue is None:
                self._queue = queue.SimpleQueue()
                threading.Thread(target=self._run, args=(self._queue,), name=self._name, daemon=True).start()
            self._queue.put((function, arguments))

    def close(self):
        """Have the thread end after what it was given."""
        with self._lock:
            if self._queue is not None:
                self._queue.put(None)
                self._queue = None

    def _run(self, work):
        while (one := work.get()) is not None:
            function, arguments = one
            function(*arguments)


class _Respond:
    """Shows a content to who typed a command, where they typed it."""

    def __init__(self, url):
        self._url = url

    def __call__(self, content):
        library()
        from slack_sdk.webhook import WebhookClient

        client = WebhookClient(self._url, timeout=TIMEOUT_S, retry_handlers=[])
        content = {"text": content["text"], "blocks": content.get("blocks"), "response_type": "ephemeral"}
        answer = client.send_dict({name: value for name, value in content.items() if value is not None})
        if answer.status_code != 200:
            raise Failed(f"Slack does not take the answer to a command: status {answer.status_code}")


class _Database:
    """A connection for one thread, opened at need and anew after an error."""

    def __init__(self, connect):
        self._connect, self._conn = connect, None

    def value(self, function, *arguments):
        return self._with(db.value, function, *arguments)

    def call(self, function, *arguments):
        return self._with(db.call, function, *arguments)

    def _with(self, way, *arguments):
        if self._conn is None:
            self._conn = self._connect()
        try:
            return way(self._conn, *arguments)
        except Refused:
            raise
        except (ApprovalError, psycopg.Error):
            self.close()
            raise

    def close(self):
        conn, self._conn = self._conn, None
        if conn is not None:
            conn.close()


def _found(payload, *path):
    """What stands at this place of an envelope; None: nothing."""
    for name in path:
        payload = payload.get(name) if isinstance(payload, dict) else None
    return payload


def _text(payload, *path):
    """The text at this place of an envelope. Raises Malformed."""
    text = _found(payload, *path)
    if not isinstance(text, str) or not text:
        raise Malformed(f"{'.'.join(path)} is missing, or no text")
    return text


def _subject(payload):
    """Who did it, as team and user. Raises Malformed."""
    place = ("user", "team_id") if _found(payload, "user", "team_id") else ("team", "id")
    return f"{_text(payload, *place)}/{_text(payload, 'user', 'id')}"


def _sentence(exc):
    text = str(exc)
    return text if text.endswith(".") else text + "."


def _plain(text):
    """A content of words alone, none of which Slack reads as markup."""
    for character, entity in blocks.ENTITIES.items():
        text = text.replace(character, entity)
    return {"text": text, **blocks.AS_IT_IS}


def _shown(message):
    return blocks.payload(message)
