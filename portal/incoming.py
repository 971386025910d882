"""The body of a request, up to what is taken of anybody."""

from flask import abort, request
from gunicorn.http.errors import ParseException

PIECE = 65_536  # bytes


def content(most):
    """
    The bytes that were sent, at most ``most`` of them; what is more is not read. Ends the request with 413, or with 400
    where it is cut off.
    """
    length = request.content_length
    if length is not None and length > most:
        abort(413)
    stream, pieces, taken = request.environ["wsgi.input"], [], 0
    try:
        while piece := stream.read(min(PIECE, most + 1 - taken)):
            pieces.append(piece)
            taken += len(piece)
            if taken > most:
                abort(413)
    except (OSError, ParseException):
        abort(400)
    if length is not None and taken < length:
        abort(400)
    return b"".join(pieces)


def form(most):
    """
    Make sure that ``request.form`` is that of a form of at most ``most`` bytes. Ends the request with 411, 413 or 415.
    """
    if request.content_length is None:
        abort(411)
    if request.content_length > most:
        abort(413)
    if request.mimetype != "application/x-www-form-urlencoded":
        abort(415)
