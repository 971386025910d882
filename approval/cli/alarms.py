"""Commands on alarms: what people ought to look at, and what they say to it."""

from . import layout
from .command import answer, client, leaf, note

COLUMNS = {
    "alarm": "ALARM", "kind": "KIND", "severity": "SEVERITY", "state": "STATE", "minions": "MINIONS", "who": "WHO",
    "count": "COUNT", "last_at": "LAST SEEN", "request": "REQUEST",
}  # fmt: skip


def add(commands):
    """Declare the commands."""
    command = leaf(commands, "alarms", _alarms, "what raised an alarm and was not acknowledged")
    command.add_argument("minion", nargs="?", metavar="MINION", help="only of this one")
    command.add_argument("--kind", help="only these: unapproved-job, drift, forged-return, ...")
    command.add_argument("--state", choices=["open", "muted", "acknowledged"], help="only these")
    command.add_argument("--since", metavar="TIME", help="last seen since: ISO 8601, UTC where no zone is named")
    command.add_argument("--limit", type=int, default=50, help="how many at most (%(default)s)")
    command.add_argument("--after", metavar="NUMBER", help="the next page: what comes behind this one")
    command = leaf(commands, "acknowledge", _acknowledge, "close an alarm; the same seen again is a new one")
    _add_judged(command)
    command = leaf(commands, "mute", _mute, "have an alarm counted and nobody told of it for a time")
    _add_judged(command)
    command.add_argument("--until", metavar="TIME", required=True, help="ISO 8601, UTC where no zone is named")


def _add_judged(command):
    command.add_argument("alarm", metavar="NUMBER")
    command.add_argument("--comment", metavar="TEXT", required=True, help="why, for the record")


def _alarms(arguments):
    with client(arguments) as acting:
        rows = acting.alarms(
            arguments.minion, arguments.kind, arguments.state, arguments.since, arguments.after, arguments.limit
        )
        note(acting, "job_log")
    return answer(arguments, rows, alarms_text)


def _acknowledge(arguments):
    with client(arguments) as acting:
        result = acting.acknowledge(arguments.alarm, arguments.comment)
    return answer(arguments, result, judged_text)


def _mute(arguments):
    with client(arguments) as acting:
        result = acting.mute(arguments.alarm, arguments.until, arguments.comment)
    return answer(arguments, result, judged_text)


def alarms_text(rows):
    """The answer of Client.alarms()."""
    if not rows:
        return "no alarms"
    text, *lines = layout.parts([{**row, "minions": _minions(row)} for row in rows], COLUMNS)
    for part, row in zip(lines, rows, strict=True):
        text += [*part, f"    {layout.plain(row['what'])}"]
        if row["comment"]:
            until = f" until {layout.cell(row['muted_until'])}" if row["muted_until"] else ""
            text.append("    " + layout.plain(f"{row['state']}{until} by {row['decided_by']}: {row['comment']}"))
    return "\n".join(text)


def judged_text(result):
    """The answer of Client.acknowledge() and Client.mute()."""
    return f"alarm {result['alarm']}: {result['state']}"


def _minions(row):
    if row["minion_count"] > len(row["minions"]):
        return f"{row['minion_count']} minions: {layout.plain(row['minions'][0])}, ..."
    return layout.fold(row["minions"]) or None
