"""Commands on contacts: where people are told of what waits for them."""

from . import layout
from .command import answer, client, connection, group, leaf

COLUMNS = {"channel": "CHANNEL", "address": "ADDRESS", "muted_until": "MUTED UNTIL"}


def add(commands):
    """Declare the commands."""
    ours = group(commands, "contact", "where you are told of what waits for you")
    leaf(ours, "list", _list, "your contacts, and until when you muted them")
    command = leaf(ours, "set", _set, "be told by a channel, at an address")
    _add_channel(command)
    command.add_argument(
        "address", metavar="ADDRESS", help="as the channel has it: TEAM/USER of Slack, or a mail address"
    )
    _add_whose(command)
    command = leaf(ours, "drop", _drop, "be told no more by a channel")
    _add_channel(command)
    _add_whose(command)
    command = leaf(ours, "mute", _mute, "be told nothing by a channel for a time")
    _add_channel(command)
    command.add_argument("--until", metavar="TIME", required=True, help="ISO 8601, UTC where no zone is named")
    _add_channel(leaf(ours, "unmute", _unmute, "be told by a channel again from now on"))


def _add_channel(command):
    command.add_argument("channel", metavar="CHANNEL", help="its name, or a route's destination, as chat-mail")


def _add_whose(command):
    command.add_argument(
        "--of", metavar="NAME", dest="principal", help="the contact of this principal; for policy administrators"
    )


def _list(arguments):
    with client(arguments) as acting:
        rows = acting.contacts()
    return answer(arguments, rows, contacts_text)


def _set(arguments):
    if arguments.principal is not None:
        result = _changed(arguments, "put_contact", arguments.address)
    else:
        with client(arguments) as acting:
            result = acting.set_contact(arguments.channel, arguments.address)
    return answer(arguments, result, set_text)


def _drop(arguments):
    if arguments.principal is not None:
        result = _changed(arguments, "drop_contact")
    else:
        with client(arguments) as acting:
            result = acting.drop_contact(arguments.channel)
    return answer(arguments, result, dropped_text)


def _changed(arguments, function, *address):
    """Change a contact of somebody as a policy administrator, who acts as nobody in particular."""
    from .. import db
    from ..intake import fields

    principal = fields.text("the principal", arguments.principal)
    channel = fields.channel(arguments.channel)
    with connection(arguments) as conn:
        changed = db.value(conn, function, None, None, principal, channel, *address)
    return {"principal": principal, "channel": channel, "changed": changed}


def _mute(arguments):
    with client(arguments) as acting:
        result = acting.mute_contact(arguments.channel, arguments.until)
    return answer(arguments, result, muted_text)


def _unmute(arguments):
    with client(arguments) as acting:
        result = acting.unmute_contact(arguments.channel)
    return answer(arguments, result, muted_text)


def contacts_text(rows):
    """The answer of Client.contacts()."""
    return layout.table(rows, COLUMNS, ("address",)) if rows else "no contacts: you are told nothing"


def set_text(result):
    """The answer of Client.set_contact()."""
    return f"{_where(result)}: " + ("set" if result["changed"] else "it was so already")


def dropped_text(result):
    """The answer of Client.drop_contact()."""
    return f"{_where(result)}: " + ("dropped" if result["changed"] else "there was none")


def muted_text(result):
    """The answer of Client.mute_contact() and Client.unmute_contact()."""
    until = result["muted_until"]
    return f"{_where(result)}: " + (f"muted until {layout.cell(until)}" if until else "not muted")


def _where(result):
    principal = f" of {layout.plain(result['principal'])}" if "principal" in result else ""
    return f"contact{principal} by {layout.plain(result['channel'])}"
