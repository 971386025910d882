"""To decide on several requests at once: one page on which all of them are looked at; each is decided by itself."""

import re

from flask import Blueprint, abort, g, request

from ..errors import Refused, Unavailable
from . import answers, given
from .reader import gettext, gettext_noop

MOST = 20  # requests
# Each of them as a form says it: its number, the stage that it was at, and the digest of what was shown.
SHOWN = re.compile(r"([1-9][0-9]{0,18}) ([0-9]{1,9}) ([a-z0-9]+:[0-9a-f]{64})")
NOT_REACHED = gettext_noop("The database does not answer.")


def blueprint(people):
    """``/inbox/decide``, for a people.People."""
    pages = Blueprint("several", __name__)

    def look(numbers, status=200, **shown):
        """The page with the requests of these numbers as they are now."""

        def read(client):
            return [_shown(client, number) for number in numbers]

        found = people.ask(read)
        return answers.page(
            "several.html", status, found=found, person=g.person, mark=people.mark(), longest=given.LONGEST_COMMENT,
            **shown,
        )  # fmt: skip

    @pages.get("/inbox/decide")
    def chosen():
        numbers = list(dict.fromkeys(given.number(text) for text in request.args.getlist("number")))
        if len(numbers) > MOST:
            abort(400)
        return look(numbers)

    @pages.post("/inbox/decide")
    def decide():
        given.form(people)
        decision, comment = request.form.get("decision"), given.comment()
        ticked = [SHOWN.fullmatch(text) for text in request.form.getlist("shown")]
        if decision not in ("approve", "reject") or len(ticked) > MOST or None in ticked:
            abort(400)
        ticked = [(int(number), int(stage), digest) for number, stage, digest in (one.groups() for one in ticked)]
        numbers = [number for number, _, _ in ticked]
        if not ticked:
            listed = [given.number(text) for text in request.form.getlist("listed")[:MOST]]
            return look(listed, 422, missing=gettext("Tick at least one."), comment=comment)
        if decision == "reject" and not comment:
            return look(numbers, 422, missing=gettext("Say why you reject: who asked has to know."))
        results, is_away = [], False
        for one in ticked:
            results.append(_one(people, decision, comment, *one, is_away))
            is_away = results[-1]["what"] in ("unknown", "left")
        people.ask(lambda client: None)
        return answers.page(
            "several_done.html", 503 if is_away else 200, results=results, decision=decision, person=g.person,
            mark=people.mark(),
        )  # fmt: skip

    return pages


def _shown(client, number):
    """A request as its page shows it, with ``number``; {number, why} where it cannot be shown."""
    try:
        return {**client.show(number, limit=1), "number": number}
    except Refused as exc:
        if not exc.sqlstate.startswith("AP"):
            raise
        return {"number": number, "why": exc}


def _one(people, decision, comment, number, stage, digest, is_away):
    """What became of a decision: {number, what: done, refused, unknown or left; why}."""
    if is_away:
        return {"number": number, "what": "left", "why": NOT_REACHED}
    try:
        state = people.ask(lambda client: client.decide(number, decision, comment, digest, stage))
    except Refused as exc:
        if not exc.sqlstate.startswith("AP"):
            raise
        return {"number": number, "what": "refused", "why": exc}
    except Unavailable:
        return {"number": number, "what": "unknown", "why": NOT_REACHED}
    return {"number": number, "what": "done", "why": state}
