"""The command salt-approval. Exit codes: 0 done, 1 refused or something is wrong, 2 could not be tried."""

import argparse
import importlib
import os
import sys

from .. import __version__
from ..errors import ApprovalError, Damaged, MigrationError, Refused
from . import layout
from .command import DONE, NOT_TRIED, REFUSED, add_options, help_of

# The modules that declare commands, in the order of --help.
COMMANDS = (
    "requests", "plan", "rollout", "policy", "principals", "outbox", "compliance", "alarms", "returns", "jobs", "busy",
    "export", "snapshot", "spool", "minions", "audit", "db", "itsm", "chat", "contacts", "import_", "system", "serve",
    "web", "help",
)  # fmt: skip

EPILOG = """\
The database is named by --dsn-file or --service, before or behind the command, or
by the variable APPROVAL_DSN_FILE or APPROVAL_DSN; without any of them by libpq's
own (PGSERVICE, PGHOST, ...). Whoever acts is the PostgreSQL login of that connection.
With --server, a web service is in its place, and who acts is the person of a token, in
--token-file or the variable SALT_APPROVAL_TOKEN; not all can be done by it.

Times are shown in the local zone (TZ), with --utc in UTC, and with --json always so.

Exit codes: 0 done; 1 refused, or check, validate, verify or compliance found something
wrong, or what show, state or why tells of has drifted; 2 could not be tried; 3 nothing
is wrong, but not all could be looked at.
"""


def main(argv=None):
    """Run the command; returns its exit code."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            # The stream was closed: nobody wants the answer, and no connection may take its number.
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))
        # A terminal that has no letter for something must not make a failure of what was done.
        getattr(sys, name).reconfigure(errors="backslashreplace")
    arguments = parser().parse_args(argv)
    try:
        return arguments.run(arguments)
    except (Refused, MigrationError, Damaged) as exc:
        return _failed(arguments, exc, REFUSED)
    except BrokenPipeError:
        # The reader has seen enough; output that is still buffered must not fail again on exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except (ApprovalError, OSError) as exc:
        return _failed(arguments, exc, NOT_TRIED)
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
    top.set_defaults(run=lambda arguments: help_of(top))
    add_options(top)
    commands = top.add_subparsers(title="commands", metavar="COMMAND")
    for name in COMMANDS:
        module = importlib.import_module(f"{__package__}.{name}")
        module.add(commands)
    return top


def _failed(arguments, exc, code):
    if isinstance(exc, OSError):
        exc = f"{exc.filename}: {exc.strerror}" if exc.filename else exc
    elif isinstance(exc, Refused):
        with layout.looking(arguments.utc or arguments.json):
            exc = layout.sentence(exc)
    print(f"salt-approval: {exc}", file=sys.stderr)
    return code
