"""The command that shows what a request would change, and on the master asks its minions."""

from .command import MASTER_CONFIG, answer, client, leaf


def add(commands):
    """Declare the command."""
    command = leaf(commands, "plan", _plan, "what a request would change, as its minions said before it was approved")
    command.add_argument("request", help="its number")
    command.add_argument("--all", action="store_true", help="the answer of each minion, however many differ")
    command.add_argument(
        "--make", action="store_true", help="on the master, as root: have the minions say it now; nothing is changed"
    )
    command.add_argument("--sample", metavar="N", type=int, help="with --make: ask so many of the minions")
    command.add_argument(
        "--timeout", metavar="SECONDS", type=int, default=60, help="with --make: to answer (%(default)s)"
    )
    command.add_argument("--master-config", metavar="FILE", default=MASTER_CONFIG, help="with --make (%(default)s)")


def _plan(arguments):
    from . import render

    if arguments.make:
        shown = _made(arguments)
    else:
        with client(arguments) as acting:
            shown = acting.plan(arguments.request)
    return answer(arguments, shown, lambda shown: render.plan(shown, None if arguments.all else render.LINES))


def _made(arguments):
    """A plan made by the master's runner, as `salt-run approval.plan` makes it."""
    from ..client.database import operator
    from ..errors import InputError
    from ..master import planning
    from ..settings import Settings
    from .command import told

    try:
        import salt.exceptions
        import salt.utils.user
    except ImportError:
        raise InputError(
            "--make needs Salt: run it on the master, with the salt-approval of the master's Python"
        ) from None
    opts = Settings.from_file(arguments.master_config).opts
    told(f"asking minions, for {arguments.timeout} s at most")
    try:
        with operator(opts, salt.utils.user.get_specific_user()) as acting:
            return planning.make(opts, acting, arguments.request, arguments.sample, arguments.timeout)
    except salt.exceptions.SaltException as exc:
        raise InputError(f"the minions cannot be asked: {exc}") from None
