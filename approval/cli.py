"""The command salt-approval. Exit codes: 0 done, 1 refused or something is wrong, 2 could not be tried."""

import argparse
import dataclasses
import json
import os
import sys

from . import __version__
from .errors import ApprovalError, InputError, MigrationError, Refused

DONE, REFUSED, NOT_TRIED = 0, 1, 2
MASTER_CONFIG = "/etc/salt/master"
EPILOG = """\
The database is named by --dsn-file, --service, or the variables APPROVAL_DSN_FILE
and APPROVAL_DSN; without any of them by libpq's own (PGSERVICE, PGHOST, ...).
Whoever acts is the PostgreSQL login of that connection.

Exit codes: 0 done; 1 refused, or check, validate or verify found something wrong;
2 could not be tried.
"""


def main(argv=None):
    """Run the command; returns its exit code."""
    arguments = parser().parse_args(argv)
    try:
        return arguments.run(arguments)
    except (Refused, MigrationError) as exc:
        return _failed(exc, REFUSED)
    except BrokenPipeError:
        # Whoever read the answer has seen enough; what is still buffered must not fail again on exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except (ApprovalError, OSError) as exc:
        return _failed(exc, NOT_TRIED)
    except KeyboardInterrupt:
        return 130


def parser():
    """The argument parser; its leaves set ``run``."""
    top = argparse.ArgumentParser(
        prog="salt-approval",
        description="Approval workflow for Salt: requests, approvals, and what minions proved of them.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"salt-approval {__version__}")
    top.add_argument("--dsn-file", metavar="FILE", help="file with a libpq connection string, mode 0600")
    top.add_argument("--service", metavar="NAME", help="service of libpq's pg_service.conf")
    top.add_argument("--json", action="store_true", help="answer as JSON")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _request_commands(commands)
    _inspection_commands(commands)
    _administration_commands(commands)
    _file_commands(commands)
    return top


def _request_commands(commands):
    command = _leaf(commands, "request", _request, "ask for packages on minions")
    command.add_argument("type", help="one of `salt-approval types`")
    command.add_argument(
        "--minion", metavar="ID", action="append", required=True, help="exact id; repeatable"
    )
    command.add_argument(
        "--package", metavar="NAME=VERSION", action="append", required=True,
        help="an exact version, latest, or absent; repeatable",
    )  # fmt: skip
    command.add_argument("--reason", required=True, help="why, for those who approve")
    command.add_argument(
        "--after", metavar="TIME", help="not before this time: ISO 8601, UTC where no zone is named"
    )
    command.add_argument(
        "--external-ref", metavar="KEY", help="of a ticket; the same key again is the same request"
    )
    for name, what in (("approve", "approve the stage that a request waits at"), ("reject", "end a request")):
        command = _leaf(commands, name, _decide, what)
        command.set_defaults(decision=name)
        command.add_argument("request", help="its number")
        command.add_argument("--comment", default="", help="for the record")
        command.add_argument(
            "--digest", help="of the items reviewed, as `show` gave it: refused if they changed since"
        )
    command = _leaf(commands, "cancel", _cancel, "take back a request of one's own that is not in force yet")
    command.add_argument("request", help="its number")
    command.add_argument("--comment", default="", help="for the record")


def _inspection_commands(commands):
    command = _leaf(commands, "list", _list, "the newest requests")
    command.add_argument("--state", help="only these: pending, approved, converged, ...")
    command.add_argument("--minion", metavar="ID", help="only those that name this minion")
    command.add_argument("--limit", type=int, default=50, help="how many at most (%(default)s)")
    command = _leaf(commands, "show", _show, "a request: items, chain, decisions, outcome")
    command.add_argument("request", help="its number")
    command = _leaf(commands, "state", _state, "what is approved for a minion, now and later")
    command.add_argument("minion", metavar="ID")
    _leaf(commands, "types", _types, "the request types and their chains")
    minion = _group(commands, "minion", "the minions that requests may name")
    command = _leaf(minion, "add", _minion_add, "make minions known")
    command.add_argument("minion", metavar="ID", nargs="+")
    _leaf(minion, "list", _minion_list, "list them")
    audit = _group(commands, "audit", "the record of every act")
    command = _leaf(audit, "trail", _audit_trail, "the acts on one request")
    command.add_argument("request", help="its number")
    command = _leaf(
        audit, "verify", _audit_verify, "recompute every hash; exit code 1 if the record is broken"
    )
    command.add_argument("file", nargs="?", metavar="FILE", help="an export, checked without the database")
    command.add_argument(
        "--head", metavar="HASH", help="with FILE: a head noted earlier, which must be in it"
    )
    _leaf(audit, "export", _audit_export, "the whole record as JSON lines")
    _leaf(audit, "head", _audit_head, "the hash that all of it leads to, to be kept elsewhere")


def _administration_commands(commands):
    database = _group(commands, "db", "the database's schema")
    command = _leaf(database, "init", _db_init, "make the schema, and logins if asked to")
    command.add_argument(
        "--logins", metavar="DIR", help="also make the logins of a master, with their DSN files in DIR"
    )
    command.add_argument(
        "--login-host", metavar="HOST", help="host to put into those files, if not that of this login"
    )
    _leaf(database, "upgrade", _db_upgrade, "bring the schema to this version")
    _leaf(database, "status", _db_status, "what is applied and what is missing; exit code 1 if anything is")
    policy = _group(commands, "policy", "principals, groups and request types")
    command = _leaf(policy, "load", _policy_load, "make the database's policy what a file says")
    source = command.add_mutually_exclusive_group(required=True)
    source.add_argument("file", nargs="?", metavar="FILE", help="YAML; - for standard input")
    source.add_argument(
        "--shipped", action="store_true", help="the request types that come with this package"
    )
    command.add_argument("--dry-run", action="store_true", help="only show what would change")
    _leaf(policy, "show", _policy_show, "the policy as it stands, as such a file")
    command = _leaf(commands, "check", _check, "is everything configured right? exit code 1 if not")
    command.add_argument("--master-config", metavar="FILE", default=MASTER_CONFIG, help="(%(default)s)")


def _file_commands(commands):
    _leaf(commands, "state-root", _state_root, "the folder to name in the master's file_roots")
    command = _leaf(
        commands, "validate", _validate, "judge a job return in a file; exit code 0 only if it converged"
    )
    command.add_argument("--expected", metavar="FILE", required=True, help="JSON: what was approved")
    command.add_argument("file", metavar="RETURN", help="the load as JSON or msgpack; - for standard input")


def _leaf(commands, name, run, what):
    command = commands.add_parser(name, help=what, description=what[0].upper() + what[1:] + ".")
    command.set_defaults(run=run)
    # Here too, since one expects options behind the command; a default would undo the one in front.
    command.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="answer as JSON")
    return command


