"""The web service as a whole: from the settings to the end."""

from .. import db
from ..chat import channels, story
from ..errors import ConfigError
from ..intake import masking
from ..itsm import sites
from . import app, chat, config, tickets
from .database import Connections
from .server import Server

READY_S = 2.0


def run(settings, schema):
    """
    Serve until SIGTERM, by the settings.Settings.

    schema
        Has ``status(conn)``, as admin.migrate.Schema, whose ``pending`` has to be empty for the service to be ready.

    Raises ConfigError, before anything is served.
    """
    web = config.load(settings.web())
    settings.connection("itsm")
    database = Connections(lambda: settings.connection("itsm"))
    desks = {name: tickets.Desk(site, database) for name, site in sites.load(settings.ticket_sites()).items()}
    root = web.root_routes
    if root is not None and (root not in desks or desks[root].site.route_token_file is None):
        raise ConfigError(
            f"{config.WHERE}: root_routes: there is no site {root!r} with a route_token_file "
            f"(sites: {', '.join(desks)})"
        )

    def schema_problem():
        pending = database.call(READY_S, lambda conn: schema.status(conn).pending)
        return "the database's schema is older than this service: run salt-approval db upgrade" if pending else None

    def sites_problem():
        return "; ".join(found for desk in desks.values() if (found := desk.problem())) or None

    checks = {"database": schema_problem, "sites": sites_problem}
    blueprints = [tickets.blueprint(desks, root)]
    if heard := _heard(settings, web.public_url):
        chats = Connections(lambda: settings.connection("chat"))

        def chat_problem():
            chats.call(READY_S, lambda conn: conn.execute("SELECT"))
            for desk in heard.values():
                desk.check()

        checks["chat"] = chat_problem
        blueprints.append(chat.blueprint(heard))
    Server(app.create(web, checks, blueprints), web).run()


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
