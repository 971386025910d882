"""Commands on waves: how far they have come, whether they go on, and the pause of all sending."""

from ..errors import InputError
from .command import answer, client, group, leaf
from .layout import cell, fold, grouped, sentence, table


def add(commands):
    """Declare the commands."""
    rollout = group(commands, "rollout", "the waves in which minions are sent what was approved")
    command = leaf(rollout, "show", _show, "the waves of a request, what came of each, and the minions that failed")
    command.add_argument("request", help="its number")
    command = leaf(rollout, "resume", _resume, "decide on a halted rollout, or end the pause of all sending")
    command.add_argument("request", nargs="?", help="its number")
    command.add_argument("decision", nargs="?", help="go-on, or give-up: what was not sent is withdrawn")
    command.add_argument("--all", action="store_true", help="end the pause of all sending")
    command.add_argument("--comment", required=True, help="why; it is recorded")
    command = leaf(rollout, "pause", _pause, "stop all sending to minions at once; without --all: tell if it is")
    command.add_argument("--all", action="store_true", help="stop all of it")
    command.add_argument("--comment", help="why; it is recorded")


def _show(arguments):
    with client(arguments) as acting:
        shown = acting.rollout(arguments.request)
    return answer(arguments, shown, rollout_text)


def _resume(arguments):
    if arguments.all == bool(arguments.request):
        raise InputError("name the request and go-on or give-up, or give --all")
    with client(arguments) as acting:
        if arguments.all:
            return answer(arguments, acting.resume_all(arguments.comment), paused_text)
        shown = acting.resume(arguments.request, arguments.decision, arguments.comment)
    return answer(arguments, shown, rollout_text)


def _pause(arguments):
    with client(arguments) as acting:
        shown = acting.pause_all(arguments.comment) if arguments.all else acting.paused()
    return answer(arguments, shown, paused_text)


def rollout_text(shown):
    """What Client.rollout() returned."""
    lines = [f"request {shown['request']}: rollout {shown['state']}"]
    if shown["state"] == "halted":
        lines.append(f"  halted {cell(shown['halted_at'])}: {sentence(shown['because'])}")
        able = " or ".join(f"{way['group_name']} ({way['min_assurance']})" for way in shown["resume"])
        lines.append(f"  goes on, or is given up, as somebody of {able or 'no group'} decides, not who asked for it")
    if shown.get("paused"):
        paused = shown["paused"]
        lines.append(f"  all sending is paused since {cell(paused['paused_at'])} by {paused['paused_by']}")
    rows = [
        {**wave, **wave.get("verdicts", {}), "name": "canaries" if wave["canaries"] else f"wave {wave['wave']}"}
        for wave in shown["waves"]
    ]
    columns = {
        "name": "WAVE", "minions": "MINIONS", "opened_at": "OPENED", "settled_at": "VERDICTS",
        "converged": "CONVERGED", "failed": "FAILED", "silent": "SILENT", "absent": "ABSENT", "gone": "GONE",
        "under way": "UNDER WAY", "held back": "HELD BACK",
    }  # fmt: skip
    columns = {key: heading for key, heading in columns.items() if any(row.get(key) for row in rows)}
    lines += ["", *(f"  {line}" for line in table(rows, columns).splitlines())]
    if shown.get("failures"):
        lines.append("")
        alike = grouped(
            [{"minion": failure["minion_id"], **failure} for failure in shown["failures"]], ("verdict", "reason")
        )
        lines += [f"  {fold(each['minion'])}: {each['verdict']}, {cell(each['reason'])}" for each in alike]
        if shown["failure_count"] > len(shown["failures"]):
            lines.append(f"  ... of {shown['failure_count']} that failed")
    return "\n".join(lines)


def paused_text(shown):
    """What Client.paused() returned."""
    if not shown["paused"]:
        return "sending is not paused"
    return f"all sending is paused since {cell(shown['paused_at'])} by {shown['paused_by']}: {cell(shown['comment'])}"
