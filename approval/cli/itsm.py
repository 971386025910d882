"""Commands about tickets of other systems."""

import functools
import json
import sys

from . import itsm_site, itsm_tickets
from .command import DONE, IN_PART, REFUSED, answer, group, leaf, read
from .layout import plain
from .serve import CONFIG

WAYS = ("webhook", "automation", "ticket")
MOST_NAMED = 10


def add(commands):
    """Declare the commands."""
    ours = group(commands, "itsm", "tickets of Jira, ServiceNow and others")
    _add_read(ours)
    itsm_site.add(ours)
    _add_options(ours)
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


def _add_options(ours):
    command = leaf(
        ours, "options", _options,
        "bring what the fields of a site offer in line with the inventory now; else the worker does it every few "
        "hours; exit code 3 if there was no room for some, or it has to be done by hand",
    )  # fmt: skip
    command.add_argument("site", metavar="SITE", help="its name, or its provider")
    command.add_argument("--config", metavar="FILE", default=CONFIG, help="where the sites are described (%(default)s)")
    command.add_argument("--dry-run", action="store_true", help="only say what would change")


def _options(arguments):
    from .. import db
    from ..errors import InputError
    from ..itsm import options, sites
    from ..settings import Settings

    settings = Settings.from_service_file(arguments.config)
    site = sites.find(sites.load(settings.ticket_sites()), arguments.site)
    if not getattr(site.own, "options", ()):
        raise InputError(f"{site.where}: options names no field that would offer anything")
    with db.connect(settings.connection("itsm")) as conn:
        offering = sites.system(site).offering()
        wanted = functools.partial(options.wanted, functools.partial(db.call, conn))
        done = [one.as_json() for one in offering.sync(wanted, arguments.dry_run)]
    answer(arguments, done, options_text)
    return IN_PART if any(one["left_out"] or one["note"] for one in done) else DONE


def options_text(done):
    """The options.Dones of a sync, as JSON has them."""
    lines = []
    for one in done:
        place = one["field"] + (f", context {one['context']}" if one["context"] else "")
        counts = ", ".join(f"{one[what]} {what}" for what in ("created", "enabled", "disabled", "moved") if one[what])
        would = "would be " if one["is_tried"] else ""
        lines.append(f"{place} ({one['offers']}): {would + counts if counts else 'nothing to change'}")
        for what, names in (("no room for", one["left_out"]), ("no ticket could ask for", one["unusable"])):
            if names:
                more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
                shown = ", ".join(plain(" ".join(filter(None, name))) for name in names[:MOST_NAMED])
                lines.append(f"  {what} {shown}{more}")
        if one["note"]:
            lines.append(f"  {one['note']}")
    return "\n".join(lines)
