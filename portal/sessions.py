"""The page on which people see and end their sessions, and make and end the tokens of their programs."""

from flask import Blueprint, abort, g, redirect, request

from ..errors import Refused
from ..intake import api_token
from . import answers, incoming
from .reader import gettext_noop

MOST_BYTES = 16_384
SCOPES = {
    "read": gettext_noop("read: see what its person sees"),
    "request": gettext_noop("request: ask for something, and take that back"),
    "decide": gettext_noop("decide: approve, reject and review"),
}
DAYS = (7, 30, 90)
MANY = "others"  # in the place of a number


def blueprint(people):
    """``/sessions``, for a people.People."""
    pages = Blueprint("sessions", __name__)

    def sessions_page(client, status=200, **shown):
        return answers.page(
            "sessions.html", status, rows=client.sessions(), tokens=client.tokens(), scopes=SCOPES, days=DAYS,
            person=g.person, mark=people.mark(), anew=people.anew("/sessions"), **shown,
        )  # fmt: skip

    @pages.get("/sessions")
    def shown():
        ended = request.args.get("ended")
        return people.ask(lambda client: sessions_page(client, has_ended=ended is not None))

    @pages.post("/sessions/end")
    def end():
        number = _number_of("session")
        people.ask(lambda client: client.end_others() if number is None else client.end(number))
        return redirect("/sessions?ended=yes", 303)

    @pages.post("/sessions/tokens")
    def make():
        incoming.form(MOST_BYTES)
        people.check_form()
        title, days = request.form.get("title", "").strip(), request.form.get("days", "")
        scopes = request.form.getlist("scope")
        if "\0" in title or not set(scopes) <= SCOPES.keys() or days not in map(str, DAYS):
            abort(400)

        def made(client):
            token = api_token.new()
            try:
                client.make_token(token, title, scopes, int(days))
            except Refused as exc:
                if not exc.sqlstate.startswith("AP"):
                    raise
                return sessions_page(client, 422, problem=str(exc), title=title, chosen=scopes)
            return answers.page("token.html", token=token, title=title, person=g.person, mark=people.mark())

        return people.ask(made)

    @pages.post("/sessions/tokens/end")
    def end_token():
        number = _number_of("token")
        people.ask(lambda client: client.end_token(number))
        return redirect("/sessions?ended=yes", 303)

    def _number_of(field):
        """The number in the form, None: all; ends the request where the form is none of ours."""
        incoming.form(MOST_BYTES)
        people.check_form()
        given = request.form.get(field, "")
        if given == MANY:
            return None
        if not (given.isascii() and given.isdigit() and len(given) < 19):
            abort(400)
        return int(given)

    return pages
