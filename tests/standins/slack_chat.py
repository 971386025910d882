"""The methods of the Web API: posting, updating, asking for channels and people, opening modals and connections."""

import functools
import json
import re
import secrets
from dataclasses import dataclass

from . import slack_blocks
from .slack_site import Content, View

TS = re.compile(r"\d{10}\.\d{6}")
POST = ("channel", "text", "blocks", "attachments", "metadata", "thread_ts", "reply_broadcast", "parse", "link_names",
        "unfurl_links", "unfurl_media", "mrkdwn", "username", "icon_emoji", "icon_url")  # fmt: skip
HISTORY = ("channel", "cursor", "include_all_metadata", "inclusive", "latest", "limit", "oldest")


@dataclass
class Call:
    """
    A method.

    tier
        The name of its limit; None: it has one of its own, or none that anybody reaches.
    takes_json
        Arguments may come as JSON; otherwise JSON is as if there was nothing.
    of_app
        It is called by the token of the app.
    """

    function: object
    scope: str | None
    tier: str | None
    required: tuple
    known: tuple
    takes_json: bool = True
    of_app: bool = False
    header_only: bool = False
    posts_only: bool = False


def method(name, scope=None, tier=None, required=(), optional=(), **more):
    """Has the function answer calls of this method."""

    def mark(function):
        function.call = (name, Call(function, scope, tier, required, (*required, *optional), **more))
        return function

    return mark


