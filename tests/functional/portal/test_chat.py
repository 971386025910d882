"""Slack's clicks and commands over HTTP: proven, acknowledged whatever the database does, and only once."""

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

    def begin(**chat):
        ops = {"kind": "slack", "token_file": str(files["bot"]), "channel": "C0123ABCD",
               "signing_secret_file": str(files["signing"]), "api_url": slack.url + "/api/"}  # fmt: skip
        return start(chat={**settings_of("chat"), "channels": {"ops": ops}, **chat})

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
    for odd in (b"", b"\xff", b"payload=%7B", b"payload=%5B%5D", b"payload=" + b"%5B" * 5000, b"command=x"):
        assert service.ask("POST", COMMANDS, odd, slack.signed(odd))[0] == 400
    assert slack.signing_secret not in service.text()
    assert slack.bot_token not in service.text()


def test_check_16_a_command_is_acknowledged_though_the_database_is_away(listening, slack):
    service = listening(dsn_file=None, dsn="host=127.0.0.1 port=1 dbname=approval user=salt_chat")
    status, _, answer = service.ask("GET", "/readyz")
    assert (status, b'"chat":"failed"' in answer.replace(b" ", b"")) == (503, True)
    done = slack.command(slack.person("alice"), "/salt-approval inbox")
    assert (done.way, done.status, done.problem) == ("http", 200, None)
    assert done.ack_after_s < 1