def _group(commands, name, what):
    group = commands.add_parser(name, help=what, description=what[0].upper() + what[1:] + ".")
    return group.add_subparsers(title="commands", metavar="COMMAND", required=True)


# What each command does. Imports are in here, so that those which need no database work without its driver.


def _request(arguments):
    from . import intake, render

    packages = {}
    for argument in arguments.package:
        name, version = intake.package_argument(argument)
        if packages.setdefault(name, version) != version:
            raise InputError(f"package {name} is given twice, with different versions")
    with _client(arguments) as client:
        shown = client.request(
            arguments.type,
            arguments.minion,
            packages,
            arguments.reason,
            arguments.after,
            arguments.external_ref,
        )
    return _answer(arguments, shown, render.request)


def _decide(arguments):
    with _client(arguments) as client:
        decide = client.approve if arguments.decision == "approve" else client.reject
        answer = decide(arguments.request, arguments.comment, arguments.digest)
    return _answer(arguments, answer, _request_state)


def _cancel(arguments):
    with _client(arguments) as client:
        answer = client.cancel(arguments.request, arguments.comment)
    return _answer(arguments, answer, _request_state)


def _list(arguments):
    from . import render

    with _client(arguments) as client:
        rows = client.list(arguments.state, arguments.minion, arguments.limit)
    return _answer(arguments, rows, render.requests)


