"""The command by the REST API of a service, with a token in a file."""

import json

import pytest

from saltext.approval.cli import main
from saltext.approval.client.api import ROUTES
from saltext.approval.client.server import ServerClient
from saltext.approval.errors import ConfigError, InputError, Unavailable
from saltext.approval.intake import api_token


@pytest.fixture
def run(open_portal, make_token, tmp_path, capsys):
    """A function that runs a command as somebody; gives the exit code, the answer to --json, and what was said."""
    service = open_portal()

    def ran(name, *arguments):
        file = tmp_path / f"{name}.token"
        if not file.exists():
            file.touch(mode=0o600)
            file.write_text(make_token(name, "read", "request", "decide"))
        server = ["--server", f"http://localhost:{service.port}", "--token-file", str(file)]
        code = main([*server, "--json", *arguments])
        said = capsys.readouterr()
        assert "sap_" not in said.out + said.err
        return code, json.loads(said.out or "null"), said.err

    return ran


def test_the_way_of_a_request(run, people):
    asked = (
        "request", "package", "--minion", "web1", "--minion", "web2", "--package", "hello=2.12-1", "--reason", "CHG-7",
    )  # fmt: skip
    _, tried, _ = run("alice", *asked, "--dry-run")
    assert (tried["request"], tried["would_be"]["stages"][0]["name"]) == (None, "review")
    _, made, _ = run("alice", *asked)
    assert (made["state"], len(made["items"]), made["next"]) == ("pending", 2, None)
    first, second = made["request"], run("alice", *asked)[1]["request"]
    assert [row["request_id"] for row in run("bob", "list", "--waiting-for-me")[1]] == [first, second]
    assert [row["request_id"] for row in run("bob", "list", "--waiting-for-me", "--after", f"{first}")[1]] == [second]
    (row,) = run("alice", "list", "--mine", "--limit", "1")[1]
    assert (row["request_id"], row["total"]) == (second, 2)
    assert [row["request_id"] for row in run("alice", "list", "--after", f"{second}")[1]] == [first]
    code, shown, _ = run("bob", "show", f"{first}", "--limit", "1")
    assert (code, [item["minion"] for item in shown["items"]]) == (0, ["web1"])
    rest = run("bob", "show", f"{first}", "--after", *shown["next"])[1]["items"]
    assert [item["minion"] for item in rest] == ["web2"]
    code, _, said = run("bob", "approve", f"{first}", "--digest", "sha256:" + "0" * 64, "--stage", "1")
    assert (code, "is not what was reviewed" in said) == (1, True)
    assert run("bob", "approve", f"{first}", "--comment", "seen") == (0, {"request": first, "state": "pending"}, "")
    code, _, said = run("carol", "approve", f"{first}")
    assert (code, "asks for an identity that is authenticated" in said) == (1, True)
    assert run("alice", "cancel", f"{first}")[1] == {"request": first, "state": "cancelled"}
    assert run("bob", "state", "web1")[1]["minion"] == "web1"
    assert run("bob", "types", "show", "package")[1]["type"] == "package"
    for command in (
        ("calendars",),
        ("delegations",),
        ("amend", f"{second}", "--minion", "web1", "--package", "hello=1"),
    ):
        code, _, said = run("alice", *command)
        assert (code, "cannot be done by --server" in said) == (2, True), command
    code, _, said = run("alice", "db", "status")
    assert (code, "this needs the database itself" in said) == (2, True)
    assert people.execute("SELECT count(*) FROM approval.request") == [(2,)]


def test_each_method_answers_or_is_refused_by_name():
    client = ServerClient("https://approval.example.com", api_token.new())
    for name in ROUTES:
        assert name in vars(ServerClient), name
    with pytest.raises(InputError, match="break glass: this cannot be done by --server"):
        client.break_glass(1, "x")


@pytest.mark.parametrize(
    ("address", "token", "says"),
    [
        ("approval.example.com", None, "is the address"), ("https://", None, "is the address"),
        ("http://approval.example.com", None, "must begin with https:"), ("https://a:b@b.com", None, "is the address"),
        ("https://approval.example.com", "sap_x", "is no token"),
    ],
)  # fmt: skip
def test_addresses_and_tokens_that_are_none(address, token, says):
    with pytest.raises(ConfigError, match=says):
        ServerClient(address, token or api_token.new())


def test_nobody_answers_there(free_port):
    with pytest.raises(Unavailable, match="cannot be reached"):
        ServerClient(f"http://127.0.0.1:{free_port}", api_token.new()).show(1)
