"""The sites whose tickets are read, as the configuration describes them below ``approval:itsm:sites``."""

import datetime
import importlib
import os
import re
import zoneinfo
from dataclasses import dataclass, field

from ..config import read_secret_file
from ..errors import ConfigError, InputError
from ..intake.fields import json_text
from . import items, ticket
from .signature import Secret

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
TYPE_NAME = re.compile(r"[a-z][a-z0-9-]*")
# Without TLS for a site on this machine alone.
URL = re.compile(
    r"(?:https://(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])|http://(?:localhost|127\.0\.0\.1|\[::1\]))"
    r"(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/-]*)?"
)
LANGUAGE = re.compile(r"[a-z]{2}")
# Settings that every kind of site has.
COMMON = (
    "kind", "url", "auth", "webhook_secrets", "time_zone", "language", "ignore_actors", "revert_type", "routes",
    "route_token_file",
)  # fmt: skip
# The routes of rules ask for this where the site says nothing else: route -> settings of a TicketType.
ROUTE_TYPES = {
    "install": {"request_type": "package"},
    "remove": {"request_type": "package"},
    "reboot": {"request_type": "reboot", "action": "system.reboot"},
}
REVERT_TYPE = "revert"


@dataclass(frozen=True)
class TicketType:
    """
    What tickets of one type ask for, and where it stands in them.

    request_type
        The type of the requests.
    minions, packages
        Sources, as items.minions() and items.packages() take them.
    action
        (function, its arguments as canonical JSON); None: they are about packages.
    after
        The field that says when; None: at once.
    names
        How names and versions look, a key of items.RULES.
    """

    request_type: str
    minions: tuple = ()
    packages: tuple = ()
    action: tuple | None = None
    after: str | None = None
    names: str = "any"

    @property
    def fields(self):
        """The fields that are read, each once: those that are bound."""
        sources = [name for _, name in (*self.minions, *self.packages)]
        return tuple(dict.fromkeys([*sources, *([self.after] if self.after else [])]))


@dataclass(frozen=True)
class Site:
    """
    A site.

    name, kind
        Its name in the configuration, and the key of ticket.SYSTEMS.
    url
        Where it is, without a slash at the end; None: nothing is asked there.
    auth
        How we log in there, as the configuration has it: settings of the kind (see AUTH of its module).
    secrets
        The signature.Secrets of its webhooks.
    time_zone, language
        Of what its tickets are told.
    ignore_actors
        Subjects whose acts in tickets decide nothing: those that rules and apps act as, and we.
    revert_type
        The request type of reverts.
    routes
        The TicketType of each route of rules that asks for something new.
    route_token_file
        The file with the token that rules show; None: there are no routes.
    own
        What the settings of its kind say: an object of that module.
    """

    name: str
    kind: str
    url: str | None
    auth: dict = field(default_factory=dict, repr=False)
    secrets: tuple = ()
    time_zone: str = "UTC"
    language: str = "en"
    ignore_actors: frozenset = frozenset()
    revert_type: str = REVERT_TYPE
    routes: dict = field(default_factory=dict)
    route_token_file: str | None = None
    own: object = None

    @property
    def provider(self):
        """Its name as a provider of identities, a source of requests and a destination of messages."""
        return f"{ticket.PREFIXES[self.kind]}-{self.name}"

    @property
    def where(self):
        """Where its settings stand, for errors."""
        return f"approval:itsm:sites:{self.name}"

    def route_token(self):
        """The token that rules show, bytes; None: there are no routes. Raises ConfigError."""
        if self.route_token_file is None:
            return None
        return read_secret_file(self.route_token_file, f"{self.where}: route_token_file").encode()


def load(mapping):
    """
    The Sites by name in the mapping ``approval:itsm:sites``. No file that they name is opened. Raises ConfigError,
    which says where the wrong setting stands.
    """
    return {name: _site(name, given) for name, given in mapping.items()}


