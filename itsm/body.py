"""The JSON that another system sends, read strictly: what two readers could take for two things is refused."""

import json

from ..errors import InputError

MOST_BYTES = 1024 * 1024  # of a delivery
MOST_DEPTH = 32
MOST_DIGITS = 40  # of a number; nothing that is read from a ticket is one
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read(content, most=MOST_BYTES):
    """
    The mapping in ``content``, bytes of at most ``most``. Raises InputError: it is no JSON in UTF-8, or no mapping, or
    has a key twice in one mapping, a number or text that JSON or the database does not know, or too much depth.
    """
    found = value(content, most)
    if not isinstance(found, dict):
        raise InputError("the body is no JSON object")
    return found


def value(content, most=MOST_BYTES):
    """The same, of any type."""
    if len(content) > most:
        raise InputError(f"the body has more than {most} bytes")
    if not content.strip():
        raise InputError("the body is empty")
    if content.startswith(BYTE_ORDER_MARK):
        raise InputError("the body begins with a byte order mark, which JSON does not have")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise InputError(f"the body is not UTF-8 at byte {exc.start}") from None
    return text_value("the body", text)


def text_value(what, text):
    """The same of a text, which ``what`` names in errors."""

    def mapping(pairs):
        content = dict(pairs)
        if len(content) < len(pairs):
            raise InputError(f"{what} has a key twice in one object")
        return content

    def number(kind):
        def read_number(spelled):
            found = kind(spelled) if len(spelled) <= MOST_DIGITS else float("inf")
            if found in (float("inf"), float("-inf")):
                raise InputError(f"{what} has a number that is too long")
            return found

        return read_number

    def constant(spelled):
        raise InputError(f"{what} has {spelled}, which JSON does not know")

    try:
        found = json.loads(
            text, parse_int=number(int), parse_float=number(float), parse_constant=constant, object_pairs_hook=mapping
        )
    except json.JSONDecodeError as exc:
        raise InputError(f"{what} is not JSON: {exc.msg} at character {exc.pos}") from None
    except RecursionError:
        raise InputError(f"{what} is nested deeper than {MOST_DEPTH} levels") from None
    _check(what, found)
    return found


def _check(what, found):
    """Raise InputError for depth, and for characters that the database has no form for, without recursion."""
    level = [found]
    for _ in range(MOST_DEPTH + 1):
        texts = [part for part in level if isinstance(part, str)]
        texts += [key for part in level if isinstance(part, dict) for key in part]
        for text in texts:
            if "\0" in text:
                raise InputError(f"{what} has a NUL character in a text")
            if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
                raise InputError(f"{what} has half a character (a lone surrogate) in a text")
        level = [
            inner
            for part in level
            if isinstance(part, dict | list)
            for inner in (part.values() if isinstance(part, dict) else part)
        ]
        if not level:
            return
    raise InputError(f"{what} is nested deeper than {MOST_DEPTH} levels")
