"""The command that shows what a request would change. Only the runner reaches minions: it makes the plans."""

from .command import answer, client, leaf


def add(commands):
    """Declare the command."""
    command = leaf(commands, "plan", _plan, "what a request would change, as its minions said before it was approved")
    command.add_argument("request", help="its number; salt-run approval.plan makes a plan")


def _plan(arguments):
    from . import render

    with client(arguments) as acting:
        shown = acting.plan(arguments.request)
    return answer(arguments, shown, render.plan)
