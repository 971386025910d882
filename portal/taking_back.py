"""To take a request back before it is done, and to ask for what was there before it."""

from flask import Blueprint, abort, g, redirect, request

from ..errors import Refused, Unavailable
from . import answers, asking, given, requests

CANCELLED = {"cancelled": "cancel", "withdrawn": "cancel", "partly-withdrawn": "cancel-part"}
REVERT = "revert"  # the type of the shipped policy


def blueprint(people):
    """``/requests/N/cancel`` and ``/requests/N/revert``, for a people.People."""
    pages = Blueprint("taking_back", __name__)

    @pages.errorhandler(Refused)
    def refused(exc):
        if not exc.sqlstate.startswith("AP"):
            raise exc
        return answers.page(
            "refused.html", requests.STATUS.get(exc.sqlstate, 409), why=exc, person=g.person, mark=people.mark(),
            comment=request.form.get("comment"),
        )  # fmt: skip

    @pages.errorhandler(Unavailable)
    def away(exc):
        return requests.not_known((request.view_args or {}).get("number"), exc)

    @pages.post("/requests/<int:number>/cancel")
    def cancel(number):
        given.form(people)
        comment = given.comment()
        became = people.ask(lambda client: client.cancel(given.number(number), comment))
        return redirect(f"/requests/{number}?done={CANCELLED[became]}", 303)

    @pages.post("/requests/<int:number>/revert")
    def revert(number):
        given.form(people)
        reason, key = given.comment(), request.form.get("key", "")
        if not asking.KEY.fullmatch(key):
            abort(400)
        new = people.ask(lambda client: client.revert(given.number(number), None, reason, REVERT, None, key))
        return redirect(f"/requests/{new}?done=ask", 303)

    return pages
