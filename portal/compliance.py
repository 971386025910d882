"""The page that says whether the minions are in line with what is approved for them, and which are not, and why."""

import csv
import io

from flask import Blueprint, Response, abort, g, request

from ..errors import InputError
from ..intake import fields
from . import answers

ON_A_PAGE = 50
IN_A_FILE = 10_000
STANDINGS = ("drifting", "failed", "silent")
PLACE = ("since", "minion", "standing", "kind", "name")
COLUMNS = ("minion_id", "standing", "kind", "name", "expected", "observed", "since", "last_seen", "why")
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def blueprint(people):
    """``/compliance`` and ``/compliance.csv``, for a people.People."""
    pages = Blueprint("compliance", __name__)

    @pages.get("/compliance")
    def shown():
        group, standing = _chosen()
        after = _after()

        def read(client):
            return client.compliance(), client.out_of_line(standing, group, after, ON_A_PAGE)

        counts, rows = people.ask(read)
        return answers.page(
            "compliance.html", counts=counts, rows=rows, group=group, standing=standing, standings=STANDINGS,
            is_first=after is None, on_a_page=ON_A_PAGE, in_a_file=IN_A_FILE, person=g.person, mark=people.mark(),
        )  # fmt: skip

    @pages.get("/compliance.csv")
    def file():
        """The same deviations without pages, for programs that calculate with tables."""
        group, standing = _chosen()
        rows = people.ask(lambda client: client.out_of_line(standing, group, None, IN_A_FILE))
        text = io.StringIO()
        table = csv.writer(text)
        table.writerow(COLUMNS)
        table.writerows([_cell(row[column]) for column in COLUMNS] for row in rows)
        response = Response(text.getvalue(), content_type="text/csv; charset=utf-8")
        response.headers["Content-Disposition"] = 'attachment; filename="out-of-line.csv"'
        return response

    return pages


def _chosen():
    """The group and the standing that are looked for, None: all; ends the request with 400 if they are none."""
    group, standing = request.args.get("group") or None, request.args.get("standing")
    if group is not None and "\0" in group:
        abort(400)
    return group, standing if standing in STANDINGS else None


def _cell(value):
    """A value as text; what a program would take for a formula, as a minion may return it, has an apostrophe before."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else value.isoformat()
    return f"'{text}" if text.startswith(FORMULA) else text


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
