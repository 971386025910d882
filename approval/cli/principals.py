"""Commands on principals who are gone."""

from .command import answer, connection, group, leaf
from .layout import cell, table


def add(commands):
    """Declare the commands."""
    principal = group(commands, "principal", "people who are gone")
    command = leaf(
        principal, "pseudonymise", _pseudonymise, "replace the name of a disabled person by a pseudonym, for good"
    )
    command.add_argument("name", metavar="NAME", help="the principal, as the policy has it")
    command.add_argument("--reason", metavar="TEXT", required=True, help="recorded for good; without the name")
    command.add_argument("--dry-run", action="store_true", help="only show what would be replaced where")


def _pseudonymise(arguments):
    from ..policy import principals

    with connection(arguments) as conn:
        result = principals.pseudonymise(conn, arguments.name, arguments.reason, arguments.dry_run)
    return answer(arguments, result, lambda result: pseudonymised_text(arguments.name, result))


def pseudonymised_text(name, result):
    """What principals.pseudonymise() returned for the principal ``name``."""
    if result.get("principal") == name:
        return f"{name} is a pseudonym since {cell(result['at'])}: nothing to do"
    rows = [
        {"table": place, "done": done, "rows": count}
        for done in ("replaced", "dropped", "left")
        for place, count in sorted(result[done].items())
        if count
    ]
    shown = table(rows, {"done": "DONE", "table": "TABLE", "rows": "ROWS"})
    if "principal" not in result:
        return f"{shown}\nnothing was changed: without --dry-run {name} gets a pseudonym"
    return f"{shown}\n{name} is {result['principal']} now"
