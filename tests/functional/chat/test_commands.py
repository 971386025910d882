"""The commands `salt-approval chat`, against a workspace and a real database."""

import datetime
import json

import pytest
import yaml

from saltext.approval.cli import main

DAY = datetime.date(2026, 12, 31)


@pytest.fixture
def run(room, tmp_path, capsys):
    """A function that runs a command on the room's channels; gives (exit code, what was printed)."""

    def command(*words):
        path = tmp_path / "service.yaml"
        path.write_text(yaml.safe_dump(room.opts()))
        code = main(["chat", *words, "--config", str(path)])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return command


def test_check_finds_what_is_wrong(room, run):
    room.channels["ops"]["app_token_file"] = room.secret("app.token", room.slack.app_token)
    room.slack.scopes |= {"channels:read"}
    code, text = run("check")
    assert (code, "error" in text) == (0, False), text
    assert "the app is in" in text
    assert "Socket Mode can be opened" in text
    assert "our login reaches the database" in text
    assert room.ops.all == []
    room.slack.scopes -= {"users:read"}
    room.ops.members.discard(room.slack.bot)
    code, text = run("check", "ops")
    assert code == 1
    assert "the token lacks users:read" in text
    room.channels["ops"]["token_file"] = room.secret("wrong.token", "xoxb-nobody")
    code, text = run("check", "ops")
    assert code == 1
    assert "Slack refuses auth.test with invalid_auth" in text
    assert "xoxb-nobody" not in text


def test_test_posts_a_sample(room, run):
    code, text = run("test", "chat-ops")
    assert (code, text.startswith("posted test/ops/")) == (0, True), text
    assert room.ops.messages[0].shown.startswith("This is a sample")
    code, text = run("test", "void")
    assert code != 0
    assert "there is no channel 'void' (known: ops)" in text


def test_show_prints_what_would_be_sent(room, run):
    jid = room.job(command="salt web1 cmd.run 'mysql -pS3cret'")
    code, text = run("show", f"job/{jid}")
    assert code == 0, text
    assert json.loads(text)["metadata"]["event_payload"]["key"] == f"job/{jid}"
    assert "S3cret" not in text
    assert room.ops.all == []
    code, text = run("show", "request/77")
    assert code != 0
    assert "nothing is known of request/77" in text


def test_the_manifest_has_the_scopes_that_the_workspace_grants(room, run):
    code, text = run("manifest")
    manifest = yaml.safe_load(text)
    assert (code, set(manifest["oauth_config"]["scopes"]["bot"]) <= room.slack.scopes) == (0, True)
    assert manifest["settings"]["socket_mode_enabled"]
    assert run("manifest", "ops") == (0, text)


def test_the_manifest_has_the_addresses_of_the_web_service_where_clicks_come_over_http(room, run):
    room.channels["ops"]["signing_secret_file"] = room.secret("signing", room.slack.signing_secret)
    code, text = run("manifest", "chat-ops")
    manifest = yaml.safe_load(text)
    assert (code, manifest["settings"]["socket_mode_enabled"]) == (0, False)
    url = "https://approval.example.com/chat/ops"
    assert manifest["settings"]["interactivity"] == {"is_enabled": True, "request_url": f"{url}/interactivity"}
    assert manifest["features"]["slash_commands"][0]["url"] == f"{url}/commands"
    code, text = run("manifest", "void")
    assert (code != 0, "there is no channel 'void'" in text) == (True, True)
    room.channels["mail"] = {"kind": "mail", "host": "mail.example.com", "from": "no-reply@example.com"}
    code, text = run("manifest", "mail")
    assert (code != 0, "mail is of kind mail: only Slack has manifests" in text) == (True, True)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "irc"}, "kind must be one of slack"),
        ({"channel": "ops"}, "channel must be the id of a channel"),
        ({"token_file": "bot.token"}, "token_file must be the full path of a file"),
        ({"token_file": None}, "token_file must be the full path of a file"),
        ({"team": "acme"}, "team must be the id of a workspace"),
        ({"api_url": "http://slack.com/api/"}, "api_url must be an address with https"),
        ({"buttons": "yes"}, "buttons must be true or false"),
        ({"buttons": True}, "buttons need a way back"),
        ({"app_token_file": "/a", "signing_secret_file": "/b"}, "set one of them"),
        ({"retiring_signing_secret": {"file": "/b", "until": DAY}}, "the file of the secret that stays"),
        (
            {"signing_secret_file": "/b", "retiring_signing_secret": {"file": "/b", "until": DAY}},
            "the secret that stays",
        ),
        ({"signing_secret_file": "/b", "retiring_signing_secret": "/a"}, "retiring_signing_secret must be a mapping"),
        (
            {"signing_secret_file": "/b", "retiring_signing_secret": {"file": "a", "until": DAY}},
            "retiring_signing_secret: file must be the full path of a file",
        ),
        (
            {"signing_secret_file": "/b", "retiring_signing_secret": {"file": "/a"}},
            "retiring_signing_secret: until must be the last day on which it counts",
        ),
        ({"webhook": "x"}, "there is no setting 'webhook'"),
    ],
)
def test_wrong_settings_say_where_they_are(changes, said):
    from saltext.approval.chat import channels
    from saltext.approval.errors import ConfigError

    right = {"kind": "slack", "token_file": "/x/bot.token", "channel": "C0123"}
    assert channels.load({"ops": right})["ops"].settings == right
    with pytest.raises(ConfigError, match="approval:chat:channels:ops") as refused:
        channels.load({"ops": {**right, **changes}})
    assert said in str(refused.value)


@pytest.mark.parametrize("name", ["Ops", "", 7, "a b"])
def test_wrong_names_are_refused(name):
    from saltext.approval.chat import channels
    from saltext.approval.errors import ConfigError

    with pytest.raises(ConfigError, match="a channel's name"):
        channels.load({name: {"kind": "slack", "token_file": "/x", "channel": "C1"}})
