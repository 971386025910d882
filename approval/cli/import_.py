"""Commands that take over what an older system has."""

from .command import DONE, REFUSED, answer, connection, group, leaf, told
from .layout import fold, grouped, table

LEFT_OUT = {"ticket": "TICKET", "minion": "MINION", "package": "PACKAGE", "version": "VERSION", "why": "WHY"}


def add(commands):
    """Declare the commands."""
    taken_over = group(commands, "import", "take over what an older system has")
    command = leaf(
        taken_over,
        "saltconf21",
        _saltconf21,
        "have what saltconf21 approved asked for here, as a pending request for each ticket; exit code 1 if any of it "
        "was refused",
    )
    source = command.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--dsn", metavar="DSN", help="its database, as libpq's connection string or URI, without a password"
    )
    source.add_argument("--from-dsn-file", metavar="FILE", help="a file with that, mode 0600, as may hold a password")
    command.add_argument(
        "--time-zone", metavar="ZONE", required=True, help="in which its times are, such as Europe/Amsterdam"
    )
    command.add_argument("--type", metavar="NAME", default="package", help="of the requests (%(default)s)")
    command.add_argument("--yes", action="store_true", help="do it; else it says only how that would go")


def _saltconf21(arguments):
    from .. import db
    from ..itsm import saltconf21

    zone = saltconf21.zone_of(arguments.time_zone)
    told("reading the database of saltconf21")
    with db.connect(_old(arguments), "the database of saltconf21") as conn:
        old = saltconf21.read(conn)
    with connection(arguments) as conn:
        told(f"{'making' if arguments.yes else 'trying'} the requests")
        report = saltconf21.Import(conn, arguments.type).run(old, zone, arguments.yes)
    answer(arguments, report, report_text)
    return REFUSED if any(row["why"].startswith("refused: ") for row in report["left_out"]) else DONE


def _old(arguments):
    """The config.Connection to the database of saltconf21."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    from .. import config
    from ..errors import ConfigError, InputError

    if arguments.from_dsn_file:
        return config.Connection(config.read_dsn_file(arguments.from_dsn_file, "--from-dsn-file"))
    try:
        given = conninfo_to_dict(arguments.dsn)
    except psycopg.Error:
        raise ConfigError("--dsn is no connection string that libpq understands") from None
    if "password" in given:
        raise InputError(
            "--dsn holds a password, which everybody on this machine can read there: put the connection string into a "
            "file of mode 0600, and name that with --from-dsn-file"
        )
    return config.Connection(arguments.dsn)


def report_text(report):
    """The report of saltconf21.Import.run()."""
    would = "" if report["applied"] else "would be "
    minions, requests, reboots = report["minions"], report["requests"], report["reboots"]
    new = [row for row in requests if row["is_new"]]
    lines = [
        f"minions: {minions['found']}, of which {minions['added']} {would}made known",
        f"requests: {len(new)} {would}made, {len(requests) - len(new)} there already",
        f"reboots: {reboots['found']}, of {reboots['recorded']} tickets {would}recorded in the audit; none is repeated",
    ]
    for row in report["packages"]:
        lines.append(
            f"packages of {row['system']}: {row['packages']} in {row['versions']} versions, not taken over: the "
            "inventory asks the minions themselves"
        )
    if requests:
        columns = {"ticket": "TICKET", "request": "REQUEST", "items": "ITEMS", "minions": "MINIONS", "after": "AFTER"}
        lines += ["", table(requests, columns)]
    if report["left_out"]:
        rows = grouped(report["left_out"], [name for name in LEFT_OUT if name != "minion"], "minion")
        named = [{**row, "minion": fold(row["minion"])} for row in rows]
        lines += ["", "left out:", table(named, LEFT_OUT, ("ticket", "package", "version"))]
    if not report["applied"]:
        lines += ["", "nothing was changed: say --yes"]
    return "\n".join(lines)
