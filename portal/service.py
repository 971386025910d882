"""The web service as a whole: from the settings to the end."""

from . import app, config
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

    def schema_problem():
        pending = database.call(READY_S, lambda conn: schema.status(conn).pending)
        return "the database's schema is older than this service: run salt-approval db upgrade" if pending else None

    Server(app.create(web, {"database": schema_problem}), web).run()
