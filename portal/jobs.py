"""The page that says what ran where, when, by whom, and how it ended: the job log."""

from flask import Blueprint, abort, g, request

from ..errors import InputError, Refused
from ..intake import fields
from . import answers, reader

ON_A_PAGE = 50
FILTERS = ("minion", "user", "fun", "from", "until", "request")


def blueprint(people):
    """``/jobs``, for a people.People."""
    pages = Blueprint("jobs", __name__)

    @pages.get("/jobs")
    def shown():
        given = {name: request.args.get(name, "").strip() for name in FILTERS}
        place = [request.args.get("before_at"), request.args.get("before_job")]
        if any("\0" in text for text in (*given.values(), *(part or "" for part in place))):
            abort(400)
        if None in place:
            place = None
        zone = reader.current().zone

        def read(client):
            """(the jobs, None), or (none, what is wrong with what is looked for)."""
            try:
                return client.jobs(
                    given["minion"] or None,
                    fields.lately("from", given["from"] or None, zone),
                    fields.lately("until", given["until"] or None, zone),
                    given["fun"] or None,
                    given["user"] or None,
                    fields.request_id(given["request"]) if given["request"] else None,
                    place and (fields.time("before_at", place[0]), place[1]),
                    ON_A_PAGE,
                ), None
            except (InputError, Refused) as exc:
                if isinstance(exc, Refused) and not exc.sqlstate.startswith("AP"):
                    raise
                return [], str(exc)

        rows, problem = people.ask(read)
        return answers.page(
            "jobs.html", 422 if problem else 200, jobs=rows, problem=problem, given=given, is_first=place is None,
            on_a_page=ON_A_PAGE, chosen={name: text for name, text in given.items() if text}, person=g.person,
            mark=people.mark(),
        )  # fmt: skip

    return pages
