"""The page that says whether the minions are in line with what is approved for them, and which are not, and why."""

from flask import Blueprint, abort, g, request

from ..errors import InputError
from ..intake import fields
from . import answers

ON_A_PAGE = 50
STANDINGS = ("drifting", "failed", "silent")
PLACE = ("since", "minion", "standing", "kind", "name")


def blueprint(people):
    """``/compliance``, for a people.People."""
    pages = Blueprint("compliance", __name__)

    @pages.get("/compliance")
    def shown():
        group, standing = request.args.get("group") or None, request.args.get("standing")
        standing = standing if standing in STANDINGS else None
        after = _after()
        if group is not None and "\0" in group:
            abort(400)

        def read(client):
            return client.compliance(), client.out_of_line(standing, group, after, ON_A_PAGE)

        counts, rows = people.ask(read)
        return answers.page(
            "compliance.html", counts=counts, rows=rows, group=group, standing=standing, standings=STANDINGS,
            is_first=after is None, on_a_page=ON_A_PAGE, person=g.person, mark=people.mark(),
        )  # fmt: skip

    return pages


def _after():
    """The place behind which the page begins, None: at the beginning; ends the request with 400 if it is none."""
    place = [request.args.get(f"after_{part}") for part in PLACE]
    if place == [None] * len(PLACE):
        return None
    if any(part is None or "\0" in part for part in place):
        abort(400)
    try:
        since = fields.time("after_since", place[0])
    except InputError:
        abort(400)
    return [since.isoformat(), *place[1:]]
