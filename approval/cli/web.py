"""The command `web`: the web service, which takes what other systems send and where people sign in; their passwords."""

import sys

from .command import DONE, leaf

CONFIG = "/etc/salt-approval/service.yaml"


def add(commands):
    """Declare the command."""
    command = leaf(
        commands, "web", _web, "serve what comes in over HTTP: deliveries of systems of tickets, and pages for people"
    )
    command.add_argument("--config", metavar="FILE", help=f"its settings ({CONFIG})")
    command.add_argument(
        "--demo",
        action="store_true",
        help="serve pages to try out, on a private PostgreSQL with a believable month in it; needs the server's "
        "programs here, and leaves nothing behind",
    )
    command.add_argument("--bind", metavar="HOST:PORT", help="where the demo listens, on this machine (127.0.0.1:8087)")
    command.add_argument("--minions", metavar="NUMBER", type=int, help="how many the demo has (2000)")
    ours = command.add_subparsers(title="commands", metavar="COMMAND")
    command = leaf(
        ours, "password", _password,
        "print the line by which somebody signs in with a password, for the file that approval:portal names; the "
        "password is asked for, or read from standard input",
    )  # fmt: skip
    command.add_argument("name", metavar="NAME", help="whom the policy knows as web:NAME")


def _web(arguments):
    from ..errors import InputError
    from ..settings import Settings

    if arguments.demo:
        return _demo(arguments)
    if arguments.bind is not None or arguments.minions is not None:
        raise InputError("--bind and --minions are of --demo: the service listens where its settings say, as bind")
    settings = Settings.from_service_file(arguments.config or CONFIG)
    try:
        from ..portal import service
    except ModuleNotFoundError as exc:
        raise _missing(exc) from None
    from ..admin import migrate

    service.run(settings, migrate.Schema())
    return DONE


def _demo(arguments):
    from ..errors import InputError

    if arguments.config is not None:
        raise InputError("--demo makes settings of its own: leave --config out")
    try:
        from ..portal import service  # noqa: F401 (what it needs is missed before a month is lived)
        from ..trial import site
    except ModuleNotFoundError as exc:
        raise _missing(exc) from None
    minions = site.MINIONS if arguments.minions is None else arguments.minions
    site.run(arguments.bind or site.BIND, minions, lambda line: print(line, flush=True))
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
