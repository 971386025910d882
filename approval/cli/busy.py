"""The command that tells, before somebody runs something, what runs or is due there."""

from . import layout
from .command import answer, client, leaf

RUNNING = {
    "published_at": "PUBLISHED", "jid": "JOB", "user": "BY", "outcome": "OUTCOME", "request": "REQUEST", "command": "",
}  # fmt: skip
DUE = {"request": "REQUEST", "type": "TYPE", "items": "ITEMS", "waits": ""}
WINDOWS = {"calendar": "WINDOW", "from": "OPENS", "until": "CLOSES"}
FREEZES = {"freeze": "FREEZE", "from": "FROM", "until": "UNTIL", "type": "TYPE", "minion_group": "GROUP", "reason": ""}


def add(commands):
    """Declare the command."""
    command = leaf(commands, "busy", _busy, "what runs now, is due, or is frozen, before you run something")
    command.add_argument("minion", nargs="?", metavar="MINION", help="on this one; without it on all")


def _busy(arguments):
    with client(arguments) as acting:
        shown = acting.busy(arguments.minion)
    return answer(arguments, shown, busy_text)


def busy_text(shown):
    """The answer of Client.busy()."""
    where = f"on {layout.plain(shown['minion'])}, " if shown["minion"] else ""
    running = [{**job, "outcome": _outcome(job)} for job in shown["running"]]
    due = [{**request, "waits": _waits(request)} for request in shown["due"]]
    lines = [f"{where}as of {layout.cell(shown['as_of'])}"]
    for rows, columns, nothing, exact in (
        (running, RUNNING, "nothing runs", ("jid", "user", "command")),
        (due, DUE, "nothing is due", ()),
        (shown["windows"], WINDOWS, None, ()),
        (shown["freezes"], FREEZES, None, ("reason",)),
    ):
        if rows:
            lines.append(layout.table(rows, columns, exact))
        elif nothing:
            lines.append(nothing)
    return "\n".join(lines)


def _outcome(job):
    """How many minions did it, failed in it, and have not returned yet."""
    return ", ".join(f"{job[name]} {name}" for name in ("ok", "failed", "silent") if job[name])


def _waits(request):
    if request["waiting_for"] is not None:
        return layout.sentence(request["waiting_for"])
    if request["by"] is None:
        return "now"
    return (
        f"{request['by']}, until {layout.cell(request['until'])}" if request["until"] != "infinity" else request["by"]
    )