def _show(arguments):
    from . import render

    with _client(arguments) as client:
        shown = client.show(arguments.request)
    return _answer(arguments, shown, render.request)


def _state(arguments):
    from . import render

    with _client(arguments) as client:
        shown = client.state(arguments.minion)
    return _answer(arguments, shown, render.state)


def _types(arguments):
    from . import render

    with _client(arguments) as client:
        rows = client.types()
    return _answer(arguments, rows, render.types)


def _minion_add(arguments):
    with _client(arguments) as client:
        answer = client.add_minions(arguments.minion)
    return _answer(arguments, answer, lambda counts: f"{counts['added']} of {counts['known']} were new")


def _minion_list(arguments):
    from . import render

    with _client(arguments) as client:
        rows = client.minions()
    columns = {"minion_id": "MINION", "revision": "REVISION", "last_return": "LAST RETURN"}
    return _answer(arguments, rows, lambda rows: render.table(rows, columns))


def _audit_trail(arguments):
    from . import render

    with _client(arguments) as client:
        rows = client.audit(arguments.request)
    return _answer(arguments, rows, render.audit)


def _audit_verify(arguments):
    from . import render

    if arguments.file:
        return _audit_verify_file(arguments)
    if arguments.head:
        raise InputError("--head needs the FILE of an export")
    with _client(arguments) as client:
        rows = client.verify_audit()
    columns = {"stream": "STREAM", "seq": "ENTRY", "problem": "PROBLEM"}
    _answer(arguments, rows, lambda rows: render.table(rows, columns) if rows else "the audit is intact")
    return REFUSED if rows else DONE


def _audit_verify_file(arguments):
    from . import audit

    report = audit.verify_file(arguments.file, arguments.head)
    broken = None if report.intact else str(report.broken)
    answer = {**dataclasses.asdict(report), "broken": broken}
    counts = f"{report.entries} entries in {report.streams} streams, {report.seals} seals; head {report.head}"
    _answer(arguments, answer, lambda answer: answer["broken"] or f"the audit is intact: {counts}")
    return DONE if report.intact else REFUSED


def _audit_export(arguments):
    with _client(arguments) as client:
        for line in client.export_audit():
            print(line)
    return DONE


def _audit_head(arguments):
    with _client(arguments) as client:
        head = client.audit_head()
    return _answer(
        arguments,
        head,
        lambda head: (
            f"{head['hash']} (seal {head['seal_no']}, {head['sealed_at']})" if head else "no seal yet"
        ),
    )


def _db_init(arguments):
    from . import logins, migrate

    lines = []
    with _connection(arguments) as conn:
        changed = migrate.Schema().upgrade(conn, lines.append)
        if arguments.logins:
            lines += logins.create(conn, arguments.logins, arguments.login_host)
    return _steps(arguments, changed, lines)


def _db_upgrade(arguments):
    from . import migrate

    lines = []
    with _connection(arguments) as conn:
        schema = migrate.Schema()
        if not schema.status(conn).applied:
            raise MigrationError("this database has no approval schema yet: salt-approval db init makes it")
        changed = schema.upgrade(conn, lines.append)
    return _steps(arguments, changed, lines)


def _db_status(arguments):
    from . import migrate

    with _connection(arguments) as conn:
        status = migrate.Schema().status(conn)
    answer = {
        "current": status.is_current,
        "applied": status.applied,
        "pending": status.pending,
        "code_is_current": status.code_is_current,
        "problems": status.problems,
    }
    _answer(arguments, answer, _status_text)
    return DONE if status.is_current else REFUSED


