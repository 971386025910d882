"""
A message as Slack takes it: blocks, and a text for notifications.

Texts of people and minions stand in rich text and plain text only, which Slack shows as they are. The fallback text is
the only one that Slack reads as markup; there the three characters that begin anything are escaped.
"""

import json

from .message import At, Bold, Link, Mono, cut, plain_line, shown, size
from .words import line, phrases, say

# What Slack takes, in units of UTF-16. All blocks together have a limit that is told nowhere, of about 13,000; they are
# counted here as JSON in ASCII, which is the longest way.
MOST_OF_BLOCKS = 12_000
HEADER, BUTTON, VALUE, URL, KEY = 150, 75, 2000, 3000, 255
ELEMENT = 3000  # one text within rich text
FALLBACK = 3900  # a message of which the text is longer than 4,000 cannot be edited
MOST_BUTTONS = 25
CONFIRM_TITLE, CONFIRM, CONFIRM_BUTTON = 100, 300, 30
VIEW_TITLE, PRIVATE = 24, 3000
SIGNS = {"plain": "", "good": "✅ ", "bad": "❌ ", "warning": "⚠️ "}
STYLES = {"approve": "primary", "reject": "danger"}
DATE = "{date_short_pretty} {time}"
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
EVENT = "salt_approval"
# What keeps Slack from reading anything into a message; and into a new one, besides.
AS_IT_IS = {"parse": "none", "link_names": False}
NEW = {"mrkdwn": False, "unfurl_links": False, "unfurl_media": False}


def payload(message):
    """
    The arguments of chat.postMessage and chat.update for a Message, within all of Slack's limits, but for those that
    say where it goes. What is left off for the limits is said. A new message is posted with NEW besides. There is a
    block of rich text in each, since Slack takes none in place of a message that has one.
    """
    key = cut(shown(message.key) or "?", KEY)
    head = [{"type": "header", "text": _plain(SIGNS[message.tone] + (shown(message.title) or key), HEADER)}]
    foot = [*_actions(message), {"type": "context", "elements": [_plain(key, KEY)]}]
    body = _Body(MOST_OF_BLOCKS - _weight(head + foot))
    _fill(body, message)
    return {
        "text": _fallback(message),
        "blocks": head + body.blocks() + foot,
        "metadata": {"event_type": EVENT, "event_payload": {"key": key}},
        **AS_IT_IS,
    }


def reason_view(value, title):
    """
    The modal that asks why a request is rejected. ``value`` is that of the button, ``title`` names the request. The
    reason comes back as ``state.values.reason.reason.value``.
    """
    words = phrases()["reject_view"]
    return {
        "type": "modal",
        "callback_id": "reject",
        "private_metadata": cut(value, PRIVATE),
        "title": _plain(words["title"], VIEW_TITLE),
        "submit": _plain(words["send"], VIEW_TITLE),
        "close": _plain(words["close"], VIEW_TITLE),
        "blocks": [
            {"type": "section", "text": _plain(title, ELEMENT)},
            {
                "type": "input",
                "block_id": "reason",
                "label": _plain(words["reason"], BUTTON),
                "element": {"type": "plain_text_input", "action_id": "reason", "multiline": True, "max_length": 1000},
            },
        ],
    }


