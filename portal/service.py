"""The web service as a whole: from the settings to the end."""

import os

from .. import db
from ..chat import channels, story
from ..errors import ConfigError
from ..intake import masking
from ..itsm import sites
from . import (
    app,
    asking,
    audit,
    calendars,
    chat,
    compliance,
    config,
    delegations,
    findings,
    jobs,
    metrics,
    minions,
    oidc,
    pages,
    proxied,
    requests,
    rest,
    sessions,
    several,
    signing_in,
    signing_in_oidc,
    taking_back,
    tickets,
    what_if,
)
from .database import Connections
from .passwords import WHERE as PASSWORDS
from .passwords import Passwords
from .people import People
from .server import Server

READY_S = 2.0


def run(settings, schema):
    """Serve what application() gives until SIGTERM. Raises ConfigError, before anything is served."""
    served, web, counting = application(settings, schema)
    app.load(served)
    try:
        Server(served, web, counting).run()
    finally:
        if counting is not None:
            counting.end()


def application(settings, schema):
    """
    The WSGI application by the settings.Settings, its config.Web, and its metrics.Metrics, which are to be ended (None:
    nothing is counted).

    schema
        Has ``status(conn)``, as admin.migrate.Schema, whose ``pending`` has to be empty for the service to be ready.

    Raises ConfigError.
    """
    web = config.load(settings.web())
    heard = _heard(settings, web.public_url)
    # Each part has a login of its own; one of them is enough to tell whether the schema is of this version.
    wanted = {part: settings.section(part) is not None for part in ("itsm", "portal")} | {"chat": bool(heard)}
    databases = {part: _connections(settings, part) for part, is_wanted in wanted.items() if is_wanted}
    if not databases:
        raise ConfigError(
            "the web service has nothing to do: configure approval:portal, where people sign in, or approval:itsm, for "
            "systems of tickets"
        )
    desks = _desks(settings, web.root_routes, databases.get("itsm"))

    def schema_problem():
        pending = next(iter(databases.values())).call(READY_S, lambda conn: schema.status(conn).pending)
        return "the database's schema is older than this service: run salt-approval db upgrade" if pending else None

    def sites_problem():
        return "; ".join(found for desk in desks.values() if (found := desk.problem())) or None

    def chat_problem():
        databases["chat"].call(READY_S, lambda conn: conn.execute("SELECT"))
        for desk in heard.values():
            desk.check()

    def people_problem():
        databases["portal"].call(READY_S, lambda conn: conn.execute("SELECT"))
        for way in people.ways.values():
            way.check()

    checks, blueprints, names_people = {"database": schema_problem}, [], None
    if desks:
        checks["sites"] = sites_problem
        blueprints.append(tickets.blueprint(desks, web.root_routes))
    if heard:
        checks["chat"] = chat_problem
        blueprints.append(chat.blueprint(heard))
    if "portal" in databases:
        ways = _ways(settings.section("portal"), web)
        names_people = next((way.header for way in ways if isinstance(way, proxied.Proxied)), None)
        checks["people"] = people_problem
        masker = masking.of_site(settings.masking_patterns)
        people = People(ways, databases["portal"], masker, web.public_url.startswith("https:"))
        blueprints += [signing_in.blueprint(people), signing_in_oidc.blueprint(people), requests.blueprint(people)]
        more = (
            several, taking_back, minions, asking, compliance, jobs, calendars, audit, what_if, findings, delegations,
            sessions, rest,
        )  # fmt: skip
        blueprints += [one.blueprint(people) for one in more]
    else:
        blueprints.append(pages.blueprint())
    counting = None if web.metrics is None else metrics.Metrics(web.metrics[1])
    return app.create(web, checks, blueprints, names_people, counting), web, counting


def _connections(settings, part):
    settings.connection(part)
    return Connections(lambda: settings.connection(part))


def _desks(settings, root, database):
    """
    {name: tickets.Desk} of the sites of tickets.

    root
        The one whose rules are at ``/`` too; None: none.
    database
        The Connections of the sites; None: there are none.
    """
    known = {} if database is None else sites.load(settings.ticket_sites())
    found = {name: tickets.Desk(site, database) for name, site in known.items()}
    if root is not None and (root not in found or found[root].site.route_token_file is None):
        raise ConfigError(
            f"{config.WHERE}: root_routes: there is no site {root!r} with a route_token_file "
            f"(sites: {', '.join(found)})"
        )
    return found


def _heard(settings, public_url):
    """{name: chat.Desk} of the channels whose clicks come over HTTP."""
    if settings.section("chat") is None:
        return {}
    teller = story.Teller(masking.of_site(settings.masking_patterns).masked_text, public_url)
    return {
        name: chat.Desk(channel, lambda: db.connect(settings.connection("chat")), teller, public_url)
        for name, channel in channels.load(settings.chat_channels()).items()
        if channel.kind == "slack" and channel.settings.get("signing_secret_file")
    }


def _ways(section, web):
    """The ways to sign in that the settings name: those of providers first."""
    if not section.keys() & {"oidc", "proxied", "passwords"}:
        raise ConfigError(
            f"{oidc.WHERE} has to be set, with the provider at which people sign in; or {proxied.WHERE}, with the "
            f"proxy's header that names them; or {PASSWORDS}, for trying it out"
        )
    ways = oidc.load(section["oidc"], web.public_url) if "oidc" in section else []
    if "proxied" in section:
        ways.append(proxied.load(section["proxied"], web.bind.startswith(config.UNIX)))
        if ways[-1].provider in {way.provider for way in ways[:-1]}:
            raise ConfigError(f"{proxied.WHERE}: name: {ways[-1].provider} is a provider of {oidc.WHERE}: take another")
    if "passwords" in section:
        path = section["passwords"]
        if not isinstance(path, str) or not os.path.isabs(path):
            raise ConfigError(
                f"{PASSWORDS} must be the full path of a file, with a line of `salt-approval web password NAME` for "
                "each person"
            )
        ways.append(Passwords(path))
    return ways
