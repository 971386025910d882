"""Deliveries of systems of tickets: proven, kept for the worker that works them off, and answered within seconds.

What is answered says whether the sender has to send it again: systems do so after 5xx, and never after 4xx. So 503 is
the answer whenever the fault is ours.
"""

import datetime
import hmac
import logging
import time
import uuid

from flask import Blueprint, abort, request
from werkzeug.exceptions import HTTPException

from .. import db
from ..errors import ConfigError, InputError, Refused, Unavailable
from ..itsm import automation, body, sites
from ..itsm.ticket import ROUTES, Ignored, Unsigned
from . import answers, incoming, log

KEEP_S = 2.0  # for the database to keep a delivery
ANSWER_S = 2.0  # from the arrival of a rule's request on: Jira waits for three seconds
PAUSES_S = (0.05, 0.1, 0.2)  # between looks whether a rule's request is there; the last one again and again
SHORTEST_TOKEN = 16
MALFORMED = "AP005"
NO_ACCESS = "Unauthorized"
NOTHING_DONE = ("refused: ", "ignored: ")  # begins what the worker notes of a ticket for which nothing is done


class Desk:
    """
    The place where the deliveries of a sites.Site come in: the site, its System, and the database.Connections.

    Raises ConfigError if a secret of the site cannot be used.
    """

    def __init__(self, site, database):
        self.site = site
        self.system = sites.system(site)
        self.database = database
        for secret in site.secrets:
            secret.key()
        token = site.route_token()
        if token is not None and len(token) < SHORTEST_TOKEN:
            raise ConfigError(f"{site.where}: route_token_file: a token has at least {SHORTEST_TOKEN} characters")

    def problem(self):
        """What keeps deliveries of the site from being taken, a sentence; None: nothing. Raises ApprovalError."""
        for secret in self.site.secrets:
            secret.key()
        self.site.route_token()
        # The database says no to whoever does not speak for the site, though nothing is claimed.
        self._call("claim_deliveries", 0, datetime.timedelta(0))

    def keep(self, key, ticket, content):
        """
        Have the worker find a delivery; gives ``new``, or ``known``: it came before. Raises Unavailable, Refused.

        key
            What tells it from all others of the site.
        ticket
            The id or key of its ticket.
        content
            {"way": webhook or automation, "route": of a rule, "body": the text that came}.
        """
        return self._call("receive_delivery", key, ticket, db.json(content))[0]["receive_delivery"]

    def outcome(self, key):
        """How far such a delivery is, as ``approval.delivery_outcome`` has it."""
        return self._call("delivery_outcome", key)[0]

    def _call(self, function, *arguments):
        try:
            return self.database.call(KEEP_S, lambda conn: db.call(conn, function, self.site.provider, *arguments))
        except Refused as exc:
            if exc.sqlstate == MALFORMED:
                raise
            raise Unavailable(str(exc)) from None


def blueprint(desks, root=None):
    """
    ``/itsm/SITE/webhook``, and the routes of rules below ``/itsm/SITE/``.

    desks
        {name of a site: its Desk}.
    root
        The name of the site whose routes are there at ``/`` too; None: no site's.
    """
    tickets = Blueprint("tickets", __name__)

    @tickets.post("/itsm/<name>/webhook")
    def webhook(name):
        return _webhook(desks.get(name) or abort(404))

    @tickets.post(f"/itsm/<name>/<any({', '.join(ROUTES)}):route>")
    def rule(name, route):
        return _rule(desks.get(name), route)

    if root is not None:

        @tickets.post(f"/<any({', '.join(ROUTES)}):route>")
        def rule_at_root(route):
            return _rule(desks[root], route)

    return tickets


def _webhook(desk):
    """Take a delivery: 202 it is new, 200 it is known or asks for nothing, 401 it is not proven, 400 it is none."""
    content = incoming.content(body.MOST_BYTES)
    headers = dict(request.headers)
    try:
        retiring = desk.system.verify(headers, content, datetime.datetime.now(datetime.timezone.utc))
    except Unsigned as exc:
        _say("a delivery is not proven", desk, logging.WARNING, why=str(exc))
        return answers.problem(401, "Unauthorized", str(exc))
    if retiring:
        _say("a delivery is signed with a secret to be retired", desk, logging.WARNING, secret=retiring)
    try:
        key, ticket = desk.system.delivery(headers, content)
        text = content.decode("utf-8")
    except Ignored as exc:
        return answers.as_json({"status": "ignored", "why": str(exc)})
    except (InputError, UnicodeDecodeError) as exc:
        return answers.problem(400, "Bad Request", str(exc) if isinstance(exc, InputError) else "the body is not UTF-8")
    try:
        came = desk.keep(key, ticket, {"way": "webhook", "body": text})
    except Refused as exc:
        return answers.problem(400, "Bad Request", str(exc))
    return answers.as_json({"status": came}, 202 if came == "new" else 200)


def _rule(desk, route):
    """Take what a rule sends; rules look for exactly 200, and for the texts of errors that they know."""
    began = time.monotonic()
    try:
        token = desk.site.route_token() if desk is not None else None
        if token is None:
            abort(404)
        content = incoming.content(body.MOST_BYTES)
        if not _has_token(token):
            _say("a rule did not show the token of its site", desk, logging.WARNING)
            response = _failed(401, NO_ACCESS)
            response.headers["WWW-Authenticate"] = "Bearer"
            return response
        try:
            asked = automation.read(route, content, desk.site)
        except automation.AutomationError as exc:
            return _failed(400, exc.error)
        # A rule has no key of its own. What it asks for a second time is the same request, as the worker finds.
        key = f"rule:{uuid.uuid4().hex}"
        given = {"way": "automation", "route": route, "body": "" if route == "sync" else content.decode("utf-8")}
        desk.keep(key, asked.key or route, given)
        if route == "sync":
            return answers.as_json({"success": True, "state": "queued"})
        return _answer_of(desk, key, began + ANSWER_S)
    except Refused:
        return _failed(400, automation.INVALID)
    except (Unavailable, ConfigError) as exc:
        _say("a rule could not be answered", desk, logging.ERROR, why=str(exc))
        return _failed(503, "Service Unavailable")
    except HTTPException as exc:
        return _failed(exc.code, exc.name)


def _answer_of(desk, key, until):
    """What a rule is answered: the request, if the worker has it in time, else that it is queued."""
    waited = 0
    found = None
    while found is None and time.monotonic() < until:
        time.sleep(PAUSES_S[min(waited, len(PAUSES_S) - 1)])
        waited += 1
        try:
            outcome = desk.outcome(key)
        except Unavailable:
            break  # it is kept, which is what counts
        if outcome["state"] != "waiting":
            found = outcome
    if found is None:
        return answers.as_json({"success": True, "state": "queued"})
    if found["request_id"] is None or (found["note"] or "").startswith(NOTHING_DONE):
        return _failed(400, automation.INVALID)
    return answers.as_json({"success": True, "request": found["request_id"], "state": found["request_state"]})


def _has_token(token):
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode("utf-8"), token)


def _failed(status, error):
    return answers.as_json({"success": False, "error": error}, status)


def _say(event, desk, level, **fields):
    log.say(event, level, id=request.environ["approval.request_id"], site=desk.site.name, **fields)
