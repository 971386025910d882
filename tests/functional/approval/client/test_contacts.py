"""Where people are told, as they see and change it: by the client, the runner and the command."""

import datetime
import json

import pytest
import salt.exceptions
import salt.loader

from saltext.approval import cli
from saltext.approval.errors import InputError, Refused


@pytest.fixture
def run(approved, dsn_file, capsys):
    """A function that runs salt-approval as a login; gives (exit code, output, errors)."""

    def command(login, *arguments):
        code = cli.main(["--dsn-file", str(dsn_file(login)), *arguments])
        return code, *capsys.readouterr()

    return command


def tomorrow():
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)).replace(microsecond=0)


def test_everybody_has_contacts_of_their_own(client):
    bob = client("bob")
    assert bob.set_contact("chat-mail", "bob@example.com") == {"channel": "mail", "changed": True}
    assert bob.set_contact("mail", "bob@example.com")["changed"] is False
    assert bob.contacts() == [
        {"principal": "bob", "channel": "mail", "address": "bob@example.com", "muted_until": None}
    ]
    assert client("carol").contacts() == []
    assert client("carol").drop_contact("mail")["changed"] is False
    until = tomorrow()
    assert bob.mute_contact("mail", until) == {"channel": "mail", "muted_until": until.isoformat()}
    assert datetime.datetime.fromisoformat(bob.contacts()[0]["muted_until"].replace("Z", "+00:00")) == until
    assert bob.unmute_contact("mail") == {"channel": "mail", "muted_until": None}
    assert bob.contacts()[0]["muted_until"] is None
    assert bob.drop_contact("mail") == {"channel": "mail", "changed": True}
    acts = [row["act"] for row in client("alice").audit() if row["act"].startswith("contact-")]
    assert sorted(acts) == ["contact-dropped", "contact-muted", "contact-muted", "contact-put"]


def test_senseless_input_is_refused(client):
    bob = client("bob")
    bob.set_contact("mail", "bob@example.com")
    for refused, says in (
        (lambda: bob.set_contact("mail", None), "the address must be text, but nothing was given"),
        (lambda: bob.set_contact(None, "x"), "the channel must be text"),
        (lambda: bob.mute_contact("mail", None), "until when"),
        (lambda: bob.mute_contact("mail", "soon"), "until"),
    ):
        with pytest.raises(InputError, match=says):
            refused()
    with pytest.raises(Refused, match="small letters") as raised:
        bob.set_contact("No Channel", "x")
    assert raised.value.sqlstate == "AP017"
    with pytest.raises(Refused, match="until a time to come"):
        bob.mute_contact("mail", "2020-01-01")
    with pytest.raises(Refused, match="carol is not told by mail") as raised:
        client("carol").mute_contact("mail", tomorrow())
    assert raised.value.sqlstate == "AP006"
    assert bob.contacts()[0]["muted_until"] is None


def test_by_the_command(run):
    assert run("bob", "contact", "list")[1] == "no contacts: you are told nothing\n"
    assert run("bob", "contact", "set", "ops", "T1/U1")[:2] == (0, "contact by ops: set\n")
    assert run("bob", "contact", "set", "ops", "T1/U1")[:2] == (0, "contact by ops: it was so already\n")
    muted = run("bob", "--utc", "contact", "mute", "ops", "--until", "2099-12-24T12:00")
    assert muted[:2] == (0, "contact by ops: muted until 2099-12-24 12:00:00 UTC\n")
    listed = run("bob", "--utc", "contact", "list")[1].splitlines()
    assert [line.split() for line in listed] == [
        ["CHANNEL", "ADDRESS", "MUTED", "UNTIL"],
        ["ops", "T1/U1", "2099-12-24", "12:00:00", "UTC"],
    ]
    assert run("bob", "contact", "unmute", "ops")[:2] == (0, "contact by ops: not muted\n")
    assert json.loads(run("bob", "--json", "contact", "drop", "ops")[1]) == {"channel": "ops", "changed": True}
    assert run("bob", "contact", "drop", "ops")[:2] == (0, "contact by ops: there was none\n")


def test_a_policy_administrator_has_those_of_all(run, client):
    assert run("policy_admin", "contact", "set", "mail", "bob@example.com", "--of", "bob")[:2] == (
        0,
        "contact of bob by mail: set\n",
    )
    assert [row["address"] for row in client("bob").contacts()] == ["bob@example.com"]
    code, _, errors = run("policy_admin", "contact", "set", "mail", "x@example.com", "--of", "nobody-known")
    assert (code, "nobody-known" in errors) == (1, True)
    for login in ("carol", "bob"):
        for act in (("set", "mail", "evil@example.com"), ("drop", "mail")):
            code, _, errors = run(login, "contact", *act, "--of", "bob")
            assert (code, f"{login} is no policy administrator" in errors) == (1, True)
    assert [row["address"] for row in client("bob").contacts()] == ["bob@example.com"]
    assert run("policy_admin", "contact", "drop", "mail", "--of", "bob")[1] == "contact of bob by mail: dropped\n"
    assert client("bob").contacts() == []


def test_by_the_runner(master_opts, client):
    functions = salt.loader.runner(master_opts())
    functions["approval.contacts"].__globals__["__user__"] = "bob"
    assert functions["approval.set_contact"]("mail", "bob@example.com")["changed"] is True
    assert functions["approval.contacts"](text=True).splitlines()[1].split() == ["mail", "bob@example.com", "-"]
    assert functions["approval.mute_contact"]("mail", until=tomorrow().isoformat())["channel"] == "mail"
    assert client("bob").contacts()[0]["muted_until"] is not None
    assert functions["approval.unmute_contact"]("mail", text=True) == "contact by mail: not muted"
    assert functions["approval.drop_contact"]("mail")["changed"] is True
    functions["approval.contacts"].__globals__["__user__"] = "nobody-knows"
    with pytest.raises(salt.exceptions.NotImplemented, match="nobody is known as salt:nobody-knows"):
        functions["approval.set_contact"]("mail", "x@example.com")
