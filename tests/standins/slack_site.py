"""What a workspace of Slack holds: people, channels, messages with their threads and all their edits, open modals.

It knows nothing of HTTP. Tests read it as people see it: ``message.shown`` is what is on the screen, ``message.pinged``
who is called by it, ``message.buttons`` what can be pressed.
"""

import datetime
import itertools
import re
import time
from dataclasses import dataclass, field

CHANNEL_KINDS = {"channel": "C", "group": "G", "im": "D"}
ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))
# What Slack makes something of in mrkdwn, between < and >.
MARK = re.compile(r"<([^<>\n]+)>")


@dataclass(eq=False)
class Person:
    """
    Somebody who is seen in the workspace.

    team
        The workspace they belong to; another one's are strangers, met in shared channels.
    is_guest
        Has a restricted account.
    deleted
        Their account is deactivated.
    """

    id: str
    name: str
    real_name: str
    email: str
    team: str
    tz: str = "Europe/Berlin"
    is_bot: bool = False
    is_guest: bool = False
    deleted: bool = False


@dataclass(eq=False)
class Content:
    """What a message says at one time."""

    text: str
    blocks: list
    attachments: list
    metadata: dict | None = None
    link_names: bool = False

    @property
    def shown(self):
        """What people read, line by line: the blocks, or the text where there are none."""
        lines = _shown_blocks(self.blocks)
        if not lines and self.text:
            lines = [shown_mrkdwn(self.text)]
        for attachment in self.attachments:
            lines += _shown_blocks(attachment.get("blocks") or [])
            lines += [shown_mrkdwn(attachment[key]) for key in ("pretext", "title", "text") if attachment.get(key)]
        return "\n".join(lines)

    @property
    def pinged(self):
        """Who is called by it: ids of people, and ``here``, ``channel``, ``everyone``."""
        marked = [self.text] if not self.blocks else []
        marked += list(_mrkdwn_of(self.blocks)) + list(_mrkdwn_of(self.attachments))
        called = {name for text in marked for name in _called(text)}
        if self.link_names:
            called |= set(re.findall(r"@(here|channel|everyone)\b", self.text))
        for element in _walk(self.all_blocks):
            if element.get("type") == "user":
                called.add(element["user_id"])
            if element.get("type") == "broadcast":
                called.add(element["range"])
        return called

    @property
    def buttons(self):
        """The elements of type ``button``, each with its block's id as ``block_id``, by action_id."""
        found = {}
        for block in self.all_blocks:
            for each in _buttons(block):
                found[each["action_id"]] = {**each, "block_id": block["block_id"]}
        return found

    @property
    def all_blocks(self):
        """The blocks, and those of the attachments."""
        return [*self.blocks, *(block for each in self.attachments for block in each.get("blocks") or ())]


@dataclass(eq=False)
class Message:
    """
    A message. Its content is that of the last of ``versions``.

    thread_ts
        That of the parent; None: it is no reply.
    is_broadcast
        A reply that is shown in the channel too.
    only_for
        The Person who alone sees it; None: everybody there.
    """

    channel: "Channel"
    ts: str
    author: Person
    versions: list
    thread_ts: str | None = None
    is_broadcast: bool = False
    only_for: Person | None = None
    deleted: bool = False
    edited: list = field(default_factory=list)

    content = property(lambda self: self.versions[-1])
    text = property(lambda self: self.content.text)
    blocks = property(lambda self: self.content.blocks)
    metadata = property(lambda self: self.content.metadata)
    shown = property(lambda self: self.content.shown)
    pinged = property(lambda self: self.content.pinged)
    buttons = property(lambda self: self.content.buttons)

    @property
    def replies(self):
        """Those of its thread, in their order."""
        return [each for each in self.channel.all if each.thread_ts == self.ts and _is_there(each)]


