"""Commands on the minions that requests may name."""

from .command import DONE, REFUSED, answer, client, group, leaf
from .layout import fold, table


def add(commands):
    """Declare the commands."""
    minion = group(commands, "minion", "the minions that requests may name")
    command = leaf(minion, "add", _add, "make minions known")
    command.add_argument("minion", metavar="ID", nargs="+")
    leaf(minion, "list", _list, "list them")
    command = leaf(minion, "remove", _remove, "make minions unknown, and end what is approved for them")
    command.add_argument("minion", metavar="ID", nargs="+", help="an id, or a pattern such as 'web*'")
    command.add_argument("--yes", action="store_true", help="do it; else it says only which minions are meant")
    command.add_argument("--comment", metavar="TEXT", default="", help="why, for the record")


def _add(arguments):
    with client(arguments) as acting:
        result = acting.add_minions(arguments.minion)
    return answer(arguments, result, lambda counts: f"{counts['added']} of {counts['known']} were new")


def _list(arguments):
    with client(arguments) as acting:
        rows = acting.minions()
    return answer(arguments, rows, minions_text)


def _remove(arguments):
    with client(arguments) as acting:
        result = acting.remove_minions(arguments.minion, arguments.yes, arguments.comment)
    answer(arguments, result, removed_text)
    return DONE if result["removed"] else REFUSED


def minions_text(rows):
    """The answer of Client.minions() returned."""
    columns = {"minion_id": "MINION", "revision": "REVISION", "last_return": "LAST RETURN"}
    return table(rows, columns) if rows else "no minions"


def removed_text(result):
    """The answer of Client.remove_minions() returned."""
    if result["removed"]:
        return f"{result['removed']} removed. One whose key is accepted becomes known again: salt-key --delete"
    return f"{fold(result['minions'])}\n{len(result['minions'])} would be removed: say yes (--yes, yes=True)"
