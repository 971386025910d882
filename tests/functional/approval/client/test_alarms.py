"""Alarms as people see and judge them: by the client, the runner, the command and the check."""

import datetime
import json

import child
import pytest
import salt.exceptions
import salt.loader

from saltext.approval.admin import check
from saltext.approval.errors import InputError, Refused

RAISE = """
SELECT approval.raise_alarm('drift', %s, 'package ' || what, NULL, jsonb_build_object('what', what), now())
FROM unnest(%s::text[]) AS what
"""


@pytest.fixture
def seen(approved):
    """A function by which something drifted on minions, and alarms were made of it."""

    def see(*names, minions=("web1",)):
        # The policy that tests share may have been loaded a while ago, and nobody sealed it.
        approved.execute("SELECT approval.seal_audit()", login="engine")
        approved.execute(RAISE, (list(minions), list(names)))
        approved.execute("SELECT approval.settle_alarms()", login="engine")

    return see


@pytest.fixture
def run(approved, dsn_file):
    """A function that runs salt-approval as a login; gives the subprocess.CompletedProcess."""

    def command(login, *arguments):
        return child.run(child.program("salt-approval"), ["salt-approval", "--dsn-file", dsn_file(login), *arguments])

    return command


def tomorrow():
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)).isoformat()


def test_they_are_listed_muted_and_acknowledged(seen, client):
    seen("hello", "vim")
    seen("nano", minions=["web2"])
    alice = client("alice")
    assert [(row["what"], row["minions"], row["state"], row["count"]) for row in alice.alarms()] == [
        ("nano", ["web2"], "open", 1),
        ("vim", ["web1"], "open", 1),
        ("hello", ["web1"], "open", 1),
    ]
    last, vim, hello = (row["alarm"] for row in alice.alarms())
    assert alice.mute(hello, tomorrow(), "the vendor is at it") == {"alarm": hello, "state": "muted"}
    assert alice.acknowledge(str(vim), "it was me") == {"alarm": vim, "state": "acknowledged"}
    assert [row["alarm"] for row in alice.alarms()] == [last, hello]
    assert [row["alarm"] for row in alice.alarms(state="open")] == [last]
    assert [row["alarm"] for row in alice.alarms("web1", "drift")] == [hello]
    assert [row["alarm"] for row in alice.alarms(before=last, limit=1)] == [hello]
    assert alice.alarms(since=tomorrow()) == alice.alarms("nobody") == []
    (closed,) = alice.alarms(state="acknowledged")
    assert (closed["decided_by"], closed["comment"]) == ("alice", "it was me")
    assert [row["act"] for row in alice.audit()][-2:] == ["alarm-muted", "alarm-acknowledged"]


def test_what_cannot_be_is_refused(seen, client):
    seen("hello")
    alice = client("alice")
    (alarm,) = (row["alarm"] for row in alice.alarms())
    for call, error in (
        (lambda: alice.acknowledge(alarm, ""), "the comment must not be empty"),
        (lambda: alice.acknowledge(alarm, None), "the comment must be text"),
        (lambda: alice.acknowledge("x", "y"), "'x' is not the number of an alarm"),
        (lambda: alice.mute(alarm, "soon", "y"), "until: 'soon' is not a date"),
        (lambda: alice.alarms(limit=0), "limit: the number 0 is not a positive number"),
    ):
        with pytest.raises(InputError, match=error):
            call()
    for call, error in (
        (lambda: alice.acknowledge(99, "y"), "there is no alarm 99"),
        (lambda: alice.acknowledge(alarm, "  "), "a reason is needed"),
        (lambda: alice.mute(alarm, "2020-01-01", "y"), "is muted until a time that is to come"),
        (lambda: alice.alarms(state="closed"), "'closed' is none of open, muted, acknowledged"),
        (lambda: alice.alarms(kind="x"), "'x' is no kind of alarm"),
        (lambda: client("auditor").acknowledge(alarm, "y"), "has not the role that it needs"),
    ):
        with pytest.raises(Refused, match=error):
            call()
    assert [row["alarm"] for row in client("auditor").alarms()] == [alarm]


def test_by_the_runner(seen, master_opts):
    seen("hello")
    functions = salt.loader.runner(master_opts())
    functions["approval.alarms"].__globals__["__user__"] = "alice"
    (row,) = functions["approval.alarms"]("web1", kind="drift")
    assert functions["approval.mute"](row["alarm"], until=tomorrow(), comment="x")["state"] == "muted"
    assert functions["approval.acknowledge"](row["alarm"], comment="x") == {
        "alarm": row["alarm"],
        "state": "acknowledged",
    }
    functions["approval.alarms"].__globals__["__user__"] = "nobody-knows"
    with pytest.raises(salt.exceptions.NotImplemented, match="nobody is known as salt:nobody-knows"):
        functions["approval.acknowledge"](row["alarm"], comment="x")


def test_by_the_command(seen, run):
    assert run("alice", "alarms").stdout == "no alarms\n"
    seen("hello\x1b[31m", minions=["web1", "web2"])
    text = run("alice", "alarms").stdout
    assert "web1, web2" in text
    assert "    hello?[31m\n" in text
    (row,) = json.loads(run("alice", "--json", "alarms").stdout)
    number = str(row["alarm"])
    muted = run("bob", "mute", number, "--until", tomorrow(), "--comment", "known")
    assert muted.stdout == f"alarm {number}: muted\n"
    assert "by bob: known" in run("alice", "alarms", "--state", "muted").stdout
    assert run("bob", "acknowledge", number, "--comment", "x").stdout == f"alarm {number}: acknowledged\n"
    again = run("bob", "acknowledge", number, "--comment", "x")
    assert (again.returncode, again.stderr) == (
        1,
        f"salt-approval: alarm {number} was acknowledged by bob before: x\n",
    )


def test_the_check_names_those_that_nobody_knows_of(seen, client, master_config, working_master):
    seen(*(f"package{number}" for number in range(7)))
    alice = client("alice")
    first = min(row["alarm"] for row in alice.alarms())
    alice.mute(first, tomorrow(), "known")
    report = check.run(str(master_config()))
    (found,) = (row for row in report.findings if row["subject"] == "alarms")
    assert found["severity"] == "warning"
    assert found["problem"].startswith(f"drift: 6 not acknowledged ({first + 6}, {first + 5}, ")
    assert found["problem"].endswith(", ...); the last: package6")
    for row in alice.alarms():
        alice.acknowledge(row["alarm"], "seen")
    assert "alarms" not in [row["subject"] for row in check.run(str(master_config())).findings]
