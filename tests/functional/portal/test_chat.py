"""Slack's clicks and commands over HTTP: proven, acknowledged whatever the database does, and only once."""

import datetime
import time
import urllib.parse

import pytest
from standins.slack import SlackStandIn

MOST = 256 * 1024
COMMANDS = "/chat/ops/commands"


@pytest.fixture
def slack():
    with SlackStandIn() as workspace:
        yield workspace


@pytest.fixture
def listening(start, slack, settings_of, tmp_path, free_port):
    """A function that starts the service with a channel ops, whose clicks come over HTTP."""
    files = {}
    for name, text in (("bot", slack.bot_token), ("signing", slack.signing_secret)):
        files[name] = tmp_path / f"{name}.token"
        files[name].touch(mode=0o600)
        files[name].write_text(text + "\n")
    slack.requests_url = f"http://127.0.0.1:{free_port}{COMMANDS}"

    def begin(dsn=None, **changes):
        ops = {"kind": "slack", "token_file": str(files["bot"]), "channel": "C0123ABCD",
               "signing_secret_file": str(files["signing"]), "api_url": slack.url + "/api/", **changes}  # fmt: skip
        database = {"dsn": dsn} if dsn else settings_of("chat")
        return start(chat={**database, "channels": {"ops": ops}})

    return begin


def test_check_15_what_slack_did_not_sign_just_now_is_401(listening, slack):
    service, now = listening(), int(time.time())
    body = urllib.parse.urlencode({"payload": '{"type": "shortcut"}'}).encode()
    for wrong in (
        {},
        slack.signed(body, secret="another"),  # noqa: S106
        slack.signed(body, at=now - 310),
        slack.signed(body, at=now + 310),
        slack.signed(body, at="soon"),
        slack.signed(body + b"x"),
    ):
        assert service.ask("POST", COMMANDS, body, wrong)[0] == 401
    right = slack.signed(body)
    status, _, answer = service.ask("POST", "/chat/ops/interactivity", body, right)
    assert (status, answer) == (200, b"")
    assert service.ask("POST", COMMANDS, body, right)[0] == 401
    assert service.ask("POST", "/chat/nobody/commands", body, slack.signed(body))[0] == 404
    assert service.ask("POST", COMMANDS, b"x" * (MOST + 1))[0] == 413
    for odd, why in (
        (b"", b"team_id is missing, or no text"),
        (b"\xff", b"no form in UTF-8"),
        (b"payload=%7B", b"payload is no JSON"),
        (b"payload=%5B%5D", b"payload is no mapping"),
        (b"payload=" + b"%5B" * 5000, b"payload is no JSON, or nested too deep"),
        (b"payload=%7B%22type%22%3A%22block_actions%22%7D", b"actions is missing, or no list"),
        (b"command=x", b"team_id is missing, or no text"),
    ):
        status, _, answer = service.ask("POST", COMMANDS, odd, slack.signed(odd))
        assert (status, why in answer) == (400, True), answer
    assert slack.signing_secret not in service.text()
    assert slack.bot_token not in service.text()


def test_a_secret_to_be_retired_counts_and_the_log_says_that_it_is_in_use(listening, slack, tmp_path):
    old, today = tmp_path / "old.token", datetime.datetime.now(datetime.timezone.utc).date()
    old.touch(mode=0o600)
    old.write_text("the secret of before\n")
    service = listening(retiring_signing_secret={"file": str(old), "until": today + datetime.timedelta(days=1)})
    body = urllib.parse.urlencode({"payload": '{"type": "shortcut"}'}).encode()
    for secret, status in ((slack.signing_secret, 200), ("the secret of before", 200), ("another", 401)):
        assert service.ask("POST", COMMANDS, body, slack.signed(body, secret=secret))[0] == status
    (line,) = service.said("a click is signed with a secret to be retired")
    assert (line["channel"], line["secret"].startswith(f"{old}, which counts until 20")) == ("ops", True)
    assert "the secret of before" not in service.text()
    # Where a secret that counts cannot be read the service is not ready, and Slack is told that it is our fault.
    old.unlink()
    status, _, answer = service.ask("GET", "/readyz")
    assert (status, b'"chat":"failed"' in answer.replace(b" ", b"")) == (503, True)
    body += b"&x=1"
    assert service.ask("POST", COMMANDS, body, slack.signed(body))[0] == 503


def test_check_16_a_command_is_acknowledged_though_the_database_is_away(listening, slack):
    service = listening(dsn="host=127.0.0.1 port=1 dbname=approval user=salt_chat")
    status, _, answer = service.ask("GET", "/readyz")
    assert (status, b'"chat":"failed"' in answer.replace(b" ", b"")) == (503, True)
    done = slack.command(slack.person("alice"), "/salt-approval inbox")
    assert (done.way, done.status, done.problem) == ("http", 200, None)
    assert done.ack_after_s < 1
