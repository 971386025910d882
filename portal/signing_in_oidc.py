"""Addresses by which people sign in at a provider of OpenID Connect: there, and back."""

import base64
import binascii
import secrets

from flask import Blueprint, abort, redirect, request

from ..errors import Refused, Unavailable
from .oidc import NotProven, Provider
from .people import TOKEN_BYTES, inside
from .reader import gettext, gettext_noop
from .signing_in import refusal, say, sign_in_page, signed_in

ATTEMPT_S = 600  # to sign in at the provider
PROVEN = gettext_noop("You signed in at %(title)s")


def blueprint(people):
    """``/login/oidc/NAME`` and ``/login/oidc/NAME/return``, for a people.People."""
    pages = Blueprint("signing_in_oidc", __name__)
    # Of one attempt at a time; whoever begins another one in the same browser gives up the first.
    cookie = people.cookie_name("approval-attempt")

    def provider(name):
        way = people.ways.get(name)
        return way if isinstance(way, Provider) else abort(404)

    @pages.get("/login/oidc/<name>")
    def there(name):
        way, leads_to, is_anew = provider(name), inside(request.args.get("next")), "anew" in request.args
        token = secrets.token_bytes(TOKEN_BYTES)
        try:
            address = way.address(token, is_anew)
        except Unavailable as exc:
            return away(way, leads_to, exc)
        response = redirect(address, 303)
        response.set_cookie(
            cookie, ".".join((base64.urlsafe_b64encode(token).decode(), "anew" if is_anew else "", leads_to)),
            max_age=ATTEMPT_S, secure=people.is_secure, httponly=True, samesite="Lax",
        )  # fmt: skip
        return response

    @pages.get("/login/oidc/<name>/return")
    def back(name):
        response = answer(provider(name))
        # Whatever came of it, this attempt is over.
        response.delete_cookie(cookie, secure=people.is_secure, httponly=True, samesite="Lax")
        return response

    def answer(way):
        text, *rest = request.cookies.get(cookie, "").split(".", 2)
        try:
            token = base64.urlsafe_b64decode(text)
        except (binascii.Error, ValueError):
            token = b""
        if len(token) != TOKEN_BYTES or len(rest) != 2:
            return not_proven(way, None, "no attempt was begun in this browser in the last ten minutes, or it is over")
        is_anew, leads_to = rest[0] == "anew", inside(rest[1])
        try:
            proof = way.proven(token, request.args, is_anew)
        except NotProven as exc:
            return not_proven(way, leads_to, str(exc))
        except Unavailable as exc:
            return away(way, leads_to, exc)
        try:
            response = people.begin(way, proof.subject, leads_to, proof.authenticated_until, proof.said)
        except Refused as exc:
            return refusal(people, way, proof.subject, leads_to, exc, gettext(PROVEN) % {"title": way.title})
        signed_in(way, proof.subject)
        return response

    def not_proven(way, leads_to, why):
        say("a sign-in is refused", provider=way.provider, why=why)
        problem = gettext("You are not signed in by this: %(why)s. Nothing was changed; try it again.")
        return sign_in_page(people, leads_to, 403, problem=problem % {"why": why})

    def away(way, leads_to, exc):
        say("a provider of sign-ins does not answer as it should", provider=way.provider, why=str(exc))
        problem = gettext(
            "%(title)s cannot be asked who you are now. Try again in a moment, and tell those who keep this service if "
            "it stays so."
        )
        response = sign_in_page(people, leads_to, 503, problem=problem % {"title": way.title})
        response.headers["Retry-After"] = "5"
        return response

    return pages