def find(sites, name):
    """The Site of this name, or of this provider. Raises InputError."""
    for site in sites.values():
        if name in (site.name, site.provider):
            return site
    raise InputError(f"there is no site {name!r} (known: {', '.join(sites)})")


def system(site):
    """The ticket.System of a Site."""
    return importlib.import_module(ticket.SYSTEMS[site.kind]).SYSTEM(site)


def _site(name, given):
    where = f"approval:itsm:sites:{name}"
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ConfigError(f"{where}: a site's name is of small letters, digits and -, 40 at most")
    kind = given.get("kind") if isinstance(given, dict) else None
    if not isinstance(kind, str) or kind not in ticket.SYSTEMS:
        raise ConfigError(f"{where}: kind must be one of {', '.join(ticket.SYSTEMS)}")
    module = importlib.import_module(ticket.SYSTEMS[kind])
    mapping(where, given, (*COMMON, *module.OWN))
    url = given.get("url")
    if url is not None and (not isinstance(url, str) or not URL.fullmatch(url)):
        raise ConfigError(f"{where}: url must be that of the site, with https, as in https://example.atlassian.net")
    auth = mapping(f"{where}: auth", given.get("auth") or {}, (*module.AUTH, "expires"))
    for setting, value in auth.items():
        if setting == "expires":
            _day(f"{where}: auth: expires", value)
        elif setting.endswith("_file"):
            path(f"{where}: auth: {setting}", value)
        else:
            text(f"{where}: auth: {setting}", value)
    return Site(
        name,
        kind,
        url and url.rstrip("/"),
        auth,
        _secrets(f"{where}: webhook_secrets", given.get("webhook_secrets")),
        _time_zone(f"{where}: time_zone", given.get("time_zone", "UTC")),
        _matching(f"{where}: language", given.get("language", "en"), LANGUAGE, "two small letters, as in en"),
        frozenset(texts(f"{where}: ignore_actors", given.get("ignore_actors"))),
        _type_name(f"{where}: revert_type", given.get("revert_type", REVERT_TYPE)),
        _routes(f"{where}: routes", given.get("routes")),
        given.get("route_token_file") and path(f"{where}: route_token_file", given["route_token_file"]),
        module.settings(where, given),
    )


def ticket_type(where, given, minion_form, package_form, fetched=()):
    """
    The TicketType in the mapping ``given``; ``where`` names it. The forms are those of a source of which the field
    alone is named, ``fetched`` those of items.FETCHED that this kind of site has. Raises ConfigError.
    """
    mapping(where, given, ("request_type", "minions", "packages", "action", "parameters", "after", "names"))
    read = _type_rest(where, given)
    minion_forms, package_forms = (
        [form for form in forms if form in fetched or form not in items.FETCHED]
        for forms in (items.MINION_FORMS, items.PACKAGE_FORMS)
    )
    minions = sources(f"{where}: minions", given.get("minions"), minion_forms, minion_form)
    packages = sources(f"{where}: packages", given.get("packages"), package_forms, package_form)
    if not minions:
        raise ConfigError(f"{where}: minions must name the field that they stand in")
    if bool(packages) == (read["action"] is not None):
        raise ConfigError(f"{where}: set packages, the fields that they stand in, or action; and not both")
    after = given.get("after")
    return TicketType(minions=minions, packages=packages, after=after and text(f"{where}: after", after), **read)


def sources(where, given, forms, form):
    """
    The sources in ``given``: a field, a mapping of one form to a field, or a list of these; () for None. Raises
    ConfigError.
    """
    found = []
    for one in [] if given is None else given if isinstance(given, list) else [given]:
        if isinstance(one, str) and one:
            found.append((form, one))
        elif isinstance(one, dict) and len(one) == 1 and set(one) <= set(forms):
            found.extend((name, text(where, value)) for name, value in one.items())
        else:
            raise ConfigError(f"{where}: each is a field, or {' or '.join(f'{{{name}: FIELD}}' for name in forms)}")
    return tuple(found)


