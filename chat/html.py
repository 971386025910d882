"""A message as HTML for mail: few elements, no pictures, no styles from elsewhere; all that people wrote is text."""

import html

from .blocks import table_lines
from .message import Bold, Link, Mono, plain_line, shown
from .words import phrases

FRAME = """<!DOCTYPE html>
<html><head><meta charset="utf-8"></head><body style="font-family: sans-serif">
{}
</body></html>
"""


def page(message, last=(), longest=50_000):
    """
    The message as a page of at most so many characters.

    last
        Lines, as those of a message, that stand at its end.
    """
    pieces = [f"<p><b>{_escaped(message.title)}</b></p>", *(f"<div>{_line(line)}</div>" for line in message.lines)]
    for section in message.sections:
        pieces += _section(section)
    pieces += [f"<p>{_part(link)}</p>" for link in message.links]
    end = ["<hr>", *(f"<div><small>{_line(line)}</small></div>" for line in last)]
    end.append(f"<div><small>{_escaped(message.key)}</small></div>")
    more = f"<p>{_escaped(phrases()['left_off'])}</p>"
    room = longest - len(FRAME.format("")) - sum(len(piece) + 1 for piece in (more, *end))
    kept = []
    for piece in pieces:
        room -= len(piece) + 1
        if room < 0:
            kept.append(more)
            break
        kept.append(piece)
    return FRAME.format("\n".join([*kept, *end]))


def _section(section):
    if section.title:
        yield f"<p><b>{_escaped(section.title)}</b></p>"
    if section.kind == "code":
        yield f"<pre>{html.escape(shown(section.text, keep=chr(10)))}</pre>"
    elif section.kind == "table":
        yield f"<pre>{html.escape(chr(10).join(table_lines(section.rows)))}</pre>"
    elif section.kind == "fields":
        yield from (f"<div><b>{_escaped(name)}:</b> {_escaped(value)}</div>" for name, value in section.rows)
    else:
        yield from (f"<div>{_line(row)}</div>" for row in section.rows)


def _line(parts):
    return "".join(map(_part, parts))


def _part(part):
    if isinstance(part, Bold):
        return f"<b>{_escaped(part.text)}</b>"
    if isinstance(part, Mono):
        return f"<code>{_escaped(part.text)}</code>"
    if isinstance(part, Link):
        return f'<a href="{html.escape(part.address)}">{_escaped(part.text)}</a>'
    return _escaped(plain_line((part,)))


def _escaped(text):
    return html.escape(shown(text))
