"""Pages on requests: what waits for whoever looks, all that is known of one request, and the forms to decide."""

import logging
import re

from flask import Blueprint, abort, g, redirect, request

from ..errors import Refused, Unavailable
from . import answers, asking, given, log
from .people import HOME
from .reader import gettext, gettext_noop
from .watching import LIVE, Watching

ON_A_PAGE = 50
OUTCOMES = {
    "failed": ["failed", "drift", "drifted"],
    "waiting": ["waiting"],
    "converged": ["converged"],
}
# What a person did on the page before, as the address of the next one says it.
DONE = {
    "approve": gettext_noop("Your approval is recorded."),
    "reject": gettext_noop("Your rejection is recorded."),
    "review": gettext_noop("Your review is recorded."),
    "ask": gettext_noop("Your request is made."),
    "cancel": gettext_noop("It is taken back."),
    "cancel-part": gettext_noop("What was not sent yet is taken back."),
}
# The lists of requests: what the address says, and how it is asked for.
LISTS = {"asked": {"mine": True}, "decided": {"decided": True}, "all": {}}
CHANGED = "AP011"
STATES = (
    "pending", "approved", "partial", "failed", "converged", "superseded", "withdrawn", "rejected", "cancelled",
    "expired",
)  # fmt: skip
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
            mark=people.mark(), longest=given.LONGEST_COMMENT, anew=people.anew(f"/requests/{number}"),
            key=asking.new_key(), again=asking.again(found), **shown,
        )  # fmt: skip

    def inbox_page(client, **shown):
        """The page of what waits for whoever asks."""
        after = request.args.get("after")
        after = None if after is None else given.number(after)
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
            "refused.html", STATUS.get(exc.sqlstate, 409), why=exc, person=g.person, mark=people.mark(),
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
    def several():
        """The lists of requests; and from the field for a number the way to its request."""
        if "number" in request.args:
            return redirect(f"/requests/{given.number(request.args['number'].strip())}", 303)
        show = request.args.get("show", "all")
        state, before = request.args.get("state") or None, request.args.get("before")
        if show not in LISTS or state not in (None, *STATES):
            abort(404)
        before = None if before is None else given.number(before)
        rows = people.ask(lambda client: client.list(state, limit=ON_A_PAGE, before=before, **LISTS[show]))
        return answers.page(
            "requests.html", rows=rows, total=rows[0]["total"] if rows else 0, show=show, state=state,
            states=STATES, is_first=before is None, on_a_page=ON_A_PAGE, person=g.person, mark=people.mark(),
        )  # fmt: skip

    @pages.get("/requests/<int:number>")
    def one(number):
        done = DONE.get(request.args.get("done"))
        return people.ask(lambda client: request_page(client, given.number(number), done=done))

    @pages.get("/requests/<int:number>/live")
    def live(number):
        return watching.answer(given.number(number), lambda client: request_page(client, number, is_live=True))

    @pages.post("/requests/<int:number>/decision")
    def decide(number):
        given.form(people)
        decision, comment = request.form.get("decision"), given.comment()
        digest, stage = request.form.get("digest", ""), request.form.get("stage", "")
        if (
            decision not in ("approve", "reject")
            or not DIGEST.fullmatch(digest)
            or not (stage.isascii() and stage.isdigit())
        ):
            abort(400)
        if decision == "reject" and not comment:
            missing = gettext("Say why you reject it: who asked has to know.")
            return people.ask(lambda client: request_page(client, given.number(number), 422, missing=missing))
        at_stage = min(int(stage[:10]), 2**31 - 1)
        try:
            people.ask(lambda client: client.decide(given.number(number), decision, comment, digest, at_stage))
        except Refused as exc:
            if exc.sqlstate != CHANGED:
                raise
            return answers.page(
                "changed.html", 409, number=number, digest=digest, why=exc, comment=comment, person=g.person,
                mark=people.mark(),
            )  # fmt: skip
        except Unavailable as exc:
            return not_known(number, exc)
        return redirect(f"/requests/{number}?done={decision}", 303)

    @pages.post("/requests/<int:number>/values")
    def values(number):
        """What is sensitive, as an answer to a form: at no address, and kept by nobody."""
        given.form(people)
        after = [request.form.get(part) for part in ("minion", "kind", "name")]
        after = None if None in after else after
        if after is not None and any("\0" in part for part in after):
            abort(400)

        def looked(client):
            found = client.values(given.number(number), after, ON_A_PAGE)
            return found, client.show(number, limit=1)

        found, shown = people.ask(looked)
        return answers.page(
            "values.html", found=found, shown=shown, number=number, person=g.person, mark=people.mark()
        )  # fmt: skip

    @pages.get("/requests/<int:number>/values")
    def not_looked(number):
        """Whoever comes back to the answer of the form, as by its link to another language, looks anew."""
        return redirect(f"/requests/{number}", 303)

    @pages.post("/requests/<int:number>/review")
    def review(number):
        given.form(people)
        comment = given.comment()
        try:
            people.ask(lambda client: client.review(given.number(number), comment))
        except Unavailable as exc:
            return not_known(number, exc)
        return redirect(f"/requests/{number}?done=review", 303)

    return pages


def not_known(number, exc):
    """The answer where nobody knows whether something was recorded, for the database did not answer."""
    log.say("the database is away", logging.ERROR, why=str(exc))
    response = answers.page("not_known.html", 503, number=number)
    response.headers["Retry-After"] = "5"
    return response