@dataclass(eq=False)
class Channel:
    """
    A conversation.

    kind
        ``channel``, ``group`` (private), or ``im`` (of one person and the bot).
    all
        Every message that was ever posted here.
    is_shared
        People of other workspaces are in it.
    may_post
        Nobody but some may; the bot is not among them where this is false.
    """

    id: str
    name: str
    kind: str
    members: set
    all: list = field(default_factory=list)
    is_archived: bool = False
    is_shared: bool = False
    may_post: bool = True

    @property
    def messages(self):
        """What everybody sees in the channel itself: no replies, but those that were sent to the channel too."""
        return [each for each in self.all if _is_there(each) and (not each.thread_ts or each.is_broadcast)]

    def ephemeral(self, person):
        """What this person alone sees here, in its order."""
        return [each for each in self.all if each.only_for is person and not each.deleted]

    def message(self, ts):
        """The message with this ts, which everybody sees. Raises LookupError."""
        for each in self.all:
            if each.ts == ts and _is_there(each):
                return each
        raise LookupError(ts)

    def transcript(self):
        """The channel as text, as it looks: threads under their parents, buttons in brackets."""
        lines = []
        for message in self.messages:
            lines += _transcript(message, "")
            for reply in message.replies:
                lines += _transcript(reply, "    ")
        return "\n".join(lines) + "\n"


@dataclass(eq=False)
class View:
    """A modal that somebody has open."""

    id: str
    person: Person
    shown: dict
    is_open: bool = True


