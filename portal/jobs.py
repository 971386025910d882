"""The page that says what ran where, when, by whom, and how it ended: the job log."""

from flask import Blueprint, abort, g, request

from ..errors import InputError, Refused
from ..intake import fields
from . import answers, reader
from .watching import LIVE, Watching

ON_A_PAGE = 50
FILTERS = ("minion", "user", "fun", "from", "until", "request")


def blueprint(people):
    """``/jobs``, for a people.People."""
    pages = Blueprint("jobs", __name__)
    watching = Watching(people)

    @pages.get("/jobs")
    def shown():
        return people.ask(page)

    @pages.get("/jobs/live")
    def live():
        return watching.answer_by_content(lambda client: page(client, is_live=True))

    def page(client, **options):
        """The page of the jobs that are asked for."""
        given = {name: request.args.get(name, "").strip() for name in FILTERS}
        place = [request.args.get("before_at"), request.args.get("before_job")]
        if any("\0" in text for text in (*given.values(), *(part or "" for part in place))):
            abort(400)
        if None in place:
            place = None
        zone = reader.current().zone

        rows, problem = [], None
        try:
            rows = client.jobs(
                given["minion"] or None,
                fields.lately("from", given["from"] or None, zone),
                fields.lately("until", given["until"] or None, zone),
                given["fun"] or None,
                given["user"] or None,
                fields.request_id(given["request"]) if given["request"] else None,
                place and (fields.time("before_at", place[0]), place[1]),
                ON_A_PAGE,
            )
        except (InputError, Refused) as exc:
            if isinstance(exc, Refused) and not exc.sqlstate.startswith("AP"):
                raise
            problem = exc
        return answers.page(
            "jobs.html", 422 if problem else 200, () if problem else LIVE, jobs=rows, problem=problem, given=given,
            is_first=place is None, on_a_page=ON_A_PAGE, chosen={name: text for name, text in given.items() if text},
            person=g.person, mark=people.mark(), **options,
        )  # fmt: skip

    return pages
