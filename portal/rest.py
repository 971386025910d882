"""The REST API, ``/api/v1``: what people can do on the pages, for their programs.

openapi.yaml says which operations there are and what they take; here is what each of them does. A program shows a
token, and acts as the person who made it. A cookie is never looked at, so no page of others can act by a browser here.
"""

import base64
import binascii
import functools
import hashlib
import http
import json
import logging
import re
import secrets
from urllib.parse import urlencode

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import HTTPException

from ..client.database import plain
from ..errors import InputError, Refused, Unavailable
from ..intake import api_token, fields
from ..itsm import body
from . import answers, description, incoming, log
from .people import SignedOut

PREFIX = "/api/v1"
MOST_BYTES = 1024 * 1024
MOST_SHOWN = 200  # of what is shown beside a request, such as what a revert leaves out
BEARER = re.compile(r"Bearer +([!-~]+) *", re.IGNORECASE)
REALM = 'Bearer realm="approval"'
PROBLEM = "application/problem+json"
RETRY_S = {"AP024": 1}
LATER_S = 5
GAVE_WAY = ("40001", "40P01")  # to another transaction: the same again may well succeed
UNSURE, STRANGER, NOT_FOR_THIS = "AP009", "AP021", "AP022"


class Problem(Exception):
    """What was asked for is not done: an answer with this status, for this reason."""

    def __init__(self, status, detail, title=None, kind="about:blank", **headers):
        super().__init__(detail)
        self.status, self.detail, self.title, self.kind, self.headers = status, detail, title, kind, headers

    def response(self):
        """The answer, as RFC 9457 has it."""
        title = self.title or http.HTTPStatus(self.status).phrase
        content = {"type": self.kind, "title": title, "status": self.status, "detail": self.detail}
        response = answers.as_json(content, self.status, PROBLEM)
        response.headers.extend({name.replace("_", "-"): text for name, text in self.headers.items()})
        return response