class ChatMethods:
    """Methods of the Web API. Each takes the arguments, and gives what the answer has besides ``ok``."""

    @classmethod
    @functools.cache
    def methods(cls):
        """Each Call by its name."""
        functions = (getattr(cls, name) for name in dir(cls))
        return dict(function.call for function in functions if hasattr(function, "call"))

    @method("auth.test")
    def auth_test(self, arguments):
        return {"url": f"https://{self.domain}.slack.com/", "team": "Acme", "user": self.bot.name,
                "team_id": self.team_id, "user_id": self.bot.id, "bot_id": self.bot_id,
                "is_enterprise_install": False}  # fmt: skip

    @method("apps.connections.open", None, "tier_3", of_app=True, header_only=True, posts_only=True)
    def apps_connections_open(self, arguments):
        address = self.url.replace("http://", "ws://")
        return {"url": f"{address}/link/?ticket={self.socket.ticket()}&app_id={self.app_id}"}

    @method("chat.postMessage", "chat:write", None, ("channel",), POST, posts_only=True)
    def post_message(self, arguments):
        channel = self._destination(arguments)
        content, warning = self.content(arguments)
        parent = self._parent(channel, arguments)
        self.throttle_post("chat.postMessage", channel)
        broadcast = parent is not None and _is_true(arguments.get("reply_broadcast"))
        message = self.add(channel, self.bot, content, thread_ts=parent, is_broadcast=broadcast)
        return {"channel": channel.id, "ts": message.ts, "message": self.shown_message(message), **warning}

    @method("chat.update", "chat:write", "tier_3", ("channel", "ts"),
            ("text", "blocks", "attachments", "metadata", "parse", "link_names"),
            posts_only=True)  # fmt: skip
    def update(self, arguments):
        channel = self._channel_by_id(arguments)
        message = self._message(channel, arguments, "ts")
        if message.author is not self.bot:
            self.fail("cant_update_message")
        if channel.is_archived:
            self.fail("is_inactive")
        if slack_blocks.units(str(arguments.get("text") or "")) > self.limits.update_characters:
            self.fail("msg_too_long")
        old = message.content
        content, warning = self.content(arguments, old)
        if slack_blocks.of_type(old.blocks, "rich_text") and not slack_blocks.of_type(content.blocks, "rich_text"):
            self.fail("block_mismatch")
        self.edit(message, content)
        return {"channel": channel.id, "ts": message.ts, "text": content.text,
                "message": self.shown_message(message), **warning}  # fmt: skip

    @method("chat.postEphemeral", "chat:write", "tier_4", ("channel", "user"), POST, posts_only=True)
    def post_ephemeral(self, arguments):
        channel = self._destination(arguments)
        person = next((each for each in channel.members if each.id == arguments["user"]), None)
        if person is None:
            self.fail("user_not_in_channel")
        if slack_blocks.units(str(arguments.get("text") or "")) > self.limits.text_characters:
            self.fail("msg_too_long")
        content, _ = self.content(arguments)
        parent = self._parent(channel, arguments)
        message = self.add(channel, self.bot, content, thread_ts=parent, only_for=person)
        return {"message_ts": message.ts}

    @method("chat.getPermalink", None, None, ("channel", "message_ts"), takes_json=False)
    def get_permalink(self, arguments):
        channel = self._channel_by_id(arguments)
        message = self._message(channel, arguments, "message_ts")
        link = f"https://{self.domain}.slack.com/archives/{channel.id}/p{message.ts.replace('.', '')}"
        if message.thread_ts:
            link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
        return {"channel": channel.id, "permalink": link}

    @method("conversations.open", None, "tier_3", (), ("users", "channel", "return_im", "prevent_creation"))
    def conversations_open(self, arguments):
        self.need("im:write")
        users = [name for name in str(arguments.get("users") or "").split(",") if name]
        if not users and not arguments.get("channel"):
            self.fail("users_list_not_supplied")
        if not users:
            return {"channel": {"id": self._channel_by_id(arguments).id}}
        if len(users) > 1:
            self.need("mpim:write")
        person = self._person(users[0])
        if person.deleted:
            self.fail("user_disabled")
        return {"channel": {"id": self.direct(person).id}}

    @method("conversations.info", None, "tier_3", ("channel",), ("include_locale", "include_num_members"),
            takes_json=False)  # fmt: skip
    def conversations_info(self, arguments):
        self.need("channels:read", "groups:read", "im:read")
        channel = self._channel_by_id(arguments)
        self.need(_scope(channel, "read"))
        shown = {"id": channel.id, "is_im": channel.kind == "im", "is_archived": channel.is_archived,
                 "is_org_shared": False, "context_team_id": self.team_id}  # fmt: skip
        if channel.kind == "im":
            (other,) = channel.members - {self.bot}
            return {"channel": {**shown, "user": other.id}}
        return {"channel": {
            **shown, "name": channel.name, "is_channel": channel.kind == "channel", "is_group": channel.kind == "group",
            "is_private": channel.kind == "group", "is_member": self.bot in channel.members, "is_mpim": False,
            "is_shared": channel.is_shared, "is_ext_shared": channel.is_shared,
        }}  # fmt: skip

    @method("conversations.history", None, "tier_3", ("channel",), HISTORY)
    def conversations_history(self, arguments):
        self.need("channels:history", "groups:history", "im:history")
        channel = self._channel_by_id(arguments)
        self.need(_scope(channel, "history"))
        if self.bot not in channel.members:
            self.fail("not_in_channel")
        bounds = {}
        for name in ("oldest", "latest", "cursor"):
            text = str(arguments.get(name) or "")
            if text and not re.fullmatch(r"\d+(\.\d+)?", text):
                self.fail("invalid_cursor" if name == "cursor" else f"invalid_ts_{name}")
            bounds[name] = float(text) if text else None
        inclusive = _is_true(arguments.get("inclusive"))
        found = []
        for message in reversed(channel.messages):
            at = float(message.ts)
            is_edge = inclusive and at in (bounds["oldest"], bounds["latest"])
            is_within = at > (bounds["oldest"] or 0) and at < (bounds["latest"] or at + 1)
            if (is_within or is_edge) and at < (bounds["cursor"] or at + 1):
                found.append(message)
        limit = min(int(arguments.get("limit") or 100), 999)
        with_metadata = _is_true(arguments.get("include_all_metadata"))
        page = found[:limit]
        answer = {"messages": [self.shown_message(each, with_metadata) for each in page],
                  "has_more": len(found) > limit, "pin_count": 0, "channel_actions_ts": None,
                  "channel_actions_count": 0}  # fmt: skip
        if len(found) > limit:
            answer["response_metadata"] = {"next_cursor": page[-1].ts}
        return answer

    @method("users.info", "users:read", "tier_4", ("user",), ("include_locale",), takes_json=False)
    def users_info(self, arguments):
        return {"user": self._shown_person(self._person(arguments["user"]))}

    @method("users.lookupByEmail", "users:read.email", "tier_3", ("email",), takes_json=False)
    def users_lookup_by_email(self, arguments):
        for person in self.people:
            if person.email == arguments["email"] and not person.is_bot and not person.deleted:
                return {"user": self._shown_person(person)}
        return self.fail("users_not_found")

    @method("views.open", None, "tier_4", ("view",), ("trigger_id", "interactivity_pointer"), posts_only=True)
    def views_open(self, arguments):
        trigger = str(arguments.get("trigger_id") or arguments.get("interactivity_pointer") or "")
        if not trigger:
            self.invalid("missing required field: trigger_id")
        view = self._object(arguments["view"])
        if view is None:
            self.invalid("must be an object [json-pointer:/view]")
        self.check_view(view)
        return {"view": self.shown_view(self.open_view(self.person_of_trigger(trigger), view))}

    # What the methods have in common.

    def content(self, arguments, old=None):
        """(the Content that these arguments are, what the answer has to say about it); old is what it replaces."""
        text = arguments.get("text")
        if text is not None and not isinstance(text, str):
            self.invalid("must be a string [json-pointer:/text]")
        blocks = self._blocks(arguments["blocks"]) if arguments.get("blocks") is not None else None
        attachments = self._attachments(arguments.get("attachments"))
        metadata = self._metadata(arguments["metadata"]) if arguments.get("metadata") is not None else None
        if old is not None and text is None and blocks is None and attachments is None:
            self.fail("no_text")
        if old is not None:
            # What is not named stays.
            text = old.text if text is None else text
            blocks = old.blocks if blocks is None else blocks
            attachments = old.attachments if attachments is None else attachments
            metadata = old.metadata if metadata is None else metadata
        if not (text and text.strip()) and not blocks and not attachments:
            self.fail("no_text")
        text = text or ""
        warning = {}
        if len(text) > self.limits.text_characters:
            text = text[: self.limits.text_characters]
            warning = {"warning": "message_truncated", "response_metadata": {"warnings": ["message_truncated"]}}
            self.warnings.append(("message", "message_truncated"))
        link_names = _is_true(arguments.get("link_names")) or arguments.get("parse") == "full"
        return Content(text, blocks or [], attachments or [], metadata or None, link_names), warning

    def shown_message(self, message, with_metadata=True):
        """A message as the API gives it."""
        shown = {"type": "message", "ts": message.ts, "text": message.text}
        if message.author is self.bot:
            shown |= {"user": self.bot.id, "bot_id": self.bot_id, "app_id": self.app_id, "team": self.team_id}
        else:
            shown |= {"user": message.author.id, "team": message.author.team}
        if message.blocks:
            shown["blocks"] = message.blocks
        if message.content.attachments:
            shown["attachments"] = message.content.attachments
        if with_metadata and message.metadata:
            shown["metadata"] = message.metadata
        if message.thread_ts:
            shown["thread_ts"] = message.thread_ts
        elif message.replies:
            shown |= {"thread_ts": message.ts, "reply_count": len(message.replies)}
        if message.edited:
            shown["edited"] = {"user": self.bot_id, "ts": message.edited[-1]}
        return json.loads(json.dumps(shown))

    def check_view(self, view):
        """Raises Refused where a modal is not one."""
        if len(json.dumps(view).encode()) > self.limits.view_bytes:
            self.fail("view_too_large")
        faults = slack_blocks.faults_of_view(view)
        if faults:
            self.invalid(*faults)

    def open_view(self, person, view):
        """A new View of somebody, with ids for what has none."""
        for block in view["blocks"]:
            block.setdefault("block_id", f"b{next(self._numbers)}")
            if block["type"] == "input":
                block["element"].setdefault("action_id", f"a{next(self._numbers)}")
        opened = View(f"V{next(self._numbers)}", person, view)
        self.views.append(opened)
        return opened

    def shown_view(self, view, values=None):
        """A modal as the API gives it."""
        return {"id": view.id, "team_id": self.team_id, "private_metadata": "", "callback_id": "", "external_id": "",
                **view.shown, "state": {"values": values or {}}, "hash": f"{view.id}.1", "app_id": self.app_id,
                "root_view_id": view.id, "previous_view_id": None, "bot_id": self.bot_id}  # fmt: skip

    def _shown_person(self, person):
        profile = {"real_name": person.real_name, "display_name": person.name, "team": person.team}
        if "users:read.email" in self.scopes:
            profile["email"] = person.email
        return {
            "id": person.id, "team_id": person.team, "name": person.name, "deleted": person.deleted,
            "real_name": person.real_name, "tz": person.tz, "profile": profile, "is_bot": person.is_bot,
            "is_stranger": person.team != self.team_id, "is_restricted": person.is_guest,
            "is_ultra_restricted": False, "is_app_user": False,
        }  # fmt: skip

    def _destination(self, arguments):
        """The Channel that a message is for, where the bot may post; a person's id is their conversation with it."""
        name = arguments["channel"]
        if not isinstance(name, str):
            self.invalid("must be a string [json-pointer:/channel]")
        person = next((each for each in self.people if each.id == name), None)
        if person:
            if person.deleted or person.is_bot:
                self.fail("channel_not_found")
            channel = self.direct(person)
        else:
            found = [each for each in self.channels if each.id == name or name in ("#" + each.name, each.name)]
            found = [each for each in found if each.kind == "channel" or self.bot in each.members]
            if not found:
                self.fail("channel_not_found")
            channel = found[0]
        if channel.is_archived:
            self.fail("is_archived")
        if channel.kind == "im" and not self.messages_tab:
            self.fail("messages_tab_disabled")
        if self.bot not in channel.members and "chat:write.public" not in self.scopes:
            self.fail("not_in_channel")
        if not channel.may_post:
            self.fail("restricted_action_read_only_channel")
        return channel

    def _channel_by_id(self, arguments):
        for channel in self.channels:
            is_seen = channel.kind == "channel" or self.bot in channel.members
            if channel.id == arguments["channel"] and is_seen:
                return channel
        return self.fail("channel_not_found")

    def _message(self, channel, arguments, name):
        if not isinstance(arguments[name], str):
            self.invalid(f"must be a string [json-pointer:/{name}]")
        try:
            return channel.message(arguments[name])
        except LookupError:
            return self.fail("message_not_found")

    def _parent(self, channel, arguments):
        ts = arguments.get("thread_ts")
        if ts is None:
            return None
        if not isinstance(ts, str) or not TS.fullmatch(ts):
            self.fail("invalid_thread_ts")
        try:
            parent = channel.message(ts)
        except LookupError:
            parent = None
        if parent is None or parent.thread_ts:
            self.fail("cannot_reply_to_message")
        return ts

    def _person(self, user_id):
        try:
            return self.user(user_id)
        except LookupError:
            return self.fail("user_not_found")

    def _object(self, value):
        """The object that a parameter is, or holds as JSON; None: neither."""
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                return None
        return json.loads(json.dumps(value)) if isinstance(value, (dict, list)) else None

    def _blocks(self, value):
        blocks = self._object(value)
        if not isinstance(blocks, list):
            self.fail("invalid_blocks_format")
        self._check_blocks(blocks)
        return blocks

    def _check_blocks(self, blocks):
        faults = slack_blocks.faults_of_message(blocks)
        if faults:
            lines = [f"[ERROR] {fault}" for fault in faults]
            self.fail("invalid_blocks", errors=list(faults), response_metadata={"messages": lines})
        if slack_blocks.size(blocks) > slack_blocks.CHARACTERS_PER_MESSAGE:
            self.fail("msg_blocks_too_long")

    def _attachments(self, value):
        if value is None:
            return None
        attachments = self._object(value)
        if not isinstance(attachments, list) or not all(isinstance(each, dict) for each in attachments):
            self.fail("invalid_attachments")
        if len(attachments) > 100:
            self.fail("too_many_attachments")
        for each in attachments:
            self._check_blocks(each.get("blocks") or [])
        return attachments

    def _metadata(self, value):
        metadata = self._object(value)
        if metadata == {}:
            return {}
        is_whole = isinstance(metadata, dict) and set(metadata) == {"event_type", "event_payload"}
        if not is_whole or not isinstance(metadata["event_payload"], dict):
            self.fail("invalid_metadata_format")
        if not re.fullmatch(r"[a-z0-9_.-]{1,255}", str(metadata["event_type"])):
            self.fail("invalid_metadata_schema")
        if len(json.dumps(metadata).encode()) > self.limits.metadata_bytes:
            self.fail("metadata_too_large")
        return metadata

    def new_trigger(self, person):
        """A trigger_id, by which a modal may be opened for this person, once and soon."""
        trigger = f"{next(self._numbers)}.{next(self._numbers)}.{secrets.token_hex(16)}"
        self._triggers[trigger] = [self.clock() + self.limits.trigger_s, person, False]
        return trigger

    def person_of_trigger(self, trigger):
        """The Person of a trigger_id, which is then used. Raises Refused."""
        if trigger not in self._triggers:
            self.fail("invalid_trigger_id")
        until, person, is_used = self._triggers[trigger]
        if is_used:
            self.fail("exchanged_trigger_id")
        if until < self.clock():
            self.fail("expired_trigger_id")
        self._triggers[trigger][2] = True
        return person


def _scope(channel, what):
    return {"channel": "channels", "group": "groups", "im": "im"}[channel.kind] + f":{what}"


def _is_true(value):
    return value in (True, 1, "true", "1")
