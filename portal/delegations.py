"""The page on which people who will be away let somebody else decide in their stead, and end that."""

from urllib.parse import urlencode

from flask import Blueprint, abort, g, redirect, request

from ..errors import InputError, Refused
from ..intake import fields
from . import answers, incoming, reader

MOST_BYTES = 16_384
FIELDS = ("to", "from", "until", "zone")
LONGEST = 255  # characters of a field
UNSURE = "AP009"


def blueprint(people):
    """``/delegations``, for a people.People."""
    pages = Blueprint("delegations", __name__)

    def delegations_page(client, given, status=200, **shown):
        """The page, with what was typed, which is kept by the way to a sign-in, too."""
        typed = {name: text for name, text in given.items() if text} if any(given[name] for name in FIELDS[:3]) else {}
        return answers.page(
            "delegations.html", status, rows=client.delegations(), given=given, person=g.person, mark=people.mark(),
            anew=people.anew(f"/delegations?{urlencode(typed)}" if typed else "/delegations"), **shown,
        )  # fmt: skip

    @pages.get("/delegations")
    def shown():
        done = request.args.get("done")
        return people.ask(lambda client: delegations_page(client, _given(request.args), done=done))

    @pages.post("/delegations")
    def make():
        incoming.form(MOST_BYTES)
        people.check_form()
        given = _given(request.form)

        def made(client):
            # In the zone of the page where they were typed, whatever the reader's is by now.
            zone = reader.named(given["zone"])
            try:
                begin, end = (fields.time(name, given[name] or None, zone) for name in ("from", "until"))
                client.delegate(given["to"], end, begin)
            except InputError as exc:
                return delegations_page(client, given, 422, problem=exc)
            except Refused as exc:
                if not exc.sqlstate.startswith("AP"):
                    raise
                return delegations_page(client, given, 403 if exc.sqlstate == UNSURE else 422, problem=exc)
            return redirect("/delegations?done=made", 303)

        return people.ask(made)

    @pages.post("/delegations/end")
    def end():
        incoming.form(MOST_BYTES)
        people.check_form()
        number = request.form.get("delegation", "")
        if not (number.isascii() and number.isdigit() and len(number) < 19):
            abort(400)
        people.ask(lambda client: client.undelegate(int(number)))
        return redirect("/delegations?done=ended", 303)

    return pages


def _given(form):
    given = {name: form.get(name, "").strip() for name in FIELDS}
    if any("\0" in text or len(text) > LONGEST for text in given.values()):
        abort(400)
    given["zone"] = given["zone"] or reader.current().zone.key
    if reader.named(given["zone"]) is None:
        abort(400)
    return given
