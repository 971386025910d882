"""A document read as it is when it comes in, without network and database: how a site's settings are tried out."""

import datetime
import re

from ..errors import InputError
from . import automation, items, sites
from . import body as json_body
from .ticket import Ask, Ignored, NoSignature, Unfetched, Unsigned

MOST_TICKET_BYTES = 64 * 1024 * 1024  # of a fetched ticket with its history
FORM_ONLY = "for their form only: --minions names a file of those that there are"

BETWEEN = re.compile(r"[\s,]+")
# Members that only the answer to a document that asks for something has.
ASKED = (
    "type", "minions", "items", "after", "to_fetch", "external_ref", "requester", "on_behalf_of", "editors",
    "decisions",
)  # fmt: skip


def read(site, content, way, route=None, minions=None, headers=None):
    """
    What a document asks for.

    site, content
        The sites.Site; the document as bytes.
    way, route
        One of ticket.WAYS; of a rule, one of ticket.ROUTES.
    minions
        The ids that there are; None: not known.
    headers
        {name: value} of the delivery; None: not known.

    Gives (outcome, answer): ``asks``, ``refused`` or ``ignored``, and what is shown of it, which JSON has a form for.
    Raises InputError for arguments that do not belong together, ConfigError.
    """
    if (way == "automation") != (route is not None):
        raise InputError("--route belongs to --as automation, and has to be given there")
    if way == "automation" and site.kind != "jira":
        raise InputError(f"{site.name} is of kind {site.kind}: rules are those of Jira Automation")
    if route is not None and route not in automation.ROUTES:
        raise InputError(f"--route is one of {', '.join(automation.ROUTES)}")
    answer = {"outcome": "asks", "site": site.name, "provider": site.provider, "as": way}
    if route:
        answer["route"] = route
    answer["minions_checked"] = FORM_ONLY if minions is None else "against the list that was given"
    try:
        answer["signature"] = _signature(site, content, way, headers)
        answer.update(_rule(site, route, content) if route else _ticket(site, content, way, headers or {}))
        _check_known(answer.get("minions", ()), minions)
    except Unsigned as exc:
        answer.update(outcome="refused", signature="wrong", error=str(exc))
    except automation.AutomationError as exc:
        answer.update(outcome="refused", error=str(exc), answer={"success": False, "error": exc.error})
    except InputError as exc:
        answer.update(outcome="refused", error=str(exc))
    except Ignored as exc:
        answer.update(outcome="ignored", why=str(exc))
    if answer["outcome"] != "asks":
        answer = {name: value for name, value in answer.items() if name not in ASKED}
    return answer["outcome"], answer


def listed_minions(content):
    """The ids in the content of a file: a JSON list, or words with blanks or commas between them. Raises InputError."""
    if content.lstrip().startswith(b"["):
        found = json_body.value(content, MOST_TICKET_BYTES)
    else:
        lines = _decoded("the list of minions", content).splitlines()
        found = [word for line in lines if not line.lstrip().startswith("#") for word in BETWEEN.split(line) if word]
    if not found or not all(isinstance(one, str) for one in found):
        raise InputError("the list of minions names none, or has something else than texts")
    return set(found)


def headers(content):
    """The headers in the content of a file: a JSON object, or lines of ``Name: value``. Raises InputError."""
    if content.lstrip().startswith(b"{"):
        found = json_body.read(content)
        if not all(isinstance(value, str) for value in found.values()):
            raise InputError("each header is a text")
        return found
    found = {}
    for line in _decoded("the file of headers", content).splitlines():
        name, colon, value = line.partition(":")
        if line.strip() and not colon:
            raise InputError(f"{items.shown(line)} is no header, as in 'Content-Type: application/json'")
        if line.strip():
            found[name.strip()] = value.strip()
    return found


def _ticket(site, content, way, headers):
    system = sites.system(site)
    if way == "webhook":
        system.delivery(headers, content)
    document = json_body.read(content, MOST_TICKET_BYTES if way == "ticket" else json_body.MOST_BYTES)
    ticket = system.ticket(document)
    external_ref = f"{ticket.id}#1"
    try:
        asked = _asked(system.ask(ticket), external_ref)
    except Unfetched as exc:
        # Minions and items are left out, rather than told in part.
        asked = {"type": exc.request_type, "to_fetch": list(exc.addresses), "external_ref": external_ref}
    return {
        "ticket": {name: getattr(ticket, name) for name in ("id", "key", "url", "title", "status", "stage")},
        **asked,
        "requester": ticket.creator and ticket.creator.subject,
        "on_behalf_of": ticket.on_behalf_of and ticket.on_behalf_of.subject,
        "editors": [one.subject for one in ticket.editors],
        "decisions": [
            {
                "key": one.key,
                "decision": one.decision,
                "about": one.about,
                "by": one.by.subject,
                "at": _text(one.at),
                "spoiled": list(one.spoiled),
            }
            for one in ticket.decisions
        ],
    }


def _rule(site, route, content):
    rule = automation.read(route, content, site)
    if rule.ask is None:
        # It is about no ticket: the choices that the site's fields offer are brought up to date.
        return {"ticket": None, **_asked(Ask(route), None)}
    # A rule knows the key alone; when the ticket is fetched, its id takes this place.
    return {"ticket": {"id": None, "key": rule.key}, **_asked(rule.ask, f"{rule.key}#1")}


def _asked(ask, external_ref):
    return {
        "type": ask.type,
        "minions": list(ask.minions),
        "items": None
        if ask.items is None
        else [{"kind": kind, "name": name, "value": value} for kind, name, value in ask.items],
        "after": _text(ask.after),
        "external_ref": external_ref,
    }


def _text(at):
    return at and at.isoformat()


def _signature(site, content, way, given):
    """What is said of the signature. Raises Unsigned where there is one, and it is wrong."""
    if given is None:
        return "not checked: --headers names a file of what it was sent with"
    if way != "webhook":
        return "not checked: a webhook has one, and nothing else"
    try:
        old = sites.system(site).verify(given, content, datetime.datetime.now(datetime.timezone.utc))
    except NoSignature as exc:
        return f"not checked: {exc}"
    return f"right, made with {old}" if old else "right"


def _check_known(asked, known):
    unknown = [] if known is None else [minion for minion in asked if minion not in known]
    if unknown:
        raise InputError(f"no minion is called {', '.join(map(items.shown, unknown))}: nothing is asked for")


def _decoded(what, content):
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{what} is not UTF-8") from None
