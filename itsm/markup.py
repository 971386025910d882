"""Texts free of any system's form; and their forms: ADF of Jira Cloud, wiki text of Jira Data Center, plain text.

A text is a tuple of blocks. Whatever stands in it comes from people and minions, so each form shows it as it is: no
name or reason makes a link, a mention, a macro or an image of itself.
"""

import json
import re
import unicodedata
import urllib.parse
from dataclasses import dataclass

# Characters of one comment, with room for a mark. Jira takes 32,767 of either form; journal fields of ServiceNow have
# 4,000 by default.
LIMITS = {"jira": 32_000, "servicenow": 3_900, "generic": 32_000}


@dataclass(frozen=True)
class Strong:
    """Words that stand out."""

    text: str


@dataclass(frozen=True)
class Link:
    """Words that lead to a page; ``url`` begins with http:// or https://."""

    text: str
    url: str

    def __post_init__(self):
        if not self.url.startswith(("http://", "https://")):
            raise ValueError("a link leads to a page of http or https")


@dataclass(frozen=True)
class Paragraph:
    """``parts`` are texts, Strong or Link, shown one behind the other."""

    parts: tuple


@dataclass(frozen=True)
class Bullets:
    """A list; each of ``items`` is a tuple of parts."""

    items: tuple


@dataclass(frozen=True)
class Table:
    """``head`` is a tuple of texts, ``rows`` are tuples of as many."""

    head: tuple
    rows: tuple


def cleaned(text):
    """A text in one line: no control characters, none that are not seen, none that turn the direction of others."""
    text = str(text)
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    seen = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp", "Zs") else c for c in text)
    return " ".join("".join("" if unicodedata.category(c) in ("Cf", "Cs", "Co", "Cn") else c for c in seen).split())


def cut(text, length):
    """A cleaned text of so many characters at most; an ellipsis shows that it was longer."""
    text = cleaned(text)
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def fits(blocks, kind):
    """Whether a text is short enough for a comment in systems of this kind."""
    forms = (json.dumps(adf(blocks)), wiki(blocks)) if kind == "jira" else (plain(blocks),)
    return all(len(form) <= LIMITS[kind] for form in forms)


# Atlassian's document format. Its text nodes are shown literally.


def adf(blocks):
    """The document of Jira Cloud's REST API, version 3."""
    return {"type": "doc", "version": 1, "content": [_adf_block(block) for block in blocks]}


def _adf_block(block):
    if isinstance(block, Paragraph):
        return _adf_paragraph(block.parts)
    if isinstance(block, Bullets):
        items = [{"type": "listItem", "content": [_adf_paragraph(parts)]} for parts in block.items]
        return {"type": "bulletList", "content": items}
    rows = [("tableHeader", block.head), *(("tableCell", row) for row in block.rows)]
    return {
        "type": "table",
        "content": [
            {
                "type": "tableRow",
                "content": [{"type": kind, "attrs": {}, "content": [_adf_paragraph((cell,))]} for cell in cells],
            }
            for kind, cells in rows
        ],
    }


def _adf_paragraph(parts):
    return {"type": "paragraph", "content": [node for part in parts for node in _adf_text(part)]}


def _adf_text(part):
    text = _spaced(part if isinstance(part, str) else part.text)
    if not text:
        return []  # An empty text node is refused.
    node = {"type": "text", "text": text}
    if isinstance(part, Strong):
        node["marks"] = [{"type": "strong"}]
    elif isinstance(part, Link):
        node["marks"] = [{"type": "link", "attrs": {"href": part.url}}]
    return [node]


# Wiki text. The renderer keeps numeric entities and finds no markup in them, while a backslash does not end all of it
# (two of them break the line).

WORDS = re.compile(r"[^\W_]", re.UNICODE)
SAFE = frozenset(" ,;/='\"%$.…·")
BETWEEN_WORDS = frozenset("-_")
# A heading or a quotation begins so, and so do links that need no brackets.
BEGINNING = re.compile(r"\b(?:h[1-6]|bq|www)\.", re.IGNORECASE)


def wiki(blocks):
    """The wiki text of Jira's REST API, version 2."""
    return "\n\n".join(_wiki_block(block) for block in blocks)


def _wiki_block(block):
    if isinstance(block, Paragraph):
        return _wiki_parts(block.parts)
    if isinstance(block, Bullets):
        return "\n".join(f"* {_wiki_parts(parts)}" for parts in block.items)
    # An empty cell would join its neighbours.
    lines = ["||" + "||".join(_wiki_text(cell) or " " for cell in block.head) + "||"]
    lines += ["|" + "|".join(_wiki_text(cell) or " " for cell in row) + "|" for row in block.rows]
    return "\n".join(lines)


def _wiki_parts(parts):
    return "".join(map(_wiki_part, parts))


def _wiki_part(part):
    if isinstance(part, Strong):
        return f"*{_wiki_text(part.text)}*"
    if isinstance(part, Link):
        return f"[{_wiki_text(part.text)}|{urllib.parse.quote(part.url, safe=':/?#=&%.-_~+,@')}]"
    return _wiki_text(part)


def _wiki_text(text):
    text = _spaced(text)
    dots = {match.end() - 1 for match in BEGINNING.finditer(text)}
    return "".join(
        char if at not in dots and _is_plain(char, text[at - 1 : at], text[at + 1 : at + 2]) else f"&#{ord(char)};"
        for at, char in enumerate(text)
    )


def _is_plain(char, before, after):
    """Whether a character means nothing to the renderer between these two."""
    if WORDS.match(char) or char in SAFE:
        return True
    if char in BETWEEN_WORDS:
        return bool(WORDS.match(before) and WORDS.match(after))
    # Of a colon a smiley or an address may come.
    return char == ":" and (after in ("", " ") or (before.isdigit() and after.isdigit()))


# Plain text, as work notes of ServiceNow have it: HTML between [code] and [/code] is the one markup there is.

CODE = re.compile(r"\[(?=\s*/?\s*code\s*\])", re.IGNORECASE)


def plain(blocks):
    """Text alone; addresses of links stand behind their words."""
    return "\n\n".join(_plain_block(block) for block in blocks)


def _plain_block(block):
    if isinstance(block, Paragraph):
        return _plain_parts(block.parts)
    if isinstance(block, Bullets):
        return "\n".join(f"- {_plain_parts(parts)}" for parts in block.items)
    return "\n".join(" | ".join(map(_plain_text, row)) for row in (block.head, *block.rows))


def _plain_parts(parts):
    return CODE.sub("(", "".join(map(_plain_part, parts)))


def _plain_part(part):
    if isinstance(part, Link):
        return f"{_plain_text(part.text)}: {part.url}"
    return _plain_text(part if isinstance(part, str) else part.text)


def _plain_text(text):
    # The form of a mention, and of HTML.
    return CODE.sub("(", _spaced(text)).replace("@[", "@ [")


def _spaced(text):
    """A part, cleaned; a space at either end stays, since another part may stand there."""
    text = str(text)
    inner = cleaned(text)
    return f"{' ' * (text[:1] == ' ')}{inner}{' ' * (text[-1:] == ' ' and bool(inner))}"
