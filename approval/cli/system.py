"""Commands on the system: its database, its configuration, its audit, and what minions returned."""

import dataclasses
import json

from ..errors import InputError, MigrationError
from .command import DONE, IN_PART, REFUSED, answer, client, connection, counted, group, leaf, read, settings

MASTER_CONFIG = "/etc/salt/master"


def add(commands):
    """Declare the commands."""
    minion = group(commands, "minion", "the minions that requests may name")
    command = leaf(minion, "add", _minion_add, "make minions known")
    command.add_argument("minion", metavar="ID", nargs="+")
    leaf(minion, "list", _minion_list, "list them")
    command = leaf(minion, "remove", _minion_remove, "make minions unknown, and end what is approved for them")
    command.add_argument("minion", metavar="ID", nargs="+", help="an id, or a pattern such as 'web*'")
    command.add_argument("--yes", action="store_true", help="do it; else it says only which minions are meant")
    command.add_argument("--comment", metavar="TEXT", default="", help="why, for the record")
    audit = group(commands, "audit", "the record of every act")
    command = leaf(audit, "trail", _audit_trail, "the acts on one request, or on the policy")
    command.add_argument("request", nargs="?", help="its number; without: the acts on policy and inventory")
    command = leaf(
        audit,
        "verify",
        _audit_verify,
        "recompute every hash; exit code 1 if the record is broken, 3 if the end was not checked",
    )
    command.add_argument("file", nargs="?", metavar="FILE", help="an export, checked without the database")
    command.add_argument("--head", metavar="HASH", help="with FILE: a head noted earlier, which must be in it")
    leaf(audit, "export", _audit_export, "the whole record as JSON lines")
    leaf(audit, "head", _audit_head, "the hash that all of it leads to, as `verify --head` takes it; keep it elsewhere")

    database = group(commands, "db", "the database's schema")
    command = leaf(database, "init", _db_init, "make the schema, and logins if asked to")
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
    command = leaf(database, "upgrade", _db_upgrade, "bring the schema to this version, as a whole or not at all")
    command.add_argument(
        "--dry-run", action="store_true", help="do it and take it back: says what would change, and whether it can"
    )
    leaf(database, "status", _db_status, "what is applied, and what an upgrade would do; exit code 1 if anything")
    command = leaf(commands, "check", _check, "is everything configured right? exit code 1 if not")
    command.add_argument("--master-config", metavar="FILE", default=MASTER_CONFIG, help="(%(default)s)")
    command.add_argument(
        "--config", metavar="FILE", help="the settings of a service (see serve): it is checked in place of a master"
    )

    leaf(commands, "state-root", _state_root, "the folder to name in the master's file_roots")
    command = leaf(commands, "validate", _validate, "judge a job return in a file; exit code 0 only if it converged")
    command.add_argument("--expected", metavar="FILE", required=True, help="JSON: what was approved")
    command.add_argument("file", metavar="RETURN", help="the load as JSON or msgpack; - for standard input")


def _minion_add(arguments):
    with client(arguments) as acting:
        result = acting.add_minions(arguments.minion)
    return answer(arguments, result, lambda counts: f"{counts['added']} of {counts['known']} were new")


def _minion_list(arguments):
    from . import render

    with client(arguments) as acting:
        rows = acting.minions()
    return answer(arguments, rows, render.minions)


def _minion_remove(arguments):
    from . import render

    with client(arguments) as acting:
        result = acting.remove_minions(arguments.minion, arguments.yes, arguments.comment)
    answer(arguments, result, render.removed_minions)
    return DONE if result["removed"] else REFUSED


def _audit_trail(arguments):
    from . import render

    with client(arguments) as acting:
        rows = acting.audit(arguments.request)
    return answer(arguments, rows, render.audit)


def _audit_verify(arguments):
    from . import render

    if arguments.file:
        return _audit_verify_file(arguments)
    if arguments.head:
        raise InputError("--head needs the FILE of an export")
    with client(arguments) as acting:
        rows = acting.verify_audit()
    answer(arguments, rows, render.broken_audit)
    return REFUSED if rows else DONE


def _audit_verify_file(arguments):
    from ..trust import audit

    report = audit.verify_file(arguments.file, arguments.head, lambda lines: counted(lines, "lines read"))
    broken = None if report.intact else str(report.broken)
    result = {**dataclasses.asdict(report), "broken": broken, "end_checked": report.end_checked}
    answer(arguments, result, _audit_text)
    if broken:
        return REFUSED
    return DONE if report.end_checked else IN_PART


def _audit_text(result):
    if result["broken"]:
        return result["broken"]
    counts = (
        f"{result['entries']} entries in {result['streams']} streams, {result['seals']} seals; head {result['head']}"
    )
    if not result["end_checked"]:
        return (
            f"nothing is wrong in what the file holds, but the end was not checked: give --head, a hash that "
            f"`audit head` gave earlier and that was kept elsewhere\n{counts}"
        )
    lines = [f"the audit is intact: {counts}"]
    if result["published_seal"] < result["seals"]:
        lines.append(f"the head given is that of seal {result['published_seal']}: behind it anything may be missing")
    return "\n".join(lines)


def _audit_export(arguments):
    with client(arguments) as acting:
        for line in counted(acting.export_audit(), "lines written"):
            print(line)
    return DONE


def _audit_head(arguments):
    with client(arguments) as acting:
        head = acting.audit_head()
    return answer(arguments, head, lambda head: head["hash"] if head else "no seal yet")


def _db_init(arguments):
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


def _db_upgrade(arguments):
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


def _db_status(arguments):
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


def _check(arguments):
    from ..admin import check
    from . import render

    report = check.run_service(arguments.config) if arguments.config else check.run(arguments.master_config)
    answer(arguments, report.findings, lambda rows: render.findings(rows, report.looked_at))
    return REFUSED if any(finding["severity"] == "error" for finding in report.findings) else DONE


def _state_root(arguments):
    from ..admin import check

    return answer(arguments, {"state_root": check.state_root()}, lambda result: result["state_root"])


def _validate(arguments):
    from .. import _core
    from . import render

    try:
        expected = json.loads(read(arguments.expected))
    except ValueError:
        raise InputError(f"{arguments.expected} is not JSON") from None
    content = read(arguments.file)
    # No msgpack map begins with one of these bytes, and no JSON text with another.
    is_json = content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
    try:
        result = _core.validate_json(content, expected) if is_json else _core.validate_msgpack(content, expected)
    except _core.DataError as exc:
        raise InputError(f"{arguments.expected}: {exc}") from None
    answer(arguments, result, render.verdict)
    return DONE if result["verdict"] == "converged" else REFUSED


class _Progress:
    """What is done, told as it is done, or as one JSON answer in the end."""

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
