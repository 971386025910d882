"""What people do in Slack that the app hears of: they press buttons, fill in modals, and type commands."""

import hashlib
import hmac
import http.client
import json
import time
import urllib.parse
from dataclasses import dataclass, field

from .wire import Refused

# What people see where the app does not answer.
NO_ANSWER = {
    "block_actions": "This app is not responding",
    "view_submission": "We had some trouble connecting. Try again?",
    "slash_commands": "failed with the error operation_timeout",
}
NO_WAY = {**NO_ANSWER, "slash_commands": "failed with the error dispatch_failed"}
REQUIRED = "Please complete this required field."


@dataclass(eq=False)
class Interaction:
    """
    Something that a Person did.

    way
        ``socket`` or ``http``; None: the app was not told.
    ack_after_s
        How long the acknowledgement took; None: there was none in time.
    status
        That of the answer over HTTP; None: there was none.
    answer
        What the acknowledgement said.
    problem
        What Slack tells the Person of an app that did not answer well.
    errors
        By block: what a modal says is wrong in a field.
    """

    person: object
    kind: str
    payload: dict
    way: str | None = None
    ack_after_s: float | None = None
    status: int | None = None
    answer: object = None
    problem: str | None = None
    errors: dict = field(default_factory=dict)


class Clicks:
    """What tests have people do. Each waits for the acknowledgement of the app, as long as Slack does."""

    def click(self, person, message, action, version=-1, confirmed=True):
        """
        Has a Person press the button with this action_id, or this label. Gives the Interaction.

        version
            Which of the message's versions is on their screen: 0 is the first one, before all edits.
        confirmed
            What they say to a dialog that asks again; without it the app hears nothing.

        Raises LookupError: they cannot see the message, or it has no such button.
        """
        with self.lock:
            if message.deleted or person not in message.channel.members or message.only_for not in (None, person):
                raise LookupError(f"{person.name} does not see this message")
            buttons = message.versions[version].buttons
            button = buttons.get(action) or next((b for b in buttons.values() if b["text"]["text"] == action), None)
            if button is None:
                raise LookupError(f"no button {action} is here, but {', '.join(buttons) or 'none'}")
            payload = self._clicked(person, message, button)
        interaction = Interaction(person, "block_actions", payload)
        if confirmed or not button.get("confirm"):
            self._tell(interaction, "interactive", False, {"payload": json.dumps(payload)})
        return interaction

    def open_views(self, person):
        """The Views that a Person has before them, the last opened first."""
        with self.lock:
            return [view for view in reversed(self.views) if view.person is person and view.is_open]

    def submit(self, view, **values):
        """
        Has the Person of a modal fill in fields (by action_id), and press the button to submit. Gives the Interaction;
        what Slack itself sees to be wrong is in its errors, and the app hears nothing.
        """
        with self.lock:
            if not view.is_open:
                raise LookupError("the modal is closed")
            state, errors = _filled(view.shown["blocks"], values)
            payload = {
                "type": "view_submission", "team": self._team(), "user": self._user(view.person),
                "api_app_id": self.app_id, "token": "legacy", "trigger_id": self.new_trigger(view.person),
                "view": self.shown_view(view, state), "response_urls": [], "is_enterprise_install": False,
                "enterprise": None,
            }  # fmt: skip
        interaction = Interaction(view.person, "view_submission", payload, errors=errors)
        if not errors:
            self._tell(interaction, "interactive", True, {"payload": json.dumps(payload)})
            if interaction.problem is None:
                with self.lock:
                    self._after_submit(interaction, view)
        return interaction

    def command(self, person, text, channel=None):
        """
        Has a Person type a command, as ``/salt-approval inbox``; without a channel they do so in their conversation
        with the app. Gives the Interaction. Raises LookupError: the app has no such command, or they are not there.
        """
        name, _, rest = text.partition(" ")
        with self.lock:
            channel = channel or self.direct(person)
            if name not in self.commands or person not in channel.members:
                raise LookupError(f"{person.name} cannot type {name} in {channel.name}")
            fields = {
                "token": "legacy", "team_id": self.team_id, "team_domain": self.domain, "channel_id": channel.id,
                "channel_name": "directmessage" if channel.kind == "im" else channel.name, "user_id": person.id,
                "user_name": person.name, "command": name, "text": rest.strip(), "api_app_id": self.app_id,
                "is_enterprise_install": "false", "trigger_id": self.new_trigger(person),
                "response_url": self.new_response_url("commands", person, channel),
            }  # fmt: skip
            for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
                fields["text"] = fields["text"].replace(character, entity)
        interaction = Interaction(person, "slash_commands", fields)
        self._tell(interaction, "slash_commands", True, fields)
        if interaction.problem is None and interaction.answer:
            with self.lock:
                self._after_command(interaction, channel)
        return interaction

    def signed(self, body, at=None, secret=None):
        """The headers that Slack sends with these raw bytes; at another time, or by another secret, they are wrong."""
        at = str(int(time.time()) if at is None else at)
        return {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": sign(body, at, secret or self.signing_secret)}

    def _clicked(self, person, message, button):
        at = message.channel
        action = {key: button[key] for key in ("action_id", "block_id", "text", "value", "type", "style", "url")
                  if key in button}  # fmt: skip
        container = {"type": "message", "message_ts": message.ts, "channel_id": at.id,
                     "is_ephemeral": message.only_for is not None}  # fmt: skip
        if message.thread_ts:
            container["thread_ts"] = message.thread_ts
        payload = {
            "type": "block_actions", "user": self._user(person), "api_app_id": self.app_id, "token": "legacy",
            "container": container, "trigger_id": self.new_trigger(person), "team": self._team(), "enterprise": None,
            "is_enterprise_install": False,
            "channel": {"id": at.id, "name": "directmessage" if at.kind == "im" else at.name},
            "state": {"values": {}}, "response_url": self.new_response_url("actions", person, at, message),
            "actions": [{**action, "action_ts": self.new_ts()}],
        }  # fmt: skip
        if message.only_for is None:
            payload["message"] = self.shown_message(message)
        return payload

    def _user(self, person):
        return {"id": person.id, "username": person.name, "name": person.name, "team_id": person.team}

    def _team(self):
        return {"id": self.team_id, "domain": self.domain}

    def _tell(self, interaction, kind, accepts_answer, fields):
        self.interactions.append(interaction)
        is_lost = self.lies.tell("lose_envelope")
        envelope = self.socket.send(kind, interaction.payload, accepts_answer, is_lost)
        if envelope:
            interaction.way = "socket"
            if self.socket.wait(envelope, self.limits.ack_s):
                interaction.ack_after_s, interaction.answer = envelope.ack_after_s, envelope.answer
        elif self.requests_url and not is_lost:
            interaction.way = "http"
            self._post(interaction, urllib.parse.urlencode(fields).encode())
        else:
            interaction.problem = NO_WAY[interaction.kind]
        if interaction.way and interaction.ack_after_s is None:
            interaction.problem = NO_ANSWER[interaction.kind]

    def _post(self, interaction, body):
        parts = urllib.parse.urlsplit(self.requests_url)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "Slackbot 1.0",
                   **self.signed(body)}  # fmt: skip
        connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=self.limits.ack_s)
        began = time.monotonic()
        try:
            connection.request("POST", parts.path or "/", body, headers)
            response = connection.getresponse()
            content = response.read().decode()
        except (OSError, http.client.HTTPException):
            return
        finally:
            connection.close()
        took_s = time.monotonic() - began
        interaction.status = response.status
        if response.status != 200 or took_s > self.limits.ack_s:
            return
        interaction.ack_after_s = took_s
        try:
            interaction.answer = json.loads(content) if content else None
        except ValueError:
            interaction.answer = {"text": content} if interaction.kind == "slash_commands" else None

    def _after_submit(self, interaction, view):
        answer = interaction.answer or {}
        action = answer.get("response_action")
        inputs = {block["block_id"] for block in view.shown["blocks"] if block["type"] == "input"}
        if action == "errors" and answer.get("errors") and set(answer["errors"]) <= inputs:
            interaction.errors = answer["errors"]
        elif action in ("update", "push"):
            try:
                self.check_view(answer.get("view"))
            except Refused as refused:
                self._not_taken(interaction, refused.reply.body)
                return
            view.is_open = action == "push"
            self.open_view(view.person, answer["view"])
        elif action == "clear":
            for each in self.views:
                each.is_open = each.is_open and each.person is not view.person
        elif not answer:
            view.is_open = False
        else:
            self._not_taken(interaction, answer)

    def _after_command(self, interaction, channel):
        try:
            content, _ = self.content(interaction.answer)
        except Refused as refused:
            self._not_taken(interaction, refused.reply.body)
            return
        only_for = None if interaction.answer.get("response_type") == "in_channel" else interaction.person
        self.add(channel, self.bot, content, only_for=only_for)

    def _not_taken(self, interaction, why):
        self.socket.faults.append(f"an answer to {interaction.kind} is none: {why}")
        interaction.problem = NO_ANSWER[interaction.kind]


def sign(body, at, secret):
    """The value of X-Slack-Signature for raw bytes that are sent at this time, as seconds in a text."""
    return "v0=" + hmac.new(secret.encode(), b"v0:" + at.encode() + b":" + body, hashlib.sha256).hexdigest()


def _filled(blocks, values):
    """(the ``state.values`` of a modal whose fields are filled in like this, the errors that Slack itself shows)"""
    state, errors, unknown = {}, {}, set(values)
    for block in blocks:
        if block["type"] != "input":
            continue
        element = block["element"]
        text = values.get(element["action_id"], element.get("initial_value")) or None
        unknown.discard(element["action_id"])
        if text is None and not block.get("optional"):
            errors[block["block_id"]] = REQUIRED
        elif text and not element.get("min_length", 0) <= len(text) <= element.get("max_length", 3000):
            errors[block["block_id"]] = "The text is too short, or too long."
        state[block["block_id"]] = {element["action_id"]: {"type": element["type"], "value": text}}
    if unknown:
        raise LookupError(f"the modal has no field {', '.join(sorted(unknown))}")
    return state, errors
