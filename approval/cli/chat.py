"""Commands about chats: whether their channels work, a sample, what would be sent, and the manifest of the app."""

import sys

from .command import DONE, REFUSED, answer, group, leaf
from .serve import CONFIG


def add(commands):
    """Declare the commands."""
    ours = group(commands, "chat", "channels of Slack and others, where people are told and asked")
    command = leaf(
        ours, "check", _check,
        "try tokens, scopes and channels at the real systems, without posting anything; exit code 1 if one does not "
        "work",
    )  # fmt: skip
    command.add_argument("channel", metavar="CHANNEL", nargs="?", help="this one alone")
    _add_config(command)
    command = leaf(ours, "test", _test, "post a sample in a channel")
    command.add_argument("channel", metavar="CHANNEL", help="its name, or a route's destination, as chat-ops")
    _add_config(command)
    command = leaf(
        ours, "show", _show, "print what a message about something would be now, as Slack gets it; sends nothing"
    )
    command.add_argument("thread", metavar="NOTICE", help="as request/7, job/JID, alarm/3 or drift/MINION")
    _add_config(command)
    command = leaf(
        ours, "manifest", _manifest, "print the manifest of the app, to be given to Slack where apps are made"
    )
    command.add_argument(
        "channel", metavar="CHANNEL", nargs="?",
        help="clicks come by the way that its settings say; by default over Socket Mode",
    )  # fmt: skip
    _add_config(command)


def _add_config(command):
    command.add_argument(
        "--config", metavar="FILE", default=CONFIG, help="where the channels are described (%(default)s)"
    )


def _check(arguments):
    from .. import db
    from ..chat import checking
    from ..errors import ApprovalError

    settings, found = _channels(arguments)
    chosen = [_named(found, arguments.channel)] if arguments.channel else list(found.values())
    rows = [row for channel in chosen for row in checking.findings(channel)]
    try:
        with db.connect(settings.connection("chat")) as conn:
            db.value(conn, "chat_story", "request/0")
        rows.append(checking.ok("our login reaches the database"))
    except ApprovalError as exc:
        rows.append(checking.error(str(exc), "Have the login of approval:chat reach the database."))
    answer(arguments, rows, check_text)
    return REFUSED if any(row["level"] == "error" for row in rows) else DONE


def _test(arguments):
    from ..chat.channel import Later
    from ..chat.checking import sample
    from ..errors import InputError

    channel = _named(_channels(arguments)[1], arguments.channel)
    message = sample(channel.name)
    try:
        channel.deliver(message, message.key)
    except Later as exc:
        raise InputError(f"{channel.name} takes nothing before {exc.due_at:%H:%M:%S} UTC: try again then") from None
    return answer(arguments, {"channel": channel.name, "key": message.key}, test_text)


def _show(arguments):
    from .. import db
    from ..chat import blocks, story
    from ..errors import InputError
    from ..intake import masking
    from ..settings import Settings

    settings = Settings.from_service_file(arguments.config)
    with db.connect(settings.connection("chat")) as conn:
        known = db.value(conn, "chat_story", arguments.thread)
    if known is None or arguments.thread.partition("/")[0] not in ("request", "job", "alarm", "drift"):
        raise InputError(f"nothing is known of {arguments.thread}: say request/7, job/JID, alarm/3 or drift/MINION")
    teller = story.Teller(masking.of_site(settings.masking_patterns).masked_text, settings.public_url())
    return answer(arguments, blocks.payload(teller.parent(arguments.thread, known)), payload_text)


def _manifest(arguments):
    from ..chat import manifest
    from ..errors import InputError

    url = None
    if arguments.channel:
        settings, found = _channels(arguments)
        channel = _named(found, arguments.channel)
        if channel.kind != "slack":
            raise InputError(f"{channel.name} is of kind {channel.kind}: only Slack has manifests")
        if channel.signing_secrets:
            public_url = settings.public_url()
            if public_url is None:
                raise InputError(f"clicks in {channel.name} come over HTTP: set public_url under approval:web")
            url = f"{public_url.rstrip('/')}/chat/{channel.name}"
    sys.stdout.write(manifest.manifest(url))
    return DONE


def _channels(arguments):
    """(Settings, the channels by name) of the file that the arguments name."""
    from ..chat import channels
    from ..settings import Settings

    settings = Settings.from_service_file(arguments.config)
    return settings, channels.load(settings.chat_channels())


def _named(found, name):
    """The channel of this name or destination. Raises InputError."""
    from ..chat import channels
    from ..errors import InputError

    for channel in found.values():
        if name in (channel.name, channels.destination(channel.name)):
            return channel
    raise InputError(f"there is no channel {name!r} (known: {', '.join(found)})")


def check_text(rows):
    """What was found about channels."""
    lines = []
    for row in rows:
        lines.append(f"{row['level']}: {row['found']}")
        if row["remedy"]:
            lines.append(f"    {row['remedy']}")
    return "\n".join(lines)


def test_text(result):
    """What was posted."""
    return f"posted {result['key']} in {result['channel']}"


def payload_text(payload):
    """What Slack would get, as JSON."""
    import json

    return json.dumps(payload, indent=2, ensure_ascii=True)
