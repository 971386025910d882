"""Commands about what is known of the tickets of a site: their open requests, and what the site sent."""

import datetime
from contextlib import contextmanager

from .command import answer, leaf
from .layout import table
from .serve import CONFIG


def add(ours):
    """Declare the commands, among those about tickets."""
    command = leaf(ours, "list", _list, "the open requests of the tickets of a site")
    _add_site(command)
    command.add_argument(
        "--deliveries", action="store_true", help="in place of them what the site sent and is not done yet"
    )
    command.add_argument("--limit", metavar="N", type=int, default=50, help="of deliveries (%(default)s)")
    command = leaf(ours, "retry", _retry, "work off again what a site sent and was given up, as it failed too often")
    _add_site(command)
    command.add_argument("key", metavar="KEY", nargs="?", help="that of one delivery; all without it")


def _add_site(command):
    command.add_argument("site", metavar="SITE", help="its name, or its provider")
    command.add_argument("--config", metavar="FILE", default=CONFIG, help="where the sites are described (%(default)s)")


def _list(arguments):
    with _site(arguments) as (conn, provider):
        if arguments.deliveries:
            return answer(arguments, _rows(conn, "list_deliveries", provider, None, arguments.limit), deliveries_text)
        return answer(arguments, _rows(conn, "tickets", provider, None), tickets_text)


def _retry(arguments):
    from .. import db

    with _site(arguments) as (conn, provider):
        result = {"retried": db.value(conn, "retry_delivery", provider, arguments.key)}
    return answer(arguments, result, lambda result: f"{result['retried']} will be worked off again")


def _rows(conn, function, *parameters):
    """The rows that a function of the database gives, with times as JSON has them."""
    from .. import db

    return [
        {name: value.isoformat() if isinstance(value, datetime.datetime) else value for name, value in row.items()}
        for row in db.call(conn, function, *parameters)
    ]


@contextmanager
def _site(arguments):
    """A connection of the part that reads tickets, and the provider of the site that the arguments name."""
    from .. import db
    from ..itsm import sites
    from ..settings import Settings

    settings = Settings.from_service_file(arguments.config)
    site = sites.find(sites.load(settings.ticket_sites()), arguments.site)
    with db.connect(settings.connection("itsm")) as conn:
        yield conn, site.provider


def tickets_text(rows):
    """The open requests of tickets, a line each."""
    columns = {
        "key": "TICKET", "ticket_id": "ID", "request_id": "REQUEST", "asks_for": "ASKS FOR", "state": "STATE",
        "bound_at": "TOLD", "held": "HELD, AS",
    }  # fmt: skip
    shown = [{**row, "asks_for": "taking back" if row["is_revert"] else f"time {row['generation']}"} for row in rows]
    return table(shown, columns) if rows else "no ticket has an open request"


def deliveries_text(rows):
    """Deliveries that are not done, a line each."""
    columns = {
        "key": "DELIVERY", "ticket": "TICKET", "state": "STATE", "attempts": "FAILED", "received_at": "CAME",
        "due_at": "DUE", "note": "WHAT CAME OF IT",
    }  # fmt: skip
    return table(rows, columns) if rows else "all that the site sent is worked off"
