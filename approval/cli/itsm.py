"""Commands about tickets of other systems."""

import json
import sys

from . import itsm_site, itsm_tickets
from .command import DONE, IN_PART, REFUSED, group, leaf, read
from .serve import CONFIG

WAYS = ("webhook", "automation", "ticket")


def add(commands):
    """Declare the commands."""
    ours = group(commands, "itsm", "tickets of Jira, ServiceNow and others")
    _add_read(ours)
    itsm_site.add(ours)
    itsm_tickets.add(ours)


def _add_read(ours):
    command = leaf(
        ours, "read", _read,
        "what a document of a ticket would ask for, without network and database; exit code 0: it asks for that, "
        "1: it is refused, 3: it asks for nothing",
    )  # fmt: skip
    command.add_argument("file", metavar="FILE", help="the document; - is standard input")
    command.add_argument("--site", metavar="SITE", required=True, help="the site that it comes from, or its provider")
    command.add_argument("--config", metavar="FILE", default=CONFIG, help="where the sites are described (%(default)s)")
    command.add_argument(
        "--as", dest="way", choices=WAYS, default=WAYS[0],
        help="webhook: what the system sent (the default); automation: the body of a rule, with --route; ticket: what "
        "the system's API gave",
    )  # fmt: skip
    command.add_argument("--route", metavar="ROUTE", help="of a rule: install, remove, revert, reboot or sync")
    command.add_argument(
        "--minions",
        metavar="FILE",
        help="the ids that there are: one a line, or a JSON list",
    )
    command.add_argument(
        "--headers",
        metavar="FILE",
        help="what it was sent with, as JSON or lines: a signature is checked",
    )


def _read(arguments):
    from ..itsm import reading, sites
    from ..settings import Settings

    site = sites.find(sites.load(Settings.from_service_file(arguments.config).ticket_sites()), arguments.site)
    code, answer = reading.read(
        site,
        read(arguments.file),
        arguments.way,
        arguments.route,
        arguments.minions and reading.listed_minions(read(arguments.minions)),
        arguments.headers and reading.headers(read(arguments.headers)),
    )
    is_utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    print(json.dumps(answer, indent=2, ensure_ascii=not is_utf8))
    return {"asks": DONE, "refused": REFUSED, "ignored": IN_PART}[code]