class SlackSite:
    """
    The workspace ``T1`` with an app in it.

    bot
        The app as a Person.
    """

    def __init__(self):
        self.team_id, self.domain, self.app_id, self.bot_id = "T1", "acme", "A1", "B1"
        self.people = []
        self.channels = []
        self.views = []
        self._numbers = itertools.count(1)
        self._last_ts = 0
        self.bot = self.person("salt", is_bot=True)

    def person(self, name, team=None, **more):
        """A new Person."""
        person = Person(f"U{next(self._numbers)}", name, name.capitalize(), f"{name}@example.com",
                        team or self.team_id, **more)  # fmt: skip
        self.people.append(person)
        return person

    def new_channel(self, name, *people, kind="channel", with_bot=True, **more):
        """A new Channel with these people in it."""
        members = {*people, self.bot} if with_bot else set(people)
        channel = Channel(f"{CHANNEL_KINDS[kind]}{next(self._numbers)}", name, kind, members, **more)
        self.channels.append(channel)
        return channel

    def channel(self, name):
        """The Channel with this id or name. Raises LookupError."""
        for each in self.channels:
            if name in (each.id, each.name):
                return each
        raise LookupError(name)

    def direct(self, person):
        """The conversation of a person and the bot, which is opened where there is none."""
        for each in self.channels:
            if each.kind == "im" and person in each.members:
                return each
        return self.new_channel(f"dm-{person.name}", person, kind="im")

    def user(self, user_id):
        """The Person with this id. Raises LookupError."""
        for each in self.people:
            if each.id == user_id:
                return each
        raise LookupError(user_id)

    def say(self, person, channel, text):
        """A message that a person types."""
        return self.add(channel, person, Content(text, [], []))

    def add(self, channel, author, content, **more):
        """A new Message in a channel."""
        message = Message(channel, self.new_ts(), author, [self.with_ids(content)], **more)
        channel.all.append(message)
        return message

    def edit(self, message, content):
        """Gives a message another content."""
        message.versions.append(self.with_ids(content))
        message.edited.append(self.new_ts())

    def with_ids(self, content):
        """The content, with ids for blocks and buttons that have none, as Slack invents them."""
        for block in content.all_blocks:
            block.setdefault("block_id", f"b{next(self._numbers)}")
            for element in _buttons(block):
                element.setdefault("action_id", f"a{next(self._numbers)}")
        return content

    def new_ts(self):
        """A time that nothing else in the workspace has, as Slack writes it."""
        self._last_ts = max(time.time_ns() // 1000, self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"


def shown_mrkdwn(text):
    """What people read of a text in mrkdwn: what is between < and > as it is shown, entities as characters."""
    text = MARK.sub(_shown_mark, text)
    for entity, character in ENTITIES:
        text = text.replace(entity, character)
    return text


def _shown_mark(match):
    inner, _, label = match[1].partition("|")
    if inner.startswith("!date^"):
        return _shown_date(inner, label)
    if inner[0] == "!":
        return "@" + inner[1:].partition("^")[0]
    if inner[0] in "@#":
        return inner[0] + (label or inner[1:])
    return label or inner


def _shown_date(inner, label):
    """<!date^1392734382^Posted {date_num} {time_secs}^https://example.com|fallback>, in UTC."""
    parts = inner.split("^")
    if len(parts) < 3 or not parts[1].isdigit():
        return label
    at = datetime.datetime.fromtimestamp(int(parts[1]), datetime.timezone.utc)
    forms = {
        "date_num": "%Y-%m-%d", "date_slash": "%d/%m/%Y", "date": "%B %d, %Y", "date_short": "%b %d, %Y",
        "date_long": "%A, %B %d, %Y", "date_pretty": "%B %d, %Y", "date_short_pretty": "%b %d, %Y",
        "date_long_pretty": "%A, %B %d, %Y", "time": "%H:%M", "time_secs": "%H:%M:%S",
    }  # fmt: skip
    return re.sub(r"\{(\w+)\}", lambda name: at.strftime(forms[name[1]]) if name[1] in forms else name[0], parts[2])


def _called(text):
    for inner in MARK.findall(text):
        name = inner.partition("|")[0].partition("^")[0]
        if name in ("!here", "!channel", "!everyone") or name[:2] in ("@U", "@W"):
            yield name[1:]


def _buttons(block):
    elements = [*(block.get("elements") or ()), block.get("accessory")]
    return [each for each in elements if each and each.get("type") == "button"]


def _walk(part):
    if isinstance(part, list):
        for each in part:
            yield from _walk(each)
    elif isinstance(part, dict):
        yield part
        for each in part.values():
            yield from _walk(each)


def _mrkdwn_of(part):
    for each in _walk(part):
        if each.get("type") in ("mrkdwn", "markdown") and isinstance(each.get("text"), str):
            yield each["text"]
        elif "type" not in each:
            yield from (each[key] for key in ("pretext", "text", "title") if isinstance(each.get(key), str))


def _shown_text(each):
    return shown_mrkdwn(each["text"]) if each["type"] == "mrkdwn" else each["text"]


def _shown_blocks(blocks):
    lines = []
    for block in blocks:
        kind = block["type"]
        if kind in ("header", "section") and block.get("text"):
            lines.append(_shown_text(block["text"]))
        lines += [_shown_text(each) for each in block.get("fields") or []]
        if block.get("accessory"):
            lines.append(_shown_element(block["accessory"]))
        if kind in ("context", "actions"):
            lines.append(" ".join(_shown_element(each) for each in block["elements"]))
        elif kind == "rich_text":
            lines += [_shown_rich(each) for each in block["elements"]]
        elif kind == "markdown":
            lines.append(block["text"])
        elif kind == "divider":
            lines.append("---")
        elif kind == "image":
            lines.append(_shown_element(block))
        elif kind == "table":
            lines += [" | ".join(_shown_cell(cell) for cell in row) for row in block["rows"]]
    return lines


def _shown_cell(cell):
    return cell["text"] if cell["type"] == "raw_text" else " ".join(map(_shown_rich, cell["elements"]))


def _shown_element(each):
    if each["type"] == "button":
        return f"[{each['text']['text']}]"
    if each["type"] == "image":
        return f"[image: {each['alt_text']}]"
    return _shown_text(each)


def _shown_rich(part):
    if part["type"] == "rich_text_list":
        return "\n".join("- " + _shown_rich(each) for each in part["elements"])
    return "".join(_shown_inline(each) for each in part["elements"])


def _shown_inline(each):
    kind = each["type"]
    if kind == "date":
        return _shown_date(f"!date^{each['timestamp']}^{each['format']}", each.get("fallback", ""))
    if kind in ("user", "usergroup", "broadcast"):
        return "@" + str(each.get("user_id") or each.get("usergroup_id") or each["range"])
    if kind == "channel":
        return "#" + each["channel_id"]
    if kind == "emoji":
        return f":{each['name']}:"
    return each.get("text") or each.get("url") or each["value"]


def _transcript(message, indent):
    at = datetime.datetime.fromtimestamp(float(message.ts), datetime.timezone.utc)
    mark = " (edited)" if message.edited else ""
    lines = [f"{message.author.name}  {at:%H:%M}{mark}", *message.shown.split("\n"), ""]
    return [(indent + line).rstrip() for line in lines]


def _is_there(message):
    return message.only_for is None and not message.deleted
