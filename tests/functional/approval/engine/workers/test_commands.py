"""The engine's work as salt-approval shows it."""

import pytest

from saltext.approval import cli


@pytest.fixture
def command(approved, monkeypatch, capsys):
    """A function that runs salt-approval as alice; gives (exit code, what it printed)."""
    monkeypatch.setenv("APPROVAL_DSN", approved.dsn("alice"))

    def run(*arguments):
        code = cli.main(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return run


def test_the_outbox(command, acting, approved):
    assert command("outbox", "list") == (0, "the outbox is empty\n")
    number = str(acting.request("flush", ["web1"], reason="a test")["request"])
    approved.execute("UPDATE approval.outbox SET state = 'dead', last_error = 'no master'")
    code, text = command("outbox", "list", "--state", "dead")
    assert (code, "no master" in text) == (0, True)
    assert command("outbox", "retry", number) == (0, "1 will be tried again\n")
    code, text = command("outbox", "retry", number)
    assert (code, f"request {number} has no dead message to salt" in text) == (1, True)


def test_a_thread_that_is_of_no_request(command, approved):
    approved.execute("SELECT approval.put_route('chat', 'drift')", login="policy_admin")
    approved.execute("SELECT approval.tell('drift', 'drift/web1', '{}')", login="engine")
    code, text = command("outbox", "list")
    assert (code, "drift/web1" in text, "nobody consumes" in text) == (0, True, False)
    approved.execute("UPDATE approval.outbox SET state = 'dead'")
    assert command("outbox", "retry", "drift/web1", "--destination", "chat") == (0, "1 will be tried again\n")
    assert command("outbox", "drop", "drift/web1") == (0, "1 dropped\n")
    assert command("outbox", "list") == (0, "the outbox is empty\n")


def test_reinstalls(command, approved):
    assert command("reinstalls") == (0, "no minion was reinstalled\n")
    for key, accepted in (("one", True), ("two", False)):
        approved.execute("SELECT approval.note_minion('web1', %s, %s, NULL)", (key, accepted), login="engine")
    code, text = command("reinstalls", "web1")
    assert (code, "waiting" in text) == (0, True)


def test_catch_ups(command, acting, approved):
    assert command("catch-ups") == (0, "no minion started behind what is approved for it\n")
    acting.request("at-once", ["web1"], {"hello": "1"}, "a test")
    approved.execute("SELECT approval.note_starts('{web1,web2}', '1 minute')", login="engine")
    code, text = command("catch-ups", "web1")
    assert (code, "it waits for its turn" in text) == (0, True)
    assert "no minion" in command("catch-ups", "web2")[1]
    assert "and is to be caught up" in command("show", "1")[1]
    assert "the minion started" in command("why", "web1", "package:hello")[1]
