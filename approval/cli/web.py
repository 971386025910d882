"""The command `web`: the web service, which takes what other systems send and where people sign in; their passwords."""

import sys

from .command import DONE, leaf

CONFIG = "/etc/salt-approval/service.yaml"


def add(commands):
    """Declare the command."""
    command = leaf(
        commands, "web", _web, "serve what comes in over HTTP: deliveries of systems of tickets, and pages for people"
    )
    command.add_argument("--config", metavar="FILE", default=CONFIG, help="its settings (%(default)s)")
    ours = command.add_subparsers(title="commands", metavar="COMMAND")
    command = leaf(
        ours, "password", _password,
        "print the line by which somebody signs in with a password, for the file that approval:portal names; the "
        "password is asked for, or read from standard input",
    )  # fmt: skip
    command.add_argument("name", metavar="NAME", help="whom the policy knows as web:NAME")


def _web(arguments):
    from ..settings import Settings

    settings = Settings.from_service_file(arguments.config)
    try:
        from ..portal import service
    except ModuleNotFoundError as exc:
        raise _missing(exc) from None
    from ..admin import migrate

    service.run(settings, migrate.Schema())
    return DONE


def _password(arguments):
    from ..errors import InputError

    try:
        from ..portal import passwords
    except ModuleNotFoundError as exc:
        raise _missing(exc) from None
    if sys.stdin.isatty():
        import getpass

        given = getpass.getpass(f"Password for {arguments.name}: ")
        if getpass.getpass("Again: ") != given:
            raise InputError("the two passwords differ: nothing was printed")
    else:
        given = sys.stdin.readline().rstrip("\n")
    print(passwords.line(arguments.name, given))
    return DONE


def _missing(exc):
    from ..errors import ConfigError

    return ConfigError(f"the web service needs the package {exc.name}: install saltext-approval[web,itsm] here")
