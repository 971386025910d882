"""Pages on minions: to find one, and all that is approved for it, what it proved, and what it waits for."""

from urllib.parse import quote

from flask import Blueprint, abort, g, redirect, request

from ..errors import Refused
from . import answers

ON_A_PAGE = 50
LATEST = 10  # of returns, and of jobs, on the page of a minion
LONGEST_NAME = 255  # characters
UNKNOWN = "AP004"


def blueprint(people):
    """``/minions`` and ``/minions/NAME``, for a people.People."""
    pages = Blueprint("minions", __name__)

    @pages.errorhandler(Refused)
    def refused(exc):
        if not exc.sqlstate.startswith("AP"):
            raise exc
        return answers.page(
            "refused.html", 404 if exc.sqlstate == UNKNOWN else 409, why=exc, person=g.person, mark=people.mark()
        )

    @pages.get("/minions")
    def found():
        """Those that have a text in their names; whoever gives the whole name of one is led to it."""
        part, after = name_of("name").strip(), request.args.get("after")
        after = after and name_of("after")

        def read(client):
            if part and after is None and _is_known(client, part):
                return None
            return client.minions(part or None, after, ON_A_PAGE)

        rows = people.ask(read)
        if rows is None:
            return redirect(f"/minions/{quote(part, safe='')}", 303)
        return answers.page(
            "minions.html", rows=rows, part=part, is_first=after is None, on_a_page=ON_A_PAGE, person=g.person,
            mark=people.mark(),
        )  # fmt: skip

    @pages.get("/minions/<name>")
    def one(name):
        _check(name)

        def read(client):
            return client.minion(name), *_ran(client, name)

        shown, returns, jobs = people.ask(read)
        return answers.page("minion.html", shown=shown, returns=returns, jobs=jobs, person=g.person, mark=people.mark())

    return pages


def name_of(argument):
    """The name of a minion, or a part of one, in the address's argument; ends the request with 400 if it is none."""
    return _check(request.args.get(argument, ""))


def _check(name):
    if len(name) > LONGEST_NAME or "\0" in name:
        abort(400)
    return name


def _ran(client, name):
    """The latest returns and jobs of a minion that is known: none for somebody who may not read its job log."""
    try:
        return client.returns(name, limit=LATEST), client.jobs(name, limit=LATEST)
    except Refused as exc:
        if exc.sqlstate != UNKNOWN:
            raise
        return [], []


def _is_known(client, name):
    try:
        client.minion(name)
    except Refused as exc:
        if exc.sqlstate != UNKNOWN:
            raise
        return False
    return True
