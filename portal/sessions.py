"""The page on which people see and end their sessions, and make and end the tokens of their programs."""

from urllib.parse import urlencode

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
LONGEST = 1_000  # characters that are taken as the name of a token; the database says which are too many
MANY = "others"  # in the place of a number


def blueprint(people):
    """``/sessions``, for a people.People."""
    pages = Blueprint("sessions", __name__)

    def sessions_page(client, status=200, typed=None, **shown):
        """The page; ``typed``: {field: value} of the form for a token, which are kept by the way to a sign-in, too."""
        leads_to = f"/sessions?{urlencode(typed, doseq=True)}" if typed else "/sessions"
        return answers.page(
            "sessions.html", status, rows=client.sessions(), tokens=client.tokens(), scopes=SCOPES, days=DAYS,
            typed=typed or {}, person=g.person, mark=people.mark(), anew=people.anew(leads_to), **shown,
        )  # fmt: skip

    @pages.get("/sessions")
    def shown():
        typed = _typed(request.args) if "title" in request.args else None
        return people.ask(lambda client: sessions_page(client, typed=typed, has_ended="ended" in request.args))

    @pages.post("/sessions/end")
    def end():
        number = _number_of("session")
        people.ask(lambda client: client.end_others() if number is None else client.end(number))
        return redirect("/sessions?ended=yes", 303)

    @pages.post("/sessions/tokens")
    def make():
        incoming.form(MOST_BYTES)
        people.check_form()
        typed = _typed(request.form)

        def made(client):
            token = api_token.new()
            try:
                client.make_token(token, typed["title"], typed["scope"], int(typed["days"]))
            except Refused as exc:
                if not exc.sqlstate.startswith("AP"):
                    raise
                return sessions_page(client, 422, typed, problem=exc)
            return answers.page("token.html", token=token, title=typed["title"], person=g.person, mark=people.mark())

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


def _typed(form):
    """{field: value} of the form for a token; ends the request with 400 where it is none that the page has."""
    title, days, scopes = form.get("title", "").strip(), form.get("days", ""), form.getlist("scope")
    if "\0" in title or len(title) > LONGEST or not set(scopes) <= SCOPES.keys() or days not in map(str, DAYS):
        abort(400)
    return {"title": title, "scope": scopes, "days": days}
