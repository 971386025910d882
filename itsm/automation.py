"""The bodies that rules of Jira Automation send to the five routes of saltconf21, and the errors that they get.

A rule knows the key of its ticket alone, and its body is unsigned: it says that there is something to fetch.
"""

from dataclasses import dataclass

from ..errors import InputError
from . import body as json_body
from . import items
from .jira import KEY
from .ticket import ROUTES, Ask

MOST_MINIONS = 10_000
NO_JSON = "Expected a valid JSON request body."
INVALID = "Invalid parameters."
NO_TICKET = "Expected ITSM ID in field 'itsm_id'."
NO_MINIONS = "Expected list of minion IDs in field 'minion_ids'."
NO_PACKAGE = "Expected package name in field 'package_name'."
NO_VERSION = "Expected package version in field 'package_version'."
NO_TIME = "Expected ISO-formatted datetime in field 'after'."


class AutomationError(InputError):
    """
    A rule's body cannot be meant; its text says why.

    error
        The text that saltconf21 answered with, which rules may look for.
    """

    def __init__(self, error, message):
        super().__init__(message)
        self.error = error


@dataclass(frozen=True)
class Rule:
    """
    What a rule's body says.

    route
        One of ticket.ROUTES.
    key
        The key of its ticket; None: of a sync, which is about none.
    ask
        The Ask; None: of a sync.
    """

    route: str
    key: str | None = None
    ask: Ask | None = None


def read(route, body, site):
    """
    The Rule in a body, bytes, that came by a route of a sites.Site of kind jira. Raises AutomationError.

    The body of a sync is not looked at.
    """
    if route not in ROUTES:
        raise InputError(f"there is no route {route!r} (known: {', '.join(ROUTES)})")
    if route == "sync":
        return Rule(route)
    content = _or_error(NO_JSON, json_body.value, body)
    if content is None:
        raise AutomationError(NO_JSON, "the body is null")
    if not isinstance(content, dict):
        raise AutomationError(INVALID, "the body is no JSON object")
    key = content.get("itsm_id")
    match = KEY.fullmatch(key) if isinstance(key, str) else None
    if match is None:
        raise AutomationError(NO_TICKET, f"itsm_id: {items.shown(key)} is not the key of an issue, as in SC21-101")
    if match[1] not in {project for project, _ in site.own.types}:
        raise AutomationError(NO_TICKET, f"itsm_id: {key} is of no project that this site reads")
    if route == "revert":
        return Rule(route, key, Ask(site.revert_type))
    ticket_type = site.routes[route]
    minions = _minions(content)
    asked = (
        (("action", *ticket_type.action),)
        if ticket_type.action is not None
        else (_package(content, route, ticket_type),)
    )
    after = content.get("after", "")
    # A smart value leaves this where the field is empty.
    after = None if after == "" else _or_error(NO_TIME, items.moment, "after", after)
    return Rule(route, key, Ask(ticket_type.request_type, minions, asked, after))


def _minions(content):
    """The ids; a text alone is one of them."""
    field = "minion_ids" if "minion_ids" in content else "minion_id"
    given = content.get(field)
    if field in content and given is None:
        raise AutomationError(INVALID, f"{field} is null")
    given = [given] if isinstance(given, str) and given else given
    return _or_error(NO_MINIONS, items.minions, [("list", field)], {field: given})


def _package(content, route, ticket_type):
    name = content.get("package_name")
    version = "remove" if route == "remove" else content.get("package_version")
    if not isinstance(name, str) or not name:
        raise AutomationError(NO_PACKAGE, f"package_name: {items.shown(name)} is no name")
    if not isinstance(version, str) or not version:
        raise AutomationError(NO_VERSION, f"package_version: {items.shown(version)} is no version: quote it")
    # A right name beside a wrong version, so that the error is that of the version.
    _or_error(NO_PACKAGE, items.package, "package_name", name, "0", ticket_type.names)
    return ("package", *_or_error(NO_VERSION, items.package, "package_version", name, version, ticket_type.names))


def _or_error(error, function, *args):
    """What the function gives; its InputError becomes an AutomationError."""
    try:
        return function(*args)
    except InputError as exc:
        raise AutomationError(error, str(exc)) from None
