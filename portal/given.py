"""What forms on requests have in common: the number of one, and what somebody writes about it."""

from flask import abort, request

from . import incoming
from .pages import MOST

MOST_BYTES = 65_536
LONGEST_COMMENT = 4_000  # characters


def form(people):
    """Make sure that ``request.form`` is that of a form of ours. Ends the request with 400, 403, 411, 413 or 415."""
    incoming.form(MOST_BYTES)
    people.check_form()


def number(text):
    """The number of a request, or the end of the answer with 404."""
    text = str(text)
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and 1 <= int(text) <= MOST):
        abort(404)
    return int(text)


def comment():
    """What was written, or the end of the answer with 400."""
    text = request.form.get("comment", "").replace("\r\n", "\n").strip()
    if len(text) > LONGEST_COMMENT or "\0" in text:
        abort(400)
    return text