def _policy_load(arguments):
    import importlib.resources

    from . import policy

    if arguments.shipped:
        content = (
            importlib.resources.files(__package__).joinpath("shipped/types.yaml").read_text(encoding="utf-8")
        )
    else:
        content = _read(arguments.file).decode("utf-8", "strict")
    wanted = policy.parse(content)
    with _connection(arguments) as conn:
        lines = policy.load(conn, wanted, arguments.dry_run)
    answer = {"applied": not arguments.dry_run, "changes": lines}
    return _answer(arguments, answer, lambda answer: "\n".join(answer["changes"]) or "nothing to change")


def _policy_show(arguments):
    from . import db, policy

    with _connection(arguments) as conn, db.translated():
        shown = policy.show(conn)
    return _answer(arguments, shown, lambda shown: policy.to_yaml(shown).rstrip())


def _check(arguments):
    from . import check, render

    findings = check.run(arguments.master_config)
    _answer(arguments, findings, render.findings)
    return REFUSED if any(finding["severity"] == "error" for finding in findings) else DONE


def _state_root(arguments):
    from . import check

    return _answer(arguments, {"state_root": check.state_root()}, lambda answer: answer["state_root"])


def _validate(arguments):
    from . import _core, render

    try:
        expected = json.loads(_read(arguments.expected))
    except ValueError:
        raise InputError(f"{arguments.expected} is not JSON") from None
    content = _read(arguments.file)
    # No msgpack map begins with one of these bytes, and no JSON text with another.
    is_json = content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
    try:
        answer = (
            _core.validate_json(content, expected) if is_json else _core.validate_msgpack(content, expected)
        )
    except _core.DataError as exc:
        raise InputError(f"{arguments.expected}: {exc}") from None
    _answer(arguments, answer, render.verdict)
    return DONE if answer["verdict"] == "converged" else REFUSED


def _connection(arguments):
    from . import config, db

    given = {"dsn_file": arguments.dsn_file, "service": arguments.service}
    if not any(given.values()):
        given = {"dsn_file": os.environ.get("APPROVAL_DSN_FILE"), "dsn": os.environ.get("APPROVAL_DSN")}
    given = {name: value for name, value in given.items() if value}
    # Without any of ours an empty string: libpq then looks at its own variables, as psql does.
    connection = config.connection(given, "salt-approval") if given else config.Connection("")
    return db.connect(connection)


def _client(arguments):
    from contextlib import contextmanager

    from .client import Client

    @contextmanager
    def opened():
        with _connection(arguments) as conn:
            yield Client.of_login(conn)

    return opened()


def _read(path):
    if path == "-":
        return sys.stdin.buffer.read()
    with open(path, "rb") as file:
        return file.read()


def _answer(arguments, answer, to_text):
    print(json.dumps(answer, indent=2, ensure_ascii=False) if arguments.json else to_text(answer))
    return DONE


def _steps(arguments, changed, lines):
    answer = {"changed": changed, "steps": lines}
    return _answer(arguments, answer, lambda answer: "\n".join([*lines, "the schema is of this version"]))


def _request_state(answer):
    return f"request {answer['request']}: {answer['state']}"


def _status_text(answer):
    lines = [f"applied: {name}" for name in answer["applied"]] + [
        f"missing: {name}" for name in answer["pending"]
    ]
    lines += [f"problem: {problem}" for problem in answer["problems"]]
    if answer["applied"] and not answer["code_is_current"]:
        lines.append("missing: functions and grants of this version")
    if not answer["applied"]:
        lines.append("this database has no approval schema yet: salt-approval db init makes it")
    elif answer["current"]:
        lines.append("the schema is of this version")
    return "\n".join(lines)


def _failed(exc, code):
    if isinstance(exc, OSError):
        exc = f"{exc.filename}: {exc.strerror}" if exc.filename else exc
    print(f"salt-approval: {exc}", file=sys.stderr)
    return code
