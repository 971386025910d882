"""Whether channels work: what can be tried without posting anything, and a sample that is posted."""

import datetime

from ..errors import ConfigError
from . import manifest
from .channel import Failed
from .message import At, Message, Mono
from .slack import Denied, Limited, Workspace

# Answers by which a channel is known to be none that we could post in.
NO_CHANNEL = ("channel_not_found", "invalid_channel")


def findings(channel):
    """
    What is found about a channel.Channel, rows with ``level`` (ok, warning or error), ``found`` and ``remedy`` (None:
    there is nothing to do).
    """
    if channel.kind != "slack":
        return [warning(f"{channel.name}: a channel of kind {channel.kind} cannot be tried without a message",
                        f"Post a sample: salt-approval chat test {channel.name}")]  # fmt: skip
    try:
        return list(_of_slack(channel))
    except Denied as exc:
        return [error(f"{channel.where}: {exc}", "Put the bot's token (xoxb-…) of the app into the file.")]
    except (Failed, ConfigError) as exc:
        return [error(str(exc), None)]
    except Limited as exc:
        return [error(f"{channel.where}: Slack asks to wait", f"Try again in {exc.seconds:.0f} seconds.")]


def _of_slack(channel):
    workspace = channel.workspace
    known, scopes = workspace.call_with_scopes("auth.test")
    yield ok(f"{channel.where}: the token is of {known['user']} in {known['team']} ({known['team_id']})")
    if channel.team is not None and channel.team != known["team_id"]:
        yield error(
            f"{channel.where}: team says {channel.team}", f"Set team: {known['team_id']}, or use another token."
        )
    missing = [scope for scope in manifest.SCOPES if scope not in scopes]
    if missing:
        yield error(f"{channel.where}: the token lacks {', '.join(missing)}",
                    "Add the scopes (salt-approval chat manifest has all), and install the app anew.")  # fmt: skip
    yield _place(channel, workspace)
    if channel.settings.get("app_token_file"):
        yield _app_token(channel)
    elif channel.has_buttons:
        yield warning(f"{channel.where}: clicks come over HTTP alone", "Have the web service reachable from Slack.")


def _place(channel, workspace):
    place = channel.settings["channel"]
    if place.startswith("#"):
        return warning(f"{channel.where}: whether there is {place} cannot be asked by its name",
                       "Set the id of the channel, which Slack shows at the end of its details.")  # fmt: skip
    try:
        found = workspace.call("conversations.info", channel=place)["channel"]
    except Denied as exc:
        if exc.error in NO_CHANNEL:
            return error(f"{channel.where}: {exc}", "Set the id of a channel, and invite the app there: /invite @salt")
        return warning(f"{channel.where}: more scopes would tell whether {place} takes messages ({exc.error})",
                       f"Post a sample: salt-approval chat test {channel.name}")  # fmt: skip
    if found.get("is_archived"):
        return error(f"{channel.where}: {place} is archived", "Set another channel.")
    if not found.get("is_im") and not found.get("is_member"):
        return error(f"{channel.where}: the app is not in {place}", "Invite it there: /invite @salt")
    return ok(f"{channel.where}: the app is in {place}")


def _app_token(channel):
    what = f"{channel.where}: app_token_file"
    try:
        Workspace(what, channel.settings["app_token_file"], channel.workspace.api_url).call("apps.connections.open")
    except Failed as exc:
        return error(f"{what}: {exc}", "Make an app-level token (xapp-…) with connections:write, and put it there.")
    return ok(f"{what}: Socket Mode can be opened")


def sample(name):
    """The Message that is posted to try a channel out."""
    now = datetime.datetime.now(datetime.timezone.utc)
    lines = (("Somebody tried this channel out at ", At(now), ", with ", Mono(f"salt-approval chat test {name}"), "."),)
    return Message(f"test/{name}/{now:%Y%m%dT%H%M%SZ}", "This is a sample", lines)


def ok(found):
    """A row about something that works."""
    return {"level": "ok", "found": found, "remedy": None}


def warning(found, remedy):
    """A row about something that may not."""
    return {"level": "warning", "found": found, "remedy": remedy}


def error(found, remedy):
    """A row about something that does not."""
    return {"level": "error", "found": found, "remedy": remedy}
