"""What the commands of salt-approval have in common: how they are declared, connect, and answer.

A module command_*.py declares its commands in ``add(commands)``; each sets ``run``, which takes the parsed
arguments and returns the exit code. What only one command needs is imported in its ``run``, so that those
which need no database work without its driver.
"""

import argparse
import json
import os
import sys
from contextlib import contextmanager

DONE, REFUSED, NOT_TRIED = 0, 1, 2


def leaf(commands, name, run, what):
    """A new command ``name`` that calls ``run``; ``what`` is what it does, without capital and full stop."""
    command = commands.add_parser(name, help=what, description=what[0].upper() + what[1:] + ".")
    command.set_defaults(run=run)
    # Here too, since one expects options behind the command; a default would undo the one in front.
    command.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="answer as JSON")
    return command


def group(commands, name, what):
    """A new command ``name`` that has commands of its own, which are added to what this returns."""
    parser = commands.add_parser(name, help=what, description=what[0].upper() + what[1:] + ".")
    return parser.add_subparsers(title="commands", metavar="COMMAND", required=True)


def settings(arguments):
    """The config.Connection that the arguments and the environment name."""
    from . import config

    given = {"dsn_file": arguments.dsn_file, "service": arguments.service}
    if not any(given.values()):
        given = {"dsn_file": os.environ.get("APPROVAL_DSN_FILE"), "dsn": os.environ.get("APPROVAL_DSN")}
    given = {name: value for name, value in given.items() if value}
    # Without any of ours an empty string: libpq then looks at its own variables, as psql does.
    return config.connection(given, "salt-approval") if given else config.Connection("")


def connection(arguments):
    """The psycopg connection to what settings() gives."""
    from . import db

    return db.connect(settings(arguments))


@contextmanager
def client(arguments):
    """A Client that acts as the login of that connection."""
    from .client import Client

    with connection(arguments) as conn:
        yield Client.of_login(conn)


def read(path):
    """The bytes of a file; ``-`` is standard input."""
    if path == "-":
        return sys.stdin.buffer.read()
    with open(path, "rb") as file:
        return file.read()


def answer(arguments, content, to_text):
    """Print the answer, as JSON if asked to, else as what ``to_text`` makes of it; gives the exit code."""
    if arguments.json:
        # What a terminal has no letter for is escaped as JSON does it.
        is_utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
        print(json.dumps(content, indent=2, ensure_ascii=not is_utf8))
    else:
        print(to_text(content))
    return DONE
