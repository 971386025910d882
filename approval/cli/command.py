"""The common part of all commands of salt-approval: how they are declared, connect, and answer.

A module beside this one declares its commands in ``add(commands)``; each sets ``run``, which takes the parsed
arguments and returns the exit code. A module that one command alone needs is imported in its ``run``, so that those
which need no database work without its driver.
"""

import argparse
import json
import os
import sys
import time
from contextlib import contextmanager

DONE, REFUSED, NOT_TRIED = 0, 1, 2
IN_PART = 3  # nothing is wrong in what was looked at, but that was not all
SHOW_EVERY_S = 0.5
MASTER_CONFIG = "/etc/salt/master"  # what --master-config names by default
FROM_VARIABLE = "SALT_APPROVAL_TOKEN"  # with a token for --server
# Variables by which libpq knows a database without us.
LIBPQ = ("PGSERVICE", "PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER")


def leaf(commands, name, run, what):
    """A new command ``name`` that calls ``run``; ``what`` is what it does, without capital and full stop."""
    command = commands.add_parser(name, help=what, description=what[0].upper() + what[1:] + ".")
    command.set_defaults(run=run)
    add_options(command.add_argument_group("options of every command"), argparse.SUPPRESS)
    return command


def group(commands, name, what):
    """A new command ``name`` that has commands of its own, which are added to what this returns."""
    parser = commands.add_parser(name, help=what, description=what[0].upper() + what[1:] + ".")
    parser.set_defaults(run=lambda arguments: help_of(parser))
    add_options(parser.add_argument_group("options of every command"), argparse.SUPPRESS)
    return parser.add_subparsers(title="commands", metavar="COMMAND")


def add_options(parser, default=None):
    """
    Declare the options that all commands take, in front of the command and behind it; with the default
    ``argparse.SUPPRESS`` behind it, as another would undo the one in front.
    """
    flag = default or False
    parser.add_argument(
        "--dsn-file", metavar="FILE", default=default, help="file with a libpq connection string, mode 0600"
    )
    parser.add_argument("--service", metavar="NAME", default=default, help="service of libpq's pg_service.conf")
    parser.add_argument(
        "--server", metavar="URL", default=default, help="act by the REST API of this web service, not by a database"
    )
    parser.add_argument(
        "--token-file", metavar="FILE", default=default, help="file with a token for --server, mode 0600"
    )
    parser.add_argument("--json", action="store_true", default=flag, help="answer as JSON, with times in UTC")
    parser.add_argument("--utc", action="store_true", default=flag, help="show times in UTC, not in the local zone")


def help_of(parser):
    """Print the help of a command that was given without the word that says what to do."""
    parser.print_help()
    return NOT_TRIED


def settings(arguments):
    """The config.Connection that the arguments and the environment name. Raises ConfigError and InputError."""
    from .. import config
    from ..errors import InputError

    if arguments.server is not None:
        raise InputError("this needs the database itself: leave out --server, and name a database")
    for names, given in (
        (("--dsn-file", "--service"), (arguments.dsn_file, arguments.service)),
        (("APPROVAL_DSN_FILE", "APPROVAL_DSN"), tuple(map(os.environ.get, ("APPROVAL_DSN_FILE", "APPROVAL_DSN")))),
    ):
        if all(given):
            last = (
                "give one of them"
                if names[0].startswith("-")
                else "set exactly one of them, or give --dsn-file, which wins"
            )
            raise InputError(f"{names[0]} and {names[1]} both name a database: {last}")
        if given[0]:
            return config.Connection(config.read_dsn_file(given[0], names[0]))
        if given[1]:
            return config.Connection(
                "service=" + config.quote(given[1]) if names[0].startswith("-") else given[1].strip()
            )
    if not any(os.environ.get(name) for name in LIBPQ):
        raise InputError(
            "no database is named: give --dsn-file FILE, or set APPROVAL_DSN_FILE (or APPROVAL_DSN, or libpq's own "
            "PGSERVICE, PGHOST, ...)"
        )
    # An empty string: libpq then looks at its own variables, as psql does.
    return config.Connection("")


def connection(arguments):
    """The psycopg connection to what settings() gives."""
    from .. import db

    return db.connect(settings(arguments))


@contextmanager
def client(arguments):
    """The Client that acts as the login of that connection, or by the web service that the arguments name."""
    if arguments.server is not None:
        yield _by_server(arguments)
        return
    from ..client.database import DatabaseClient

    with connection(arguments) as conn:
        yield DatabaseClient.of_login(conn)


def _by_server(arguments):
    """The ServerClient that the arguments and the environment name. Raises ConfigError and InputError."""
    from .. import config
    from ..client.server import ServerClient
    from ..errors import InputError

    if arguments.dsn_file or arguments.service:
        raise InputError("--server is in the place of a database: leave out --dsn-file and --service")
    if arguments.token_file is not None:
        token = config.read_secret_file(arguments.token_file, "--token-file")
    else:
        token = os.environ.get(FROM_VARIABLE, "").strip()
    if not token:
        raise InputError(f"--server needs a token: give --token-file FILE, or set {FROM_VARIABLE}")
    return ServerClient(arguments.server, token)


def counted(items, what):
    """
    Yield the items. Somebody who waits at a terminal sees on standard error how many there were so far; ``what``
    says what they are.
    """
    if not sys.stderr.isatty():
        yield from items
        return
    shown = time.monotonic()
    is_shown = False
    try:
        for number, item in enumerate(items, 1):
            yield item
            if time.monotonic() - shown >= SHOW_EVERY_S:
                shown, is_shown = time.monotonic(), True
                print(f"\r{number} {what}", end="\x1b[K", file=sys.stderr, flush=True)
    finally:
        if is_shown:
            print("\r", end="\x1b[K", file=sys.stderr, flush=True)


def told(step):
    """Tell somebody who waits at a terminal, on standard error, what is done now; nothing else is told there."""
    if sys.stderr.isatty():
        print(f"{step} ...", file=sys.stderr, flush=True)


def note(acting, *kinds):
    """Tell, on standard error, what is left out of an answer about these, since whoever asks may not read it."""
    from ..client.readings import left_out

    readings = acting.readings()
    for what in kinds:
        if what in readings:
            print(left_out(readings[what], what), file=sys.stderr)


def read(path):
    """The bytes of a file; ``-`` is standard input."""
    if path == "-":
        return sys.stdin.buffer.read()
    with open(path, "rb") as file:
        return file.read()


def answer(arguments, content, to_text):
    """Print the answer, as JSON if asked to, else as what ``to_text`` makes of it; gives the exit code."""
    if arguments.json:
        # JSON escapes the characters that this terminal has no letter for.
        is_utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
        print(json.dumps(content, indent=2, ensure_ascii=not is_utf8))
    else:
        from . import layout

        with layout.looking(arguments.utc):
            print(to_text(content))
    return DONE
