"""Commands on what the engine does: what waits to be sent, and which minions came back installed anew, or behind."""

from .command import answer, client, group, leaf, note
from .layout import table


def add(commands):
    """Declare the commands."""
    command = leaf(commands, "reinstalls", _reinstalls, "minions that came back with another key or machine id")
    command.add_argument("minion", metavar="ID", nargs="?")
    command.add_argument("--limit", metavar="N", default=50, help="(%(default)s)")
    command = leaf(commands, "catch-ups", _catch_ups, "minions that started behind what is approved for them")
    command.add_argument("minion", metavar="ID", nargs="?")
    command.add_argument("--limit", metavar="N", default=50, help="(%(default)s)")
    outbox = group(commands, "outbox", "what waits to be sent to minions or other systems")
    command = leaf(outbox, "list", _list, "list what is not delivered, newest first")
    command.add_argument("--state", choices=["waiting", "delivered", "dead"])
    command.add_argument("--limit", metavar="N", type=int, default=50, help="(%(default)s)")
    command = leaf(outbox, "retry", _retry, "give the dead messages of a request another chance")
    command.add_argument("thread", metavar="request", help="its number; or another thread, as drift/web1")
    command.add_argument("--destination", metavar="NAME", default="salt", help="(%(default)s)")
    command = leaf(outbox, "drop", _drop, "drop messages of a request to a destination that nobody consumes")
    command.add_argument("thread", metavar="request", help="its number; or another thread, as drift/web1")
    command.add_argument("--destination", metavar="NAME", default="chat", help="(%(default)s)")


def _reinstalls(arguments):
    with client(arguments) as acting:
        rows = acting.reinstalls(arguments.minion, arguments.limit)
        note(acting, "requests")
    return answer(arguments, rows, reinstalls_text)


def _catch_ups(arguments):
    with client(arguments) as acting:
        rows = acting.catch_ups(arguments.minion, arguments.limit)
        note(acting, "requests")
    return answer(arguments, rows, catch_ups_text)


def _list(arguments):
    with client(arguments) as acting:
        rows = acting.outbox(arguments.state, arguments.limit)
        note(acting, "requests")
    return answer(arguments, rows, outbox_text)


def _retry(arguments):
    with client(arguments) as acting:
        result = acting.retry_outbox(arguments.thread, arguments.destination)
    return answer(arguments, result, lambda result: f"{result['retried']} will be tried again")


def _drop(arguments):
    with client(arguments) as acting:
        result = acting.drop_outbox(arguments.thread, arguments.destination)
    return answer(arguments, result, lambda result: f"{result['dropped']} dropped")


def outbox_text(rows):
    """What Client.outbox() returned."""
    columns = {
        "thread": "THREAD", "destination": "TO", "topic": "ABOUT", "state": "STATE", "attempts": "FAILED",
        "due_at": "DUE", "known": "WHAT IS KNOWN", "last_error": "LAST ERROR",
    }  # fmt: skip
    told = [
        {**row, "last_error": row["last_error"] or f"nobody consumes {row['destination']}: outbox drop"}
        if not row["is_routed"] and row["state"] != "delivered"
        else row
        for row in rows
    ]
    return table(told, columns) if rows else "the outbox is empty"


def reinstalls_text(rows):
    """What Client.reinstalls() returned."""
    columns = {
        "minion": "MINION", "state": "STATE", "noticed_at": "NOTICED", "accepted_at": "ACCEPTED",
        "converged_at": "CONVERGED", "jid": "JOB",
    }  # fmt: skip
    return table(rows, columns) if rows else "no minion was reinstalled"


def catch_ups_text(rows):
    """What Client.catch_ups() returned."""
    columns = {
        "minion": "MINION", "started_at": "STARTED", "state": "STATE", "revision": "REVISION", "cause": "CAUSE",
        "text": "WHAT IS KNOWN",
    }  # fmt: skip
    return table(rows, columns) if rows else "no minion started behind what is approved for it"