def mapping(where, given, known=None):
    """``given`` if it is a mapping of settings with these names alone; None: with any. Raises ConfigError."""
    if not isinstance(given, dict):
        raise ConfigError(f"{where} must be a mapping of settings")
    for name in given:
        if known is not None and name not in known:
            raise ConfigError(f"{where}: there is no setting {name!r} (known: {', '.join(known)})")
    return given


def text(where, given):
    """``given`` if it is a text that is not empty. Raises ConfigError."""
    if not isinstance(given, str) or not given.strip():
        raise ConfigError(f"{where} must be a text: put it in quotes")
    return given


def texts(where, given):
    """The texts in ``given``, one or a list of them; none for None."""
    return tuple(text(where, one) for one in ([] if given is None else given if isinstance(given, list) else [given]))


def path(where, given):
    """``given`` if it is the full path of a file. Raises ConfigError."""
    if not isinstance(given, str) or not os.path.isabs(given):
        raise ConfigError(f"{where} must be the full path of a file")
    return given


def _type_rest(where, given):
    """The arguments of a TicketType that do not name fields."""
    function, parameters = given.get("action"), given.get("parameters")
    if function is None and parameters is not None:
        raise ConfigError(f"{where}: parameters are those of an action: name it as action")
    if parameters is not None and not isinstance(parameters, dict):
        raise ConfigError(f"{where}: parameters must be a mapping")
    try:
        action = function and (text(f"{where}: action", function), json_text("parameters", parameters or {}))
    except InputError as exc:
        raise ConfigError(f"{where}: {exc}") from None
    names = given.get("names", "any")
    if not isinstance(names, str) or names not in items.RULES:
        raise ConfigError(f"{where}: names must be {' or '.join(items.RULES)}")
    return {
        "request_type": _type_name(f"{where}: request_type", given.get("request_type")),
        "action": action,
        "names": names,
    }


def _routes(where, given):
    mapping(where, {} if given is None else given, tuple(ROUTE_TYPES))
    found = {}
    for route, usual in ROUTE_TYPES.items():
        place = f"{where}: {route}"
        settings = mapping(place, (given or {}).get(route, {}), ("request_type", "action", "parameters", "names"))
        if "action" in settings and "action" not in usual:
            raise ConfigError(f"{place} is about packages, so it has no action")
        found[route] = TicketType(**_type_rest(place, {**usual, **settings}))
    return found


def _secrets(where, given):
    if given is None:
        return ()
    if not isinstance(given, list):
        raise ConfigError(f"{where} must be a list, as in [{{file: /etc/salt-approval/sc21.secret}}]")
    found = []
    for one in given:
        mapping(where, one, ("file", "until"))
        until = None if one.get("until") is None else _day(f"{where}: until", one["until"])
        found.append(Secret(where, path(f"{where}: file", one.get("file")), until))
    if found and all(secret.until for secret in found):
        raise ConfigError(f"{where}: one of them has to stay, so it has no until")
    # The one that stays is what we sign with ourselves.
    return tuple(sorted(found, key=lambda secret: secret.until is not None))


def _day(where, given):
    if isinstance(given, datetime.date) and not isinstance(given, datetime.datetime):
        return given
    raise ConfigError(f"{where} must be a day, as in 2026-12-31")


def _time_zone(where, given):
    try:
        zoneinfo.ZoneInfo(given)
    except (TypeError, ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        raise ConfigError(f"{where} must be a time zone, as in Europe/Amsterdam") from None
    return given


def _type_name(where, given):
    return _matching(where, given, TYPE_NAME, "the name of a request type")


def _matching(where, given, pattern, form):
    if not isinstance(given, str) or not pattern.fullmatch(given):
        raise ConfigError(f"{where} must be {form}")
    return given
