"""Commands on the minions that requests may name."""

from .command import DONE, IN_PART, REFUSED, answer, client, group, leaf, note, told
from .layout import INDENT, cell, fold, table


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
    command = leaf(minion, "show", _show, "show what is known of one: its system, and where its packages come from")
    command.add_argument("minion", metavar="ID")
    command = leaf(minion, "sync", _sync, "have them asked now which packages they could get; else once a day")
    command.add_argument("minion", metavar="ID", nargs="*", help="these; else all")
    command.add_argument(
        "--wait",
        metavar="SECONDS",
        default=60,
        help="for their answers, at most (%(default)s); exit code 3 if some lack",
    )
    command = leaf(
        commands, "packages", _packages, "find packages by a part of their names, with the versions there are"
    )
    command.add_argument("pattern", metavar="TEXT")
    command.add_argument("--minion", metavar="ID", help="only those that it could get")
    command.add_argument("--limit", metavar="N", type=int, default=50, help="how many to list (%(default)s)")


def _add(arguments):
    with client(arguments) as acting:
        result = acting.add_minions(arguments.minion)
    return answer(arguments, result, lambda counts: f"{counts['added']} of {counts['known']} were new")


def _list(arguments):
    with client(arguments) as acting:
        rows = acting.minions()
        note(acting, "requests")
    return answer(arguments, rows, minions_text)


def _remove(arguments):
    with client(arguments) as acting:
        result = acting.remove_minions(arguments.minion, arguments.yes, arguments.comment)
    answer(arguments, result, removed_text)
    return DONE if result["removed"] else REFUSED


def _show(arguments):
    with client(arguments) as acting:
        shown = acting.minion(arguments.minion)
    return answer(arguments, shown, minion_text)


def _sync(arguments):
    from ..client import syncing

    with client(arguments) as acting:
        result = syncing.run(
            acting,
            arguments.minion or None,
            arguments.wait,
            lambda progress: told(f"{progress['answered']} of {progress['minions']} answered"),
        )
    answer(arguments, result, synced_text)
    return DONE if result["answered"] >= result["minions"] else IN_PART


def _packages(arguments):
    with client(arguments) as acting:
        rows = acting.packages(arguments.pattern, arguments.minion, arguments.limit)
    answer(arguments, rows, packages_text)
    return DONE if rows else REFUSED


def minions_text(rows):
    """The answer of Client.minions() returned."""
    columns = {"minion_id": "MINION", "revision": "REVISION", "last_return": "LAST RETURN"}
    return table(rows, columns) if rows else "no minions"


def removed_text(result):
    """The answer of Client.remove_minions() returned."""
    if result["removed"]:
        return f"{result['removed']} removed. One whose key is accepted becomes known again: salt-key --delete"
    return f"{fold(result['minions'])}\n{len(result['minions'])} would be removed: say yes (--yes, yes=True)"


def minion_text(shown):
    """What Client.minion() returned."""
    system = " ".join(filter(None, (shown["os"], shown["os_release"], shown["os_arch"]))) or "not known yet"
    lines = [
        shown["minion"],
        f"system: {system}",
        f"Salt: {cell(shown['salt_version'])}",
        f"last seen: {cell(shown['seen_at'])}",
        f"packages: {_catalog_text(shown['catalog'])}",
    ]
    if shown["refusal"]:
        lines.append(f"its last answer was not taken: {shown['refusal']}")
    return "\n".join([lines[0], *(" " * INDENT + line for line in lines[1:])])


def _catalog_text(catalog):
    if catalog is None:
        return "not known yet"
    shared = f"{catalog['packages']} from the repositories that {catalog['minions']} minions have"
    if catalog["is_apart"]:
        shared = f"{catalog['packages']}, which contradict other minions with the same repositories"
    effect = "what they lack is refused" if catalog["refuses"] else "what they lack is noted, not refused"
    return f"{shared}, seen {cell(catalog['seen_at'])}; {effect}"


def packages_text(rows):
    """What Client.packages() returned."""
    if not rows:
        return "no packages"
    columns = {"name": "PACKAGE", "versions": "VERSIONS", "gone": "GONE", "minions": "MINIONS"}
    lists = ("versions", "gone")
    return table([{**row, **{name: ", ".join(row[name] or []) or None for name in lists}} for row in rows], columns)


def synced_text(result):
    """What syncing.run() returned."""
    refused = f", {result['refused']} with an answer that was not taken" if result["refused"] else ""
    return f"{result['answered']} of {result['minions']} answered{refused}"
