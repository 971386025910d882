"""Pages on the record of every act: to find one, to see that nothing was rewritten, and to take all of it away."""

import itertools
import logging

from flask import Blueprint, Response, abort, g, request

from ..errors import InputError, Refused, Unavailable
from ..intake import fields
from . import answers, incoming, log, reader, wording
from .pages import MOST
from .reader import gettext, gettext_noop

ON_A_PAGE = 50
MOST_BYTES = 16_384
FILTERS = ("request", "who", "act", "from", "until")
PLACE = ("at", "stream", "seq")
POLICY = "policy"  # in the place of a request's number: acts on policy and inventory
VERIFY_S = 6  # for which the database verifies: less than a page may take
PIECE = 65_536  # bytes
TOO_LONG, BUSY, BAD_HEAD, NOT_ALL = "57014", "55P03", "AP005", "AP025"
REFUSED = {
    TOO_LONG: gettext_noop(
        "It was ended early, after %(seconds)s seconds, and so says nothing: there is too much for a page. By command: "
        "salt-approval audit verify"
    ),
    BUSY: gettext_noop("Somebody else verifies it at this moment. Try again in some seconds."),
}


def blueprint(people):
    """``/audit``, ``/audit/STREAM/SEQ``, and below it what is done with all of it, for a people.People."""
    pages = Blueprint("audit", __name__)

    def list_page(status=200, given=None, **shown):
        """The page of the acts that are looked for, perhaps with what came of verifying."""
        given = {name: request.args.get(name, "").strip() for name in FILTERS} if given is None else given
        place = _place()
        if any("\0" in text for text in given.values()):
            abort(400)
        zone = reader.current().zone

        def read(client):
            """(the acts, None), or (none, what is wrong with what is looked for)."""
            try:
                return client.acts(
                    _stream(given["request"]),
                    given["who"] or None,
                    given["act"] or None,
                    fields.lately("from", given["from"] or None, zone),
                    fields.lately("until", given["until"] or None, zone),
                    place,
                    ON_A_PAGE,
                ), None
            except InputError as exc:
                return [], exc

        rows, problem = people.ask(read)
        return answers.page(
            "audit.html", 422 if problem else status, rows=rows, problem=problem, given=given, is_first=place is None,
            on_a_page=ON_A_PAGE, chosen={name: text for name, text in given.items() if text}, person=g.person,
            mark=people.mark(), **shown,
        )  # fmt: skip

    @pages.errorhandler(Refused)
    def refused(exc):
        if not exc.sqlstate.startswith("AP"):
            raise exc
        status = 403 if exc.sqlstate == NOT_ALL else 404
        return answers.page("refused.html", status, why=exc, person=g.person, mark=people.mark())

    @pages.get("/audit")
    def acts():
        return list_page()

    @pages.get("/audit/<int:stream>/<int:seq>")
    def one(stream, seq):
        if max(stream, seq) > MOST:
            abort(404)
        shown = people.ask(lambda client: client.act(stream, seq))
        return answers.page("audit_entry.html", shown=shown, person=g.person, mark=people.mark())

    @pages.post("/audit/verify")
    def verify():
        incoming.form(MOST_BYTES)
        people.check_form()
        head = request.form.get("head", "").strip().lower()
        if "\0" in head:
            abort(400)
        nothing = dict.fromkeys(FILTERS, "")
        try:
            result = people.ask(lambda client: client.verify_audit(head or None, VERIFY_S))
        except Refused as exc:
            if exc.sqlstate == BAD_HEAD:
                return list_page(422, nothing, head=head, head_problem=exc)
            if exc.sqlstate not in REFUSED:
                raise
            return list_page(503, nothing, head=head, unverified=gettext(REFUSED[exc.sqlstate]) % {"seconds": VERIFY_S})
        return list_page(200, nothing, head=head, result=result)

    @pages.post("/audit/export")
    def export():
        """All of it as JSON lines. It is no link, as whoever is led to one would have the database read everything."""
        incoming.form(MOST_BYTES)
        people.check_form()
        lines = people.stream(lambda client: client.export_audit())
        # The first one is read before anything is answered: it says whether somebody may.
        try:
            first = next(lines, None)
        except Unavailable as exc:
            log.say("the audit was not exported", logging.ERROR, why=exc)
            abort(503)
        response = Response(
            _pieces(itertools.chain(() if first is None else (first,), lines)), content_type="application/jsonl"
        )
        response.call_on_close(lines.close)
        response.headers["Content-Disposition"] = f'attachment; filename="audit-{wording.now():%Y%m%dT%H%MZ}.jsonl"'
        return response

    return pages


def _stream(given):
    """The stream of the audit that is looked for, None: any. Raises InputError."""
    if not given:
        return None
    return 0 if given.lower() == POLICY else fields.request_id(given)


def _place():
    """The entry behind which the page begins, None: at the beginning; ends the request with 400 if it is none."""
    place = [request.args.get(f"before_{part}") for part in PLACE]
    if place == [None] * len(PLACE):
        return None
    at, *numbers = place
    if any(number is None or not (number.isascii() and number.isdigit() and len(number) <= 19) for number in numbers):
        abort(400)
    if max(map(int, numbers)) > MOST:
        abort(400)
    try:
        return fields.time("before_at", at or ""), *map(int, numbers)
    except InputError:
        abort(400)


def _pieces(lines):
    """The lines as bytes, many at a time."""
    piece = bytearray()
    for line in lines:
        piece += line.encode() + b"\n"
        if len(piece) >= PIECE:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)
