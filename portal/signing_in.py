"""Pages to sign in, by a password here or as the proxy says, and to sign out."""

import datetime
import logging
from urllib.parse import quote

from flask import Blueprint, abort, redirect, request

from .. import db
from ..errors import ConfigError, Refused, Unavailable
from . import answers, incoming, log
from .passwords import MOST, Passwords
from .people import PAGE_S, SignedOut, client_address, inside
from .proxied import Proxied
from .reader import gettext, gettext_noop, ngettext

MOST_BYTES = 16_384
UNKNOWN_STATE, NOT_SPOKEN_STATE = "AP001", "AP002"
WRONG = gettext_noop("The name and the password do not belong together.")
PROVEN = gettext_noop("The password is right")
NAMED = gettext_noop("You are signed in at %(title)s")
NO_COOKIES = gettext_noop("Your browser keeps no cookies of this service, without which nobody can sign in.")
UNKNOWN = gettext_noop(
    "%(proven)s, but the policy knows nobody here as %(identity)s. Nothing was made of it: ask those who keep the "
    "policy to add this identity to you."
)
NOT_SPOKEN_FOR = gettext_noop(
    "Nobody can sign in here: the policy does not let this service act for people of %(provider)s. Ask those who keep "
    "the policy to add its login to the speakers."
)


def blueprint(people):
    """``/login`` and ``/logout``, for a people.People."""
    pages = Blueprint("signing_in", __name__)

    @pages.app_errorhandler(SignedOut)
    def signed_out(_exc):
        """Lead whoever has no session to sign in; say so where something was to be done, as it was not."""
        if request.method in ("GET", "HEAD"):
            return redirect(f"/login?next={quote(inside(quote(request.path)))}", 303)
        leads_to = request.path.rpartition("/")[0]
        return sign_in_page(
            people, leads_to, 401, problem=gettext("Your session has ended. Nothing was done; sign in and do it again.")
        )

    @pages.get("/login")
    def login():
        return sign_in_page(people, request.args.get("next"), has_ended="ended" in request.args)

    def sent_form(kind):
        """(the way to sign in of this class whose form was sent, None), or (None, a Response that says why not)."""
        incoming.form(MOST_BYTES)
        try:
            people.check_sign_in_form()
        except SignedOut:
            return None, sign_in_page(people, request.form.get("next"), 403, problem=gettext(NO_COOKIES))
        return next((way for way in people.ways.values() if isinstance(way, kind)), None) or abort(404), None

    @pages.post("/login/proxied")
    def proxied():
        way, problem = sent_form(Proxied)
        if problem is not None:
            return problem
        name, leads_to = way.subject(), request.form.get("next", "")
        if name is None:
            say("the proxy names nobody")
            return sign_in_page(people, leads_to, 403)
        try:
            response = people.begin(way, name, leads_to, authenticated_until=None)
        except Refused as exc:
            return refusal(people, way, name, leads_to, exc, gettext(NAMED) % {"title": way.title})
        signed_in(way, name)
        return response

    @pages.post("/login/password")
    def password():
        way, problem = sent_form(Passwords)
        if problem is not None:
            return problem
        name, given, leads_to = (request.form.get(field, "") for field in ("name", "password", "next"))
        if not name or len(name) > 255 or "\0" in name or len(given) > MOST:
            return sign_in_page(people, leads_to, 401, problem=gettext(WRONG), name=name[:255])
        try:
            again_at = people.database.call(
                PAGE_S, lambda conn: db.value(conn, "count_attempt", way.provider, name, client_address())
            )
        except Refused as exc:
            return refusal(people, way, name, leads_to, exc, gettext(PROVEN), name=name)
        if again_at is not None:
            say("too many attempts to sign in")
            wait = again_at - datetime.datetime.now(datetime.timezone.utc)
            minutes = max(1, -(-int(wait.total_seconds()) // 60))
            problem = ngettext(
                "It was tried too often. Try again in %(n)s minute.",
                "It was tried too often. Try again in %(n)s minutes.",
                minutes,
            )
            response = sign_in_page(people, leads_to, 429, problem=problem % {"n": minutes}, name=name)
            response.headers["Retry-After"] = str(60 * minutes)
            return response
        try:
            is_right = way.is_right(name, given)
        except ConfigError as exc:
            raise Unavailable(str(exc)) from None
        if not is_right:
            say("a password is wrong")
            return sign_in_page(people, leads_to, 401, problem=gettext(WRONG), name=name)
        try:
            response = people.begin(way, name, leads_to)
        except Refused as exc:
            return refusal(people, way, name, leads_to, exc, gettext(PROVEN), name=name)
        signed_in(way, name)
        return response

    @pages.post("/logout")
    def logout():
        incoming.form(MOST_BYTES)
        people.check_form()
        return people.end()

    return pages


def sign_in_page(people, leads_to, status=200, **shown):
    """A Response with the page on which people sign in, by all ways that there are, to be led to a page of ours."""
    return people.with_sign_in_form(
        lambda mark: answers.page(
            "login.html", status, ways=people.ways.values(), mark=mark, leads_to=inside(leads_to), **shown
        )
    )


def refusal(people, way, subject, leads_to, exc, proven, **shown):
    """
    A Response for whom the database has no session, by what it raised: a Refused, which is raised again where it has
    another reason than the policy. ``proven``: what somebody did prove, as the begin of a sentence.
    """
    if exc.sqlstate == UNKNOWN_STATE:
        say("somebody unknown signs in", why=str(exc))
        problem = gettext(UNKNOWN) % {"proven": proven, "identity": f"{way.provider}:{subject}"}
    elif exc.sqlstate == NOT_SPOKEN_STATE:
        say("the login of the pages speaks for nobody", why=str(exc))
        problem = gettext(NOT_SPOKEN_FOR) % {"provider": way.provider}
    else:
        raise exc
    return sign_in_page(people, leads_to, 403, problem=problem, **shown)


def signed_in(way, subject):
    """Have the log say who signed in."""
    log.say("somebody signs in", id=request.environ["approval.request_id"], identity=f"{way.provider}:{subject}")


def say(event, **fields):
    """Have the log say what was refused, or does not work."""
    log.say(event, logging.WARNING, id=request.environ["approval.request_id"], **fields)
