"""Pages on requests: what waits for whoever looks, all that is known of one request, and the forms to decide."""

import logging
import re

from flask import Blueprint, abort, g, redirect, request

from ..errors import Refused, Unavailable
from . import answers, incoming, log
from .pages import MOST
from .people import HOME
from .watching import LIVE, Watching

MOST_BYTES = 65_536
LONGEST_COMMENT = 4_000  # characters
ON_A_PAGE = 50
OUTCOMES = {
    "failed": ["failed", "drift", "drifted"],
    "waiting": ["waiting"],
    "converged": ["converged"],
}
# What a person did on the page before, as the address of the next one says it.
DONE = {
    "approve": "Your approval is recorded.",
    "reject": "Your rejection is recorded.",
    "review": "Your review is recorded.",
    "ask": "Your request is made.",
}
CHANGED = "AP011"
UNSURE = "AP009"
DIGEST = re.compile(r"[a-z0-9]+:[0-9a-f]{64}")
STATUS = {"AP014": 404, "AP007": 403, "AP008": 403, "AP009": 403}  # of refusals; all others of ours are 409


def blueprint(people):
    """``/inbox`` and ``/requests/N``, for a people.People."""
    pages = Blueprint("requests", __name__)
    watching = Watching(people)

    def request_page(client, number, status=200, **shown):
        """The page of a request, as it is asked for."""
        outcomes = request.args.get("outcomes")
        after = [request.args.get(f"after_{part}") for part in ("minion", "kind", "name")]
        after = None if None in after else after

        # The number is read first: what changes meanwhile is asked for once more.
        change = client.watch(number)["change"]
        found = client.show(number, OUTCOMES.get(outcomes), after, ON_A_PAGE)
        return answers.page(
            "request.html", status, LIVE, shown=found, plan=client.plan(number) if found["plan"] else None,
            outcomes=outcomes if outcomes in OUTCOMES else None, is_first=after is None, change=change, person=g.person,
            mark=people.mark(), longest=LONGEST_COMMENT, anew=people.anew(f"/requests/{number}"), **shown,
        )  # fmt: skip

    def inbox_page(client, **shown):
        """The page of what waits for whoever asks."""
        after = request.args.get("after")
        after = None if after is None else _number(after)
        change = client.watch()["change"]
        rows = client.inbox(ON_A_PAGE, after)
        return answers.page(
            "inbox.html", 200, LIVE, rows=rows, total=rows[0]["total"] if rows else 0, is_first=after is None,
            on_a_page=ON_A_PAGE, change=change, person=g.person, mark=people.mark(), anew=people.anew(HOME), **shown,
        )  # fmt: skip

    @pages.errorhandler(Refused)
    def refused(exc):
        if not exc.sqlstate.startswith("AP"):
            raise exc
        is_unsure, number = exc.sqlstate == UNSURE, (request.view_args or {}).get("number")
        return answers.page(
            "refused.html", STATUS.get(exc.sqlstate, 409), why=str(exc), person=g.person, mark=people.mark(),
            anew=people.anew(f"/requests/{number}") if is_unsure else None, comment=request.form.get("comment"),
        )  # fmt: skip

    @pages.get("/")
    def first():
        return redirect("/inbox", 303)

    @pages.get("/inbox")
    def inbox():
        return people.ask(inbox_page)

    @pages.get("/inbox/live")
    def live_inbox():
        return watching.answer(None, lambda client: inbox_page(client, is_live=True))

    @pages.get("/requests")
    def go_to():
        """Lead from the field for a number to its request."""
        return redirect(f"/requests/{_number(request.args.get('number', '').strip())}", 303)

    @pages.get("/requests/<int:number>")
    def one(number):
        done = DONE.get(request.args.get("done"))
        return people.ask(lambda client: request_page(client, _number(number), done=done))

    @pages.get("/requests/<int:number>/live")
    def live(number):
        return watching.answer(_number(number), lambda client: request_page(client, number, is_live=True))

    @pages.post("/requests/<int:number>/decision")
    def decide(number):
        incoming.form(MOST_BYTES)
        people.check_form()
        decision, comment = request.form.get("decision"), _comment()
        digest, stage = request.form.get("digest", ""), request.form.get("stage", "")
        if (
            decision not in ("approve", "reject")
            or not DIGEST.fullmatch(digest)
            or not (stage.isascii() and stage.isdigit())
        ):
            abort(400)
        if decision == "reject" and not comment:
            missing = "Say why you reject it: who asked has to know."
            return people.ask(lambda client: request_page(client, _number(number), 422, missing=missing))
        at_stage = min(int(stage[:10]), 2**31 - 1)
        try:
            people.ask(lambda client: client.decide(_number(number), decision, comment, digest, at_stage))
        except Refused as exc:
            if exc.sqlstate != CHANGED:
                raise
            return answers.page(
                "changed.html", 409, number=number, digest=digest, why=str(exc), comment=comment, person=g.person,
                mark=people.mark(),
            )  # fmt: skip
        except Unavailable as exc:
            return _not_known(number, exc)
        return redirect(f"/requests/{number}?done={decision}", 303)

    @pages.post("/requests/<int:number>/review")
    def review(number):
        incoming.form(MOST_BYTES)
        people.check_form()
        comment = _comment()
        try:
            people.ask(lambda client: client.review(_number(number), comment))
        except Unavailable as exc:
            return _not_known(number, exc)
        return redirect(f"/requests/{number}?done=review", 303)

    return pages


def _not_known(number, exc):
    log.say("the database is away", logging.ERROR, why=str(exc))
    response = answers.page("not_known.html", 503, number=number)
    response.headers["Retry-After"] = "5"
    return response


def _number(given):
    """The number of a request, or the end of the answer with 404."""
    text = str(given)
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and 1 <= int(text) <= MOST):
        abort(404)
    return int(text)


def _comment():
    comment = request.form.get("comment", "").replace("\r\n", "\n").strip()
    if len(comment) > LONGEST_COMMENT or "\0" in comment:
        abort(400)
    return comment