class Page:
    """
    A page of a list: how many rows, and from behind which one.

    names
        The columns by which a row is found again.
    cursor
        What the page before gave; None: the first page.
    """

    def __init__(self, names, limit, cursor):
        self._names, self._limit = names, limit
        self.more = limit + 1  # so many are to be read, so that it is known whether there is more
        self.after = None if cursor is None else self._place(cursor)
        self.next = None

    def of(self, rows):
        """The rows of this page, of those that were read."""
        if len(rows) == self.more:
            rows = rows[: self._limit]
            place = [plain(rows[-1][name]) for name in self._names]
            text = json.dumps(["" if part is None else str(part) for part in place], separators=(",", ":"))
            self.next = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
        return rows

    def _place(self, cursor):
        try:
            place = body.value(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        except (binascii.Error, ValueError, InputError):
            place = None
        if not isinstance(place, list) or len(place) != len(self._names) or not all(isinstance(p, str) for p in place):
            raise InputError("the cursor is none that this list gave")
        return [COLUMNS.get(name, str)(part) for name, part in zip(self._names, place, strict=True)]


def _time(text):
    return fields.time("the cursor", text)


# Columns whose texts in a cursor are to be something else.
COLUMNS = {
    "request_id": functools.partial(fields.request_id, what="the cursor"), "published_at": _time,
    "since": lambda text: _time(text).isoformat(),
}  # fmt: skip
# Operation -> the columns by which a row of its list is found again.
PLACES = {
    "list": ("request_id",), "inbox": ("request_id",), "items": ("minion", "kind", "name"), "minions": ("minion_id",),
    "returns": ("jid", "minion", "attempt"), "jobs": ("published_at", "jid"),
    "deviations": ("since", "minion_id", "standing", "kind", "name"),
}  # fmt: skip


def blueprint(people):
    """``/api/v1``, for a people.People."""
    api = Blueprint("rest", __name__, url_prefix=PREFIX)

    @api.errorhandler(Problem)
    def problem(exc):
        return exc.response()

    @api.errorhandler(HTTPException)
    def http_problem(exc):
        return Problem(exc.code, exc.description).response()

    @api.errorhandler(Unavailable)
    def away(exc):
        log.say("the database is away", logging.ERROR, why=str(exc))
        return Problem(503, "The service cannot do this now.", Retry_After=str(LATER_S)).response()

    @api.get("/openapi.json", provide_automatic_options=False)
    def openapi():
        return Response(description.as_text(), content_type=description.JSON)

    for operation in description.operations():
        api.add_url_rule(
            operation.path.replace("{", "<").replace("}", ">"),
            operation.name,
            functools.partial(_answer, people, operation),
            methods=[operation.method],
            provide_automatic_options=False,
        )
    return api


def _answer(people, operation, **in_path):
    """The answer to a call of an operation: who calls, then whether it can be meant, then what the database says."""
    token = _token()
    try:
        g.person = people.program(token)
        arguments = _arguments(operation, in_path)
        return _done(people, operation, token, arguments)
    except SignedOut as exc:
        log.say("a token is refused", logging.WARNING, id=request.environ["approval.request_id"], why=str(exc))
        raise _no_token(str(exc)) from None
    except InputError as exc:
        raise Problem(422, str(exc)) from None
    except Refused as exc:
        raise _refusal(operation, exc) from None


def _token():
    """The token that the caller shows; ends the request with 401."""
    shown = BEARER.fullmatch(request.headers.get("Authorization", ""))
    if shown is None:
        raise Problem(401, "Show a token: Authorization: Bearer sap_...", WWW_Authenticate=REALM)
    if not api_token.is_whole(shown[1]):
        raise _no_token("This is no token, or not all of it: its checksum is wrong.")
    return shown[1]


def _no_token(why):
    """The Problem for a token that is none, or none any more."""
    return Problem(401, why, **_code(STRANGER), WWW_Authenticate=f'{REALM}, error="invalid_token"')


def _arguments(operation, in_path):
    """{name: value} of all that the operation takes; ends the request where it cannot be understood."""
    try:
        arguments = operation.in_path(in_path)
    except InputError:
        raise Problem(404, "There can be nothing at this address.") from None
    try:
        arguments.update(operation.in_query(request.args.to_dict(flat=False)))
        if operation.name in PLACES:
            names = PLACES[operation.name]
            arguments["page"] = Page(names, arguments.pop("limit"), arguments.pop("cursor", None))
    except InputError as exc:
        raise Problem(400, str(exc)) from None
    for name, argument, status in (("If-Match", "digest", 428), ("Idempotency-Key", "key", 400)):
        if name in operation.parameters["header"]:
            arguments[argument] = _header(operation, name, status)
    if operation.body is None:
        return arguments
    if request.mimetype != description.JSON:
        raise Problem(415, f"The body is to be JSON, with Content-Type: {description.JSON}.", Accept=description.JSON)
    g.content = incoming.content(MOST_BYTES)
    try:
        content = body.read(g.content, MOST_BYTES)
    except InputError as exc:
        raise Problem(400, str(exc)) from None
    return {**arguments, **operation.in_body(content)}


def _header(operation, name, status_of_none):
    """The text in a header that the operation needs, without quotes; ends the request where there is no such text."""
    text = request.headers.get(name)
    if text is None:
        means = operation.parameters["header"][name]["description"]
        raise Problem(status_of_none, f"The header {name} is needed. {means}")
    try:
        return operation.header(name, text).strip('"')
    except InputError as exc:
        raise Problem(400, str(exc)) from None


def _done(people, operation, token, arguments):
    """The answer with what the operation gives."""
    work, page = OPERATIONS[operation.name], arguments.get("page")
    key = arguments.pop("key", None)
    if key is None or arguments.get("dry_run"):
        answer = answers.as_json(plain(people.ask_by_token(token, lambda client: work(client, **arguments))))
        if page is not None and page.next is not None:
            query = {**request.args.to_dict(flat=False), "cursor": [page.next]}
            answer.headers["Link"] = f'<{request.path}?{urlencode(query, doseq=True)}>; rel="next"'
        return answer
    said = hashlib.sha256()
    for part in (operation.name, request.path, request.headers.get("If-Match", "")):
        said.update(part.encode() + b"\0")
    said.update(g.content)

    def once(client):
        return client.once(operation.scopes[-1], key, said.digest(), lambda: plain(work(client, **arguments)))

    made = people.ask_by_token(token, once)
    if operation.name not in MAKING:
        return answers.as_json(made)
    answer = answers.as_json(made, 201)
    answer.headers["Location"] = f"{PREFIX}/requests/{made['request']}"
    return answer


def _refusal(operation, exc):
    """The Problem for what the database refuses; what it does not say in its own words is raised as it is."""
    if exc.sqlstate in GAVE_WAY:
        return Problem(503, "Others changed the same at once. Do it again.", Retry_After="1")
    known = description.problem_of(exc.sqlstate)
    if known is None:
        return exc
    status, headers = known["status"], {}
    if not operation.parameters["path"].keys().isdisjoint(known.get("path", ())):
        status = 404
    if status == 401:
        error = "insufficient_user_authentication" if exc.sqlstate == UNSURE else "invalid_token"
        headers["WWW_Authenticate"] = f'{REALM}, error="{error}"'
    if exc.sqlstate == NOT_FOR_THIS:
        headers["WWW_Authenticate"] = f'{REALM}, error="insufficient_scope", scope="{" ".join(operation.scopes)}"'
    if exc.sqlstate in RETRY_S or status == 503:
        headers["Retry_After"] = str(RETRY_S.get(exc.sqlstate, LATER_S))
    return Problem(status, str(exc), **_code(exc.sqlstate), **headers)


def _code(code):
    """Type and title of a problem by its SQLSTATE."""
    return {"kind": f"{PREFIX}/openapi.json#/x-problems/{code}", "title": description.problem_of(code)["title"]}


# Each of these does an operation: it takes the TokenClient, and what _arguments() found.


def _whoami(_client):
    person = g.person
    return {
        "name": person["name"], "identity": f"{person['provider']}:{person['subject']}",
        "assurance": person["assurance"], "token": person["token"], "scopes": person["scopes"],
        "ends_at": person["ends_at"], "reads": person["reads"],
    }  # fmt: skip


def _number_after(page):
    return None if page.after is None else page.after[0]


def _inbox(client, page, total):
    return _counted(page.of(client.inbox(page.more, _number_after(page))), total)


def _list(client, page, total, state=None, minion=None, mine=False, decided=False):
    return _counted(page.of(client.list(state, minion, page.more, mine, _number_after(page), decided)), total)


def _counted(rows, is_wanted):
    """The rows, with how many there are on all pages where that is wanted."""
    return [{name: value for name, value in row.items() if is_wanted or name != "total"} for row in rows]


def _show(client, request_id):
    shown = client.show(request_id, limit=MOST_SHOWN)
    return {name: value for name, value in shown.items() if name not in ("items", "next")}


def _items(client, request_id, page, outcomes=None):
    return page.of(client.show(request_id, outcomes, page.after, page.more)["items"])


def _values(client, request_id, after=None, limit=MOST_SHOWN):
    return client.values(request_id, after, limit)


def _request(client, request_type, minions, reason, after=None, overlap=None, digest=None, dry_run=False, **given):
    # A call that is sent again is known by its own key.
    asked = (request_type, minions, given, reason, fields.time("after", after), overlap, secrets.token_hex(16))
    return client.tried(*asked) if dry_run else {"request": client.request(*asked, digest)}


def _decide(decision):
    def decide(client, request_id, digest, stage, comment=""):
        return {"request": request_id, "state": client.decide(request_id, decision, comment, digest, stage)}

    return decide


def _review(client, request_id, comment=""):
    client.review(request_id, comment)
    return {"request": request_id, "state": "reviewed"}


def _cancel(client, request_id, comment=""):
    return {"request": request_id, "state": client.cancel(request_id, comment)}


def _revert(client, request_id, reason, minions=None, request_type="revert", overlap=None):
    return {"request": client.revert(request_id, minions, reason, request_type, overlap)}


def _packages(client, pattern, limit, minion=None):
    return client.packages(pattern, minion, limit)


def _minions(client, page, part=None):
    return page.of(client.minions(part, _number_after(page), page.more))


def _returns(client, page, minion):
    return page.of(client.returns(minion, page.after, page.more))


def _jobs(client, page, minion=None, start=None, until=None, fun=None, user=None, request_id=None):
    start, until = fields.time("start", start), fields.time("until", until)
    return page.of(client.jobs(minion, start, until, fun, user, request_id, page.after, page.more))


def _compliance(client):
    counts = client.compliance()
    return {"minions": counts.pop(None), "groups": counts}


def _deviations(client, page, standing=None, group=None):
    return page.of(client.out_of_line(standing, group, page.after, page.more))


OPERATIONS = {
    "whoami": _whoami, "inbox": _inbox, "list": _list, "request": _request, "show": _show, "items": _items,
    "values": _values,
    "plan": lambda client, request_id: client.plan(request_id), "approve": _decide("approve"),
    "reject": _decide("reject"), "review": _review, "cancel": _cancel, "revert": _revert,
    "types": lambda client: client.types(), "type": lambda client, name: client.type(name),
    "what_if": lambda client, request_type, minions: client.what_if(request_type, minions), "packages": _packages,
    "minions": _minions, "state": lambda client, minion: client.minion(minion), "returns": _returns, "jobs": _jobs,
    "compliance": _compliance, "deviations": _deviations,
}  # fmt: skip
MAKING = ("request", "revert")  # whose answer has the address of what they made