class _Body:
    """Collects the elements of one block of rich text while there is room."""

    def __init__(self, room):
        self._elements = []
        self._left_off = _elements(line("left_off"))
        # The frame of the block, and of the note on what is left off.
        self._room = room - _weight([_rich([_section([*self._left_off, *_elements(("\n",))])])])
        self.is_full = False

    def add_line(self, parts):
        """Add a line if it fits; after the first that does not, nothing is added."""
        elements = _elements(parts) or _elements((" ",))
        last = self._elements[-1] if self._elements else None
        if last and last["type"] == "rich_text_section":
            elements = [*_elements(("\n",)), *elements]
            if self._takes(elements):
                last["elements"] += elements
        elif self._takes([_section(elements)]):
            self._elements.append(_section(elements))

    def add_code(self, text):
        """Add lines of code, as many characters as there is room for."""
        whole = text = shown(text, keep="\n") or " "
        text = cut(text, ELEMENT)
        while not self.is_full and _weight([_code(text)]) > self._room and size(text) > 1:
            text = cut(text, max(size(text) // 2, 1))
        if self._takes([_code(text)]):
            self._elements.append(_code(text))
            self.is_full = self.is_full or (text != whole and size(text) < min(size(whole), ELEMENT))

    def blocks(self):
        """The block, with a note on what there was no room for."""
        if self.is_full:
            self._elements.append(_section(self._left_off))
        return [_rich(self._elements or [_section(_elements((" ",)))])]

    def _takes(self, elements):
        weight = _weight(elements)
        if self.is_full or weight > self._room:
            self.is_full = True
            return False
        self._room -= weight
        return True


def _fill(body, message):
    for parts in message.lines:
        body.add_line(parts)
    for section in message.sections:
        if section.title:
            body.add_line((Bold(section.title),))
        if section.kind == "code":
            body.add_code(section.text)
        elif section.kind == "table":
            body.add_code("\n".join(table_lines(section.rows)))
        elif section.kind == "fields":
            for name, value in section.rows:
                body.add_line((Bold(name), ": ", value))
        else:
            for row in section.rows:
                body.add_line(row)


def table_lines(rows):
    """The lines of a table in which the columns stand below each other."""
    rows = [[shown(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() or " " for row in rows
    ]


def _actions(message):
    elements = []
    for button in message.buttons:
        if not 0 < size(button.value) <= VALUE:
            # A value that is cut would ask for something else.
            continue
        element = {
            "type": "button", "action_id": button.action, "text": _plain(button.text, BUTTON), "value": button.value,
            "style": STYLES[button.action],
        }  # fmt: skip
        if button.confirm:
            words = phrases()["confirm"]
            element["confirm"] = {
                "title": _plain(words["title"], CONFIRM_TITLE),
                "text": _plain(button.confirm, CONFIRM),
                "confirm": _plain(words["go"], CONFIRM_BUTTON),
                "deny": _plain(words["stop"], CONFIRM_BUTTON),
            }
        elements.append(element)
    for number, link in enumerate(message.links):
        if size(link.address) <= URL:
            text = _plain(link.text or say("open"), BUTTON)
            elements.append({"type": "button", "action_id": f"open-{number}", "text": text, "url": link.address})
    while elements and _weight(elements) > MOST_OF_BLOCKS // 2:
        elements.pop()
    return [{"type": "actions", "elements": elements[:MOST_BUTTONS]}] if elements else []


def _elements(parts):
    """The parts of a line as elements of rich text."""
    return [_element(part) for part in parts if isinstance(part, At) or (part if isinstance(part, str) else part.text)]


def _element(part):
    if isinstance(part, At):
        moment = int(part.time.timestamp())
        return {"type": "date", "timestamp": moment, "format": DATE, "fallback": str(part)}
    if isinstance(part, Link) and size(part.address) <= URL:
        return {"type": "link", "url": part.address, "text": cut(shown(part.text), ELEMENT)}
    if isinstance(part, str):
        return {"type": "text", "text": cut(shown(part, keep="\n" if part == "\n" else ""), ELEMENT)}
    element = {"type": "text", "text": cut(shown(part.text), ELEMENT)}
    style = {Bold: "bold", Mono: "code"}.get(type(part))
    return {**element, "style": {style: True}} if style else element


def _section(elements):
    return {"type": "rich_text_section", "elements": elements}


def _code(text):
    return {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]}


def _rich(elements):
    return {"type": "rich_text", "elements": elements}


def _plain(text, longest):
    return {"type": "plain_text", "text": cut(shown(text), longest) or " ", "emoji": False}


def _weight(blocks):
    return len(json.dumps(blocks))


def _fallback(message):
    """The title and the lines for notifications, cut between characters and not within what stands for one."""
    tokens = [*(SIGNS[message.tone] + shown(message.title))]
    for parts in message.lines:
        tokens.append("\n")
        for part in parts:
            if isinstance(part, At):
                tokens.append(f"<!date^{int(part.time.timestamp())}^{DATE}|{part}>")
            else:
                tokens += shown(plain_line((part,)))
    text, room = [], FALLBACK - 1
    for token in tokens:
        token = ENTITIES.get(token, token)
        room -= size(token)
        if room < 0:
            return "".join(text) + "…"
        text.append(token)
    return "".join(text).strip() or cut(shown(message.key) or "?", KEY).translate(str.maketrans(ENTITIES))
