"""A message as plain text, and as Markdown for chats that read it; nothing that stands in it becomes markup."""

import re

from .blocks import table_lines
from .message import At, Bold, Link, Mono, cut, plain_line, shown
from .words import phrases

# All characters that begin anything in any of Markdown's dialects, but for those below.
SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|~>:$=^])")
# A sign without width, behind which a name is no mention and an address no link.
BREAK = "\u200b"
MENTION = re.compile(r"@(?=\w)")


def text(message, longest=4000):
    """
    The message as plain text of at most so many units of UTF-16, for mail, terminals and systems without a form. Each
    line of it is one of the message: what people wrote begins no line of its own.
    """
    lines = [shown(message.title), *_body(message, _plain_line, _indented)]
    lines += [f"{shown(link.text)}: {link.address}" for link in message.links]
    return _fitted(lines, [shown(message.key)], longest)


def markdown(message, longest=4000):
    """Likewise as Markdown, as Mattermost, Rocket.Chat and others read it."""
    lines = [f"**{_escaped(message.title)}**", "", *_body(message, _markdown_line, _fenced)]
    lines += [_link(link) for link in message.links]
    return _fitted(lines, [_escaped(message.key)], longest)


def _body(message, form, code):
    yield from map(form, message.lines)
    for section in message.sections:
        if section.title:
            yield form((Bold(section.title),))
        if section.kind == "code":
            yield code(shown(section.text, keep="\n"))
        elif section.kind == "table":
            yield code("\n".join(table_lines(section.rows)))
        elif section.kind == "fields":
            yield from (form((Bold(name), ": ", value)) for name, value in section.rows)
        else:
            yield from map(form, section.rows)


def _fitted(lines, last, longest):
    """As many of the lines as there is room for, with a note on the rest, and the last ones."""
    whole = "\n".join([*lines, *last])
    if cut(whole, longest) == whole:
        return whole
    tail = "\n".join([phrases()["left_off"], *last])
    kept = []
    for one in lines:
        trial = "\n".join([*kept, one, tail])
        if cut(trial, longest) != trial:
            break
        kept.append(one)
    return cut("\n".join([*kept, tail]), longest)


def _plain_line(parts):
    return shown(plain_line(parts))


def _indented(code):
    return "\n".join(f"    {one}" for one in code.split("\n"))


def _fenced(code):
    fence = "`" * max([2, *map(len, re.findall("`+", code))]) + "`"
    return f"{fence}\n{code}\n{fence}"


def _markdown_line(parts):
    # Two blanks end a line where Markdown would join it with the next one.
    return "".join(map(_markdown_part, parts)) + "  "


def _markdown_part(part):
    if isinstance(part, Bold):
        return f"**{_escaped(part.text)}**" if part.text.strip() else _escaped(part.text)
    if isinstance(part, Mono):
        return _mono(shown(part.text))
    if isinstance(part, Link):
        return _link(part)
    return _escaped(str(part) if isinstance(part, At) else part)


def _mono(words):
    if not words.strip():
        return words
    ticks = "`" * (max([0, *map(len, re.findall("`+", words))]) + 1)
    # Blanks keep a backtick of the words apart from those around them.
    return f"{ticks} {words} {ticks}" if "`" in words else f"{ticks}{words}{ticks}"


def _link(link):
    return f"[{_escaped(link.text)}](<{link.address}>)"


def _escaped(words):
    words = MENTION.sub("@" + BREAK, shown(words)).replace("&", "&amp;").replace("<", "&lt;")
    return SPECIAL.sub(r"\\\1", words)
