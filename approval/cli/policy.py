"""Commands on the policy: who is who, which types of request there are, when windows open."""

import sys

from .command import answer, client, connection, group, leaf, read


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
    from . import render

    with client(arguments) as acting:
        rows = acting.types()
    return answer(arguments, rows, render.types)


def _types_show(arguments):
    from ..policy import loader

    if not arguments.type:
        return _types(arguments)
    with client(arguments) as acting:
        shown = acting.type(arguments.type)
    return answer(arguments, shown, lambda shown: loader.type_to_yaml(shown["definition"]).rstrip())


def _types_replay(arguments):
    from ..policy import loader
    from . import render

    wanted = loader.parse(_text(arguments.file))["types"]
    with client(arguments) as acting:
        rows = [
            {"type": name, **row}
            for name, definition in wanted.items()
            for row in acting.replay(definition, arguments.limit)
        ]
    return answer(arguments, rows, render.replay)


def _calendars(arguments):
    from . import render

    with client(arguments) as acting:
        rows = acting.calendars()
    return answer(arguments, rows, render.calendars)


def _freezes(arguments):
    from . import render

    with client(arguments) as acting:
        rows = acting.freezes()
    return answer(arguments, rows, render.freezes)


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
