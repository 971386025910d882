"""Commands on what minions returned: the validator's verdicts, what is odd, and what was put aside."""

from .command import answer, client, leaf


def add(commands):
    """Declare the commands."""
    command = leaf(commands, "returns", _returns, "what minions returned, with the verdict on each")
    command.add_argument("minion", nargs="?", metavar="MINION", help="only of this one")
    command.add_argument("--verdict", help="only these: converged, failed, unproven, ...")
    command.add_argument(
        "--flagged", action="store_true", default=None, help="only what is odd: replayed, a claim, ..."
    )
    _add_page(command)
    command.add_argument(
        "--after", metavar=("JOB", "MINION", "ATTEMPT"), nargs=3,
        help="the next page: what comes behind this one, the last of the page before",
    )  # fmt: skip
    command = leaf(commands, "quarantine", _quarantine, "returns that were put aside, and why")
    command.add_argument("minion", nargs="?", metavar="MINION", help="only of this one")
    _add_page(command)
    command.add_argument("--after", metavar="NUMBER", help="the next page: what comes behind this one")


def _add_page(command):
    command.add_argument("--since", metavar="TIME", help="received since: ISO 8601, UTC where no zone is named")
    command.add_argument("--limit", type=int, default=50, help="how many at most (%(default)s)")


def _returns(arguments):
    from . import render

    with client(arguments) as acting:
        rows = acting.returns(
            arguments.minion,
            arguments.verdict,
            arguments.flagged,
            arguments.since,
            arguments.after,
            arguments.limit,
        )
    return answer(arguments, rows, render.returns)


def _quarantine(arguments):
    from . import render

    with client(arguments) as acting:
        rows = acting.quarantine(arguments.minion, arguments.since, arguments.after, arguments.limit)
    return answer(arguments, rows, render.quarantine)
