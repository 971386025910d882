"""Commands on the schema of the database."""

from ..errors import InputError, MigrationError
from .command import DONE, REFUSED, answer, connection, group, leaf, settings


def add(commands):
    """Declare the commands."""
    database = group(commands, "db", "the database's schema")
    command = leaf(database, "init", _init, "make the schema, and logins if asked to")
    command.add_argument(
        "--logins", metavar="DIR", help="also make the logins of a master, with their DSN files in DIR"
    )
    command.add_argument("--login-host", metavar="HOST", help="host to put into those files, if not that of this login")
    command.add_argument(
        "--new-passwords",
        action="store_true",
        help="give logins that exist, but have no file in DIR, a new password: all other files of theirs stop working",
    )
    command.add_argument(
        "--known-dsns",
        metavar="DIR",
        help="take the passwords of logins that exist from the files there, as made earlier",
    )
    command = leaf(database, "upgrade", _upgrade, "bring the schema to this version, as a whole or not at all")
    command.add_argument(
        "--dry-run", action="store_true", help="do it and take it back: says what would change, and whether it can"
    )
    leaf(database, "status", _status, "what is applied, and what an upgrade would do; exit code 1 if anything")


def _init(arguments):
    from .. import db
    from ..admin import logins, migrate

    if not arguments.logins and (arguments.login_host or arguments.new_passwords or arguments.known_dsns):
        raise InputError("--login-host, --new-passwords and --known-dsns need --logins")
    progress = _Progress(arguments)
    administrator = settings(arguments)
    with db.connect(administrator) as conn:
        changed = migrate.Schema().upgrade(conn, progress)
        if arguments.logins:
            options = {
                "host": arguments.login_host,
                "known": arguments.known_dsns,
                "new_passwords": arguments.new_passwords,
            }
            lines = logins.create(conn, administrator.conninfo, arguments.logins, **options)
        else:
            lines = logins.tune(conn)
        for line in lines:
            progress(line)
    return progress.end(changed, "the schema is of this version")


def _upgrade(arguments):
    from ..admin import logins, migrate

    progress = _Progress(arguments)
    with connection(arguments) as conn:
        schema = migrate.Schema()
        if not schema.status(conn).applied:
            raise MigrationError("this database has no approval schema yet: salt-approval db init makes it")
        changed = schema.upgrade(conn, progress, arguments.dry_run)
        for line in logins.tune(conn, arguments.dry_run):
            progress(line)
    if arguments.dry_run:
        return progress.end(
            False, "nothing was changed; salt-approval db upgrade does it" if progress.lines else "nothing to do"
        )
    return progress.end(changed, "the schema is of this version")


def _status(arguments):
    from ..admin import migrate

    with connection(arguments) as conn:
        status = migrate.Schema().status(conn)
    result = {
        "current": status.is_current,
        "version": status.version,
        "package_version": status.package_version,
        "applied": status.applied,
        "pending": status.pending,
        "code_is_current": status.code_is_current,
        "problems": status.problems,
        "steps": status.steps,
    }
    answer(arguments, result, _status_text)
    return DONE if status.is_current else REFUSED


def _status_text(answer):
    lines = [f"applied: {name}" for name in answer["applied"]] + [f"missing: {name}" for name in answer["pending"]]
    if answer["applied"] and not answer["code_is_current"]:
        lines.append("missing: functions and grants of this version")
    if answer["applied"]:
        lines.append(f"database of version {answer['version'] or '0.1.0'}, installed here {answer['package_version']}")
    lines += [f"problem: {problem}" for problem in answer["problems"]]
    if answer["applied"] and answer["steps"] and not answer["problems"]:
        lines += [
            "salt-approval db upgrade does, as a whole or not at all:",
            *(f"    {step}" for step in answer["steps"]),
        ]
    if not answer["applied"]:
        lines.append("this database has no approval schema yet: salt-approval db init makes it")
    elif answer["current"]:
        lines.append("the schema is of this version")
    return "\n".join(lines)


class _Progress:
    """Steps that are told as they are done, or in one JSON answer at the end."""

    def __init__(self, arguments):
        self._arguments = arguments
        self.lines = []

    def __call__(self, line):
        self.lines.append(line)
        if not self._arguments.json:
            print(line, flush=True)

    def end(self, changed, conclusion):
        """Give the answer; returns the exit code."""
        return answer(self._arguments, {"changed": changed, "steps": self.lines}, lambda result: conclusion)
