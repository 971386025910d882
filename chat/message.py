"""
A message free of any system's form, which the renderers give one.

A line is a tuple of parts: texts, Bold, Mono, Link and At, shown one behind the other. All texts come from people and
minions: a renderer shows them as they are, so that no name and no reason makes a link, a mention or a format of itself.
"""

import datetime
import unicodedata
import urllib.parse
from dataclasses import dataclass

TONES = ("plain", "good", "bad", "warning")
CUT = "…"
# The first of Unicode's pictures of the control characters; DEL has one of its own.
PICTURES, PICTURE_OF_DELETE = 0x2400, "␡"
# Categories of characters that are not seen, or that act on others: controls, formats (as the direction of writing),
# halves of pairs, private ones, ones that are none, and separators of lines.
ACTING = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


@dataclass(frozen=True)
class Bold:
    """Words that stand out."""

    text: str


@dataclass(frozen=True)
class Mono:
    """A word of a program: a command, a version, a name in a file."""

    text: str


@dataclass(frozen=True)
class Link:
    """Words that lead to a page; ``url`` begins with http:// or https://. Raises ValueError."""

    text: str
    url: str

    def __post_init__(self):
        if not self.url.startswith(("http://", "https://")):
            raise ValueError("a link leads to a page of http or https")

    @property
    def address(self):
        """The URL in ASCII, with no blank, quote or bracket in it that could end it where it stands."""
        return urllib.parse.quote(self.url, safe="!#$%&'*+,/:;=?@~|[]", errors="replace")


@dataclass(frozen=True)
class At:
    """A moment, which each reader sees in the own time zone where the system can do that. ``time`` has a zone."""

    time: datetime.datetime

    def __post_init__(self):
        if self.time.tzinfo is None:
            raise ValueError("a moment has a time zone")

    def __str__(self):
        return f"{self.time.astimezone(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True)
class Section:
    """
    A part of a message below its lines.

    kind
        ``text``: ``rows`` are lines. ``code``: ``text`` as it stands, line by line. ``fields``: ``rows`` are pairs of a
        name and a value. ``table``: ``rows`` are tuples of texts of one length, the first one the head.
    title
        The words above it; may be empty.
    """

    kind: str
    rows: tuple = ()
    text: str = ""
    title: str = ""


@dataclass(frozen=True)
class Button:
    """
    Something to press, in systems that have that.

    action
        ``approve`` or ``reject``.
    value
        What comes back when it is pressed: number, stage and digest of the request, and never who may press it.
    confirm
        The question before it counts; may be empty.
    """

    action: str
    text: str
    value: str
    confirm: str = ""


@dataclass(frozen=True)
class Message:
    """
    One message.

    key
        Its thread and what of the thread it is, as ``job/2026…``. People see it, so that they know a message that came
        twice.
    title
        A text of one line.
    lines
        What matters, a line each.
    sections
        Parts below.
    links
        Link objects, shown at the end.
    buttons
        Button objects.
    tone
        One of TONES.
    is_loud
        Whether an entry of a thread is also shown in the channel.
    """

    key: str
    title: str
    lines: tuple = ()
    sections: tuple = ()
    links: tuple = ()
    buttons: tuple = ()
    tone: str = "plain"
    is_loud: bool = False


def shown(text, keep=""):
    """
    A text in which each character is seen: a sign stands for one that would not be, or that would act on others, as ␊
    for a new line and ⟨U+202E⟩ for one that turns the direction of writing. Characters of ``keep`` stay.
    """
    text = str(text)
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c in keep or unicodedata.category(c) not in ACTING else _sign(c) for c in text)


def _sign(character):
    number = ord(character)
    if number < 0x20:
        return chr(PICTURES + number)
    return PICTURE_OF_DELETE if number == 0x7F else f"⟨U+{number:04X}⟩"


def size(text):
    """The length of a text as the strictest of systems count it: in units of UTF-16."""
    return len(text) + sum(character > "\uffff" for character in text)


def cut(text, longest):
    """A text of at most so many units of UTF-16, at least one; an ellipsis shows that it was longer."""
    if size(text) <= longest:
        return text
    room, end = longest - len(CUT), 0
    for end, character in enumerate(text):  # noqa: B007  the position is what is looked for
        room -= size(character)
        if room < 0:
            break
    return text[:end] + CUT


def plain_line(line):
    """The words of a line, without any form."""
    return "".join(part if isinstance(part, str) else str(part) if isinstance(part, At) else part.text for part in line)
