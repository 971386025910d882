"""The fields of an issue of Jira: what somebody chose or wrote there, rich text as plain, and times."""

from ..errors import InputError
from . import items

LONGEST_LINE = 255


def readable(ticket_type, fields):
    """The bound fields, rich text as plain. Raises InputError."""
    found = {name: fields.get(name) for name in ticket_type.fields}
    for form, name in (*ticket_type.minions, *ticket_type.packages):
        if form == "lines" and isinstance(found[name], dict):
            found[name] = _plain(name, found[name])
    return found


def bound(where, value):
    """A field as far as it is what somebody chose or wrote: of an option its id and value, of rich text the text."""
    if isinstance(value, list):
        return sorted((bound(where, one) for one in value), key=repr)
    if not isinstance(value, dict):
        return value
    try:
        return _plain(where, value)
    except InputError:
        chosen = {name: bound(where, value[name]) for name in ("id", "value", "child") if name in value}
        return chosen or value


def same_time(value):
    """A time in UTC, whatever zone the site wrote it in; what is none, as it is."""
    try:
        return None if value is None else items.moment("after", value).isoformat()
    except InputError:
        return value


def created(fields):
    """When an issue was created; None: it does not say."""
    try:
        return items.moment("created", fields.get("created"))
    except InputError:
        return None


def iso8601(where, value):
    """The time in a date of the service desk; None: it has none."""
    return None if value is None else items.moment(where, value.get("iso8601") if isinstance(value, dict) else value)


def line(value):
    """The text in one line, cut to a length; None: there is none."""
    return " ".join(value.split())[:LONGEST_LINE] if isinstance(value, str) else None


def listed(what, value):
    """``value`` if it is a list. Raises InputError, which ``what`` begins."""
    if not isinstance(value, list):
        raise InputError(f"{what}: {items.shown(value)} stands where a list has to be")
    return value


def _plain(where, document):
    """The text of a document in Atlassian's format that has nothing but paragraphs and code. Raises InputError."""
    if document.get("type") != "doc":
        raise InputError(f"{where}: {items.shown(document)} stands where lines of text have to be")
    lines = []
    for block in listed(where, document.get("content") or []):
        kind = block.get("type") if isinstance(block, dict) else None
        if kind not in ("paragraph", "codeBlock"):
            raise InputError(f"{where}: {items.shown(kind)} stands where plain lines have to be")
        line = ""
        for part in listed(where, block.get("content") or []):
            kind = part.get("type") if isinstance(part, dict) else None
            if kind == "text" and isinstance(part.get("text"), str):
                line += part["text"]
            elif kind == "hardBreak":
                line += "\n"
            else:
                raise InputError(f"{where}: {items.shown(kind)} stands where plain text has to be")
        lines.append(line)
    return "\n".join(lines)
