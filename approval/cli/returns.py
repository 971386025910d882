"""Commands on what minions returned: the validator's verdicts, what is odd, and what was put aside."""

from . import layout
from .command import answer, client, leaf

RETURNS = {
    "received_at": "RECEIVED", "minion": "MINION", "fun": "FUNCTION", "verdict": "VERDICT", "proven": "EVIDENCE",
    "flags": "FLAGS", "request": "REQUEST", "job_user": "BY", "jid": "JOB", "attempt": "ATTEMPT",
}  # fmt: skip
QUARANTINE = {
    "entry": "NUMBER", "received_at": "RECEIVED", "minion": "MINION", "fun": "FUNCTION", "jid": "JOB",
    "size_bytes": "BYTES", "reason": "WHY",
}  # fmt: skip


def add(commands):
    """Declare the commands."""
    command = leaf(commands, "returns", _returns, "what minions returned, with the verdict on each")
    command.add_argument("minion", nargs="?", metavar="MINION", help="only of this one")
    command.add_argument("--verdict", help="only these: converged, failed, unproven, ...")
    command.add_argument(
        "--flagged", action="store_true", default=None, help="only what is odd: replayed, a claim, ..."
    )
    command.add_argument(
        "--all", action="store_true", help="also those of functions that can prove nothing, such as test.ping"
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
    with client(arguments) as acting:
        rows = acting.returns(
            arguments.minion,
            arguments.verdict,
            arguments.flagged,
            arguments.since,
            arguments.after,
            arguments.limit,
            arguments.all,
        )
    return answer(arguments, rows, returns_text)


def _quarantine(arguments):
    with client(arguments) as acting:
        rows = acting.quarantine(arguments.minion, arguments.since, arguments.after, arguments.limit)
    return answer(arguments, rows, quarantine_text)


def quarantine_text(rows):
    """What Client.quarantine() returned."""
    return layout.table(rows, QUARANTINE) if rows else "nothing was put aside"


def returns_text(rows):
    """What Client.returns() returned."""
    if not rows:
        return "no returns"
    shown = [
        {**row, "flags": ", ".join(row["flags"]) or None, "proven": "valid" if row["authenticated"] else "none"}
        for row in rows
    ]
    text, *lines = layout.parts(shown, RETURNS)
    for part, row in zip(lines, rows, strict=True):
        text += part
        text += [f"    {_finding(finding)}" for finding in row["findings"]]
    return "\n".join(text)


def _finding(found):
    """One of the findings that Client.returns() has with a return."""
    return f"{found['kind']} {found['name']}: {found['verdict']} ({found['reason']}): {layout.plain(found['text'])}"
