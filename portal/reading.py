"""The page on which people choose the language and the time zone in which they read all of the others."""

from flask import Blueprint, abort, redirect, request

from . import answers, incoming, reader
from .people import ELSEWHERE, NOT_OURS, inside

MOST_BYTES = 4_096
YEAR_S = 365 * 86_400


def blueprint():
    """``/reading``. It needs no session, as those who sign in want to read, too."""
    pages = Blueprint("reading", __name__)

    @pages.get("/reading")
    def shown():
        return answers.page(
            "reading.html", languages=reader.LANGUAGES, zones=reader.zones(), leads_to=inside(request.args.get("next"))
        )

    @pages.post("/reading")
    def chosen():
        incoming.form(MOST_BYTES)
        # There is no session to which a form could be bound, and nothing is changed but how this browser shows pages.
        if request.headers.get("Sec-Fetch-Site") in ELSEWHERE:
            abort(403, NOT_OURS)
        zone, language = request.form.get("zone", ""), request.form.get("language")
        if reader.named(zone) is None or language not in reader.LANGUAGES:
            abort(400)
        response = redirect(inside(request.form.get("next")), 303)
        for name, value in ((reader.ZONE, zone), (reader.LANGUAGE, language)):
            response.set_cookie(name, value, max_age=YEAR_S, secure=request.is_secure, samesite="Lax")
        return response

    return pages
