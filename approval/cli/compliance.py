"""The command on who is out of line with what is approved, for people and for metrics."""

from .command import DONE, REFUSED, answer, client, leaf, note
from .layout import fold, grouped, table


def add(commands):
    """Declare the command."""
    command = leaf(
        commands,
        "compliance",
        _compliance,
        "who is out of line with what is approved, since when, and why; exit code 1 if anybody is",
    )
    command.add_argument(
        "--limit", metavar="N", type=int, default=50, help="how many to list, the longest first (%(default)s)"
    )
    command.add_argument(
        "--metrics",
        action="store_true",
        help="only the numbers, in Prometheus's text format, as its node_exporter reads it",
    )


def _compliance(arguments):
    with client(arguments) as acting:
        shown = acting.compliance(arguments.limit)
        note(acting, "requests", "values")
    if arguments.metrics:
        print(_metrics(shown))
        return DONE
    answer(arguments, shown, compliance_text)
    return REFUSED if shown["out_of_line"] else DONE


def _metrics(shown):
    from ..engine.metrics import METRICS

    names = ("saltext_approval_minions", "saltext_approval_drifting_resources")
    minions, resources = ((name, f"# HELP {name} {METRICS[name].text}\n# TYPE {name} gauge") for name in names)
    lines = [minions[1]]
    lines += [f'{minions[0]}{{standing="{standing}"}} {count}' for standing, count in shown["minions"].items()]
    return "\n".join([*lines, resources[1], f"{resources[0]} {shown['resources']}"])


def compliance_text(shown):
    """What Client.compliance() returned."""
    columns = {
        "minion_id": "MINION", "standing": "STANDING", "name": "RESOURCE", "since": "SINCE", "last_seen": "LAST SEEN",
        "why": "WHY",
    }  # fmt: skip
    numbers = ", ".join(f"{count} {standing}" for standing, count in shown["minions"].items())
    if not shown["out_of_line"]:
        return f"minions: {numbers}"
    rows = grouped(shown["out_of_line"], [key for key in columns if key != "minion_id"], "minion_id")
    return f"minions: {numbers}\n\n{table([{**row, 'minion_id': fold(row['minion_id'])} for row in rows], columns)}"
