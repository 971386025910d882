#!/usr/bin/env python3
"""
Draws a channel of a chat as an SVG picture, for the documentation: `tools/chat_picture.py LOG.json PICTURE.svg`. It is
light or dark, as its reader's screen is.

The log is a list of messages: {"ts", "author", "blocks", "replies"}, with blocks as Slack has them, and with replies
that are messages likewise. `recorded` makes it of a channel of the stand-in of Slack.
"""

import datetime
import json
import pathlib
import sys
import textwrap
from xml.sax.saxutils import escape

WIDTH, MARGIN, INDENT, THREAD = 760, 20, 48, 40
LINE, GAP = 20, 14  # pixels from line to line, and between messages
CHARACTER, MONO_CHARACTER = 7.1, 8.0  # the usual width of a character, in pixels
STYLE = """
text { font: 14px Lato, 'Helvetica Neue', Arial, sans-serif; fill: #1d1c1d; white-space: pre }
.head { font-size: 17px; font-weight: 700 } .bold { font-weight: 700 } .pale { font-size: 12px; fill: #616061 }
.mono { font: 12.5px Menlo, Consolas, 'DejaVu Sans Mono', monospace } .link { fill: #1264a3 }
.label { font-size: 13px; font-weight: 700 } .on-colour { fill: #ffffff }
rect { fill: #ffffff; stroke: #dddddd } .ground { stroke: none } .code { fill: #f6f6f6 }
.bot { fill: #4a154b; stroke: none } .primary { fill: #007a5a } .danger { fill: #e01e5a }
@media (prefers-color-scheme: dark) {
text { fill: #d1d2d3 } .pale { fill: #ababad } .link { fill: #1d9bd1 } .on-colour { fill: #ffffff }
rect { fill: #1a1d21; stroke: #45484c } .code { fill: #222529 }
.bot { fill: #611f69 } .primary { fill: #007a5a } .danger { fill: #e01e5a }
}
"""


def recorded(channel):
    """The log of a channel of the stand-in: what everybody sees there now, with the threads."""
    return [_recorded(message) for message in channel.messages if not message.thread_ts]


def _recorded(message):
    return {
        "ts": message.ts,
        "author": message.author.name,
        "blocks": message.blocks,
        "replies": [_recorded(reply) for reply in message.replies],
    }


def picture(name, log):
    """The SVG of a channel with this name, from its log. Messages without blocks are left out."""
    drawing = _Drawing()
    drawing.text(MARGIN, [(f"# {name}", "head")])
    drawing.skip(GAP)
    for message in log:
        _draw(drawing, message, MARGIN)
        for reply in message.get("replies", ()):
            _draw(drawing, reply, MARGIN + THREAD)
    return drawing.svg()


class _Drawing:
    def __init__(self):
        self._parts, self._y = [], MARGIN

    def skip(self, pixels):
        self._y += pixels

    def text(self, x, spans):
        """One line of spans: (text, class)."""
        inner = "".join(f'<tspan class="{kind}">{escape(_seen(words))}</tspan>' for words, kind in spans)
        self._parts.append(f'<text x="{x}" y="{self._y + 15}">{inner}</text>')
        self._y += LINE

    def box(self, x, width, height, kind):
        """A box of this class that begins here; what is drawn next stands on it."""
        self._parts.append(f'<rect class="{kind}" x="{x}" y="{self._y}" width="{width}" height="{height}" rx="4"/>')

    def svg(self):
        height = self._y + MARGIN
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}">'
            f'<style>{STYLE}</style><rect class="ground" width="{WIDTH}" height="{height}"/>\n'
            + "\n".join(self._parts)
            + "\n</svg>\n"
        )


def _draw(drawing, message, x):
    if not message["blocks"]:
        return
    clock = datetime.datetime.fromtimestamp(float(message["ts"]), datetime.timezone.utc)
    drawing.box(x, 32, 32, "bot")
    left = x + INDENT
    drawing.text(left, [(message["author"], "bold"), (f"  {clock:%H:%M}", "pale")])
    for block in message["blocks"]:
        DRAWN.get(block["type"], _nothing)(drawing, block, left)
    drawing.skip(GAP)


def _nothing(drawing, block, left):
    """Kinds of blocks that no message of ours has."""


def _header(drawing, block, left):
    for words in textwrap.wrap(block["text"]["text"], int((WIDTH - left - MARGIN) / 9)):
        drawing.text(left, [(words, "head")])


def _context(drawing, block, left):
    drawing.text(left, [("  ".join(element["text"] for element in block["elements"]), "pale")])


def _actions(drawing, block, left):
    x = left
    for element in block["elements"]:
        words, style = element["text"]["text"], element.get("style", "")
        width = len(words) * 8 + 24
        drawing.box(x, width, 26, style or "button")
        drawing.skip(3)
        drawing.text(x + 12, [(words, "label on-colour" if style else "label")])
        drawing.skip(-LINE - 3)
        x += width + 8
    drawing.skip(30)


def _rich_text(drawing, block, left):
    for element in block["elements"]:
        if element["type"] == "rich_text_preformatted":
            _code(drawing, "".join(part["text"] for part in element["elements"]), left)
        else:
            for spans in _lines(element["elements"], int((WIDTH - left - MARGIN) / CHARACTER)):
                drawing.text(left, spans)


def _code(drawing, words, left):
    room = WIDTH - left - MARGIN
    lines = [
        piece
        for line in words.split("\n")
        for piece in textwrap.wrap(line, int((room - 16) / MONO_CHARACTER), drop_whitespace=False) or [""]
    ]
    drawing.skip(3)
    drawing.box(left, room, len(lines) * LINE + 8, "code")
    drawing.skip(4)
    for piece in lines:
        drawing.text(left + 8, [(piece, "mono")])
    drawing.skip(8)


def _lines(elements, most):
    """Lines of spans, of at most so many characters, broken between words."""
    lines, length = [[]], 0
    for element in elements:
        words, kind = _span(element)
        for number, line in enumerate(words.split("\n")):
            if number:
                lines.append([])
                length = 0
            for word in line.split(" ") if kind != "mono" else [line]:
                piece = f"{word} " if kind != "mono" else word
                if length and length + len(word) > most:
                    lines.append([])
                    length = 0
                lines[-1].append((piece, kind))
                length += len(piece)
            if kind != "mono" and lines[-1]:
                # The split has put a blank behind the last word.
                lines[-1][-1] = (lines[-1][-1][0][:-1], kind)
                length -= 1
    return lines


def _span(element):
    """The words of an element of rich text, and their class."""
    if element["type"] == "date":
        return element["fallback"], ""
    if element["type"] == "link":
        return element.get("text") or element["url"], "link"
    style = element.get("style", {})
    return element["text"], "mono" if style.get("code") else "bold" if style.get("bold") else ""


def _seen(words):
    """The characters that XML can have."""
    return "".join(c for c in words if c >= " " and not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff")


DRAWN = {"header": _header, "context": _context, "actions": _actions, "rich_text": _rich_text}


def main():
    log, target = sys.argv[1:]
    messages = json.loads(pathlib.Path(log).read_text(encoding="utf-8"))
    name = pathlib.Path(log).stem
    pathlib.Path(target).write_text(picture(name, messages), encoding="utf-8")


if __name__ == "__main__":
    main()
