"""Commands on the policy: who is who, which types of request there are, when windows open."""

import sys

from .command import answer, client, connection, group, leaf, read
from .layout import cell, table


def add(commands):
    """Declare the commands."""
    _add_types(commands)
    leaf(commands, "calendars", _calendars, "the maintenance windows and when they open next")
    leaf(commands, "freezes", _freezes, "the freezes that are on or to come")
    policy = group(commands, "policy", "principals, groups, request types, calendars and freezes")
    _add_load(policy, "make the database's policy what a file says, and tell what changes")
    leaf(policy, "show", _policy_show, "the policy as it stands, as such a file")


def _add_types(commands):
    command = leaf(commands, "types", _types, "the request types and their chains")
    types = command.add_subparsers(title="commands", metavar="COMMAND")
    command = leaf(types, "show", _types_show, "the request types, or all about one of them")
    command.add_argument("type", nargs="?", metavar="NAME", help="as a policy file has it")
    _add_load(types, "load request types, and tell what changes; the same as `policy load`")
    command = leaf(types, "replay", _types_replay, "what the types in a file would make of past requests")
    command.add_argument("file", metavar="FILE", help="YAML; - for standard input")
    command.add_argument("--limit", type=int, default=50, help="how many requests of each type at most (%(default)s)")


def _add_load(commands, what):
    command = leaf(commands, "load", _load, what)
    source = command.add_mutually_exclusive_group(required=True)
    source.add_argument("file", nargs="?", metavar="FILE", help="YAML; - for standard input")
    source.add_argument("--shipped", action="store_true", help="the request types that come with this package")
    command.add_argument("--dry-run", action="store_true", help="only show what would change")


def _types(arguments):
    with client(arguments) as acting:
        rows = acting.types()
    return answer(arguments, rows, types_text)


def _types_show(arguments):
    from ..policy import loader

    if not arguments.type:
        return _types(arguments)
    with client(arguments) as acting:
        shown = acting.type(arguments.type)
    return answer(arguments, shown, lambda shown: loader.type_to_yaml(shown["definition"]).rstrip())


def _types_replay(arguments):
    from ..policy import loader

    wanted = loader.parse(_text(arguments.file))["types"]
    with client(arguments) as acting:
        rows = [
            {"type": name, **row}
            for name, definition in wanted.items()
            for row in acting.replay(definition, arguments.limit)
        ]
    return answer(arguments, rows, replay_text)


def _calendars(arguments):
    with client(arguments) as acting:
        rows = acting.calendars()
    return answer(arguments, rows, calendars_text)


def _freezes(arguments):
    with client(arguments) as acting:
        rows = acting.freezes()
    return answer(arguments, rows, freezes_text)


def _load(arguments):
    import importlib.resources

    from ..policy import loader

    if arguments.shipped:
        content = importlib.resources.files(loader.__package__).joinpath("types.yaml").read_text(encoding="utf-8")
    else:
        content = _text(arguments.file)
    wanted = loader.parse(content)
    with connection(arguments) as conn:
        warnings = []
        lines = loader.load(conn, wanted, arguments.dry_run, warnings)
    result = {"applied": not arguments.dry_run, "changes": lines, "warnings": warnings}
    if not arguments.json:
        for warning in warnings:
            print(f"salt-approval: warning: {warning}", file=sys.stderr)
    return answer(arguments, result, lambda result: "\n".join(result["changes"]) or "nothing to change")


def _policy_show(arguments):
    from ..policy import loader

    with connection(arguments) as conn:
        shown = loader.show(conn)
    return answer(arguments, shown, lambda shown: loader.to_yaml(shown).rstrip())


def _text(path):
    from ..errors import InputError

    try:
        return read(path).decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text") from None


def types_text(rows):
    """What Client.types() returned."""
    lines = []
    for row in rows:
        asked_by = "anyone known" if "*" in row["requesters"] else ", ".join(row["requesters"])
        lines.append(f"{row['type']} (version {row['version']}): {row['title']}; requested by {asked_by}")
        for number, stage in enumerate(row["chain"], 1):
            groups = " or ".join(f"{way.get('quorum', 1)} of {way['group']}" for way in stage["any_of"])
            lines.append(
                f"  stage {number} ({stage['name']}): {groups}, at least {stage.get('min_assurance', 'asserted')}"
            )
        if row["pre_approved"]:
            lines.append("  pre-approved: needs no approval")
    return "\n".join(lines) or "no request types"


def replay_text(rows):
    """What Client.replay() returned for one or more types, each row with its type."""
    columns = {
        "type": "TYPE", "request_id": "REQUEST", "state": "STATE", "would_pass": "WOULD PASS",
        "stage": "STOPS AT",
    }  # fmt: skip
    rows = [{**row, "would_pass": "yes" if row["would_pass"] else "no"} for row in rows]
    return table(rows, columns) if rows else "no requests of these types were ever decided"


def calendars_text(rows):
    """What Client.calendars() returned."""
    lines = []
    for row in rows:
        counted = f"from {row['starts_on']} {row['time_zone']}"
        lines.append(f"{row['calendar']}: {row['duration']}, {row['rule']} {counted}")
        lines.append(f"  for the types {', '.join(row['types'])}" if row["types"] else "  no type waits for it")
        lines += [
            f"  {cell(opening)} to {cell(closing)}"
            for opening, closing in zip(row["next_openings"], row["next_closings"], strict=True)
        ] or ["  no opening to come"]
    return "\n".join(lines) or "no calendars"


def freezes_text(rows):
    """What Client.freezes() returned."""
    columns = {
        "freeze": "FREEZE", "starts_at": "FROM", "ends_at": "UNTIL", "type": "TYPE",
        "minion_group": "MINION GROUP", "reason": "REASON",
    }  # fmt: skip
    return table(rows, columns) if rows else "no freezes"
