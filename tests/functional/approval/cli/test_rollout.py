"""Waves as people see and decide them: by the command, and by the runner's same words."""

import json

import child
import pytest

from saltext.approval import config, db
from saltext.approval.cli import salt_run
from saltext.approval.policy import loader

POLICY = """
groups: {board: {members: [bob]}}
types:
  waved:
    kind: package
    dispatch: true
    requesters: ["*"]
    pre_approved: true
    chain: []
    rollout: {canaries: 1, soak: 1 hour, resume: {group: board}}
"""


@pytest.fixture
def run(approved, dsn_file):
    """A function that runs salt-approval as a login, on a database with POLICY."""
    with db.connect(config.Connection(approved.dsn("policy_admin"))) as conn:
        loader.load(conn, loader.parse(POLICY))

    def command(login, *arguments):
        words = ["salt-approval", "--dsn-file", dsn_file(login), *arguments]
        return child.run(child.program("salt-approval"), words, {})

    return command


@pytest.fixture
def halted(run, approved):
    """The number of a request whose canary has failed."""
    words = ["--minion", "web1", "--minion", "web2", "--package", "hello=1", "--reason", "CHG-7", "--json"]
    number = json.loads(run("alice", "request", "waved", *words).stdout)["request"]
    approved.execute("SELECT approval.advance_rollout(%s)", (number,), login="engine")
    approved.execute(
        "UPDATE approval.item SET outcome = 'failed', outcome_text = 'E: no such package' WHERE minion_id = "
        "(SELECT minion_id FROM approval.wave_minion WHERE wave_no = 1)"
    )
    approved.execute("SELECT approval.advance_rollout(%s)", (number,), login="engine")
    return str(number)


def test_a_halted_rollout_is_seen_and_goes_on(run, halted, client):
    shown = run("alice", "rollout", "show", halted).stdout
    assert "rollout halted" in shown
    assert "1 minion failed, where 0 may" in shown
    assert "goes on, or is given up, as somebody of board (asserted) decides" in shown
    assert ": failed, E: no such package" in shown
    assert "in waves: 1 of 2 opened, halted" in run("alice", "show", halted).stdout
    assert "halted" in run("alice", "list").stdout
    refused = run("alice", "rollout", "resume", halted, "go-on", "--comment", "x")
    assert (refused.returncode, "alice's own" in refused.stderr) == (1, True)
    assert "go-on or give-up" in run("bob", "rollout", "resume", halted, "--comment", "x").stderr
    assert "name the request" in run("bob", "rollout", "resume", "--comment", "x").stderr
    assert "rollout running" in run("bob", "rollout", "resume", halted, "go-on", "--comment", "x").stdout
    assert salt_run.TEXTS["rollout"](client("alice").rollout(halted)).startswith(f"request {halted}: rollout running")


def test_a_stricter_rollout_is_asked_for(run):
    words = ["waved", "--minion", "web1", "--minion", "web2", "--package", "sl=1", "--reason", "x", "--dry-run"]
    assert run("alice", "request", *words, "--rollout", '{"soak": "2 hours"}').returncode == 0
    for rollout, why in (
        ('{"soak": "1 minute"}', "soak is 1 minute, where type waved asks for 1 hour"),
        ('{"canaries": 3}', "3 canaries of 2 minions"),
        ("2", "rollout is the number 2: give a mapping"),
        ("canaries", "rollout is 'canaries': give a mapping"),
    ):
        refused = run("alice", "request", *words, "--rollout", rollout)
        assert (refused.returncode != 0, why in refused.stderr) == (True, True), refused.stderr


def test_all_sending_is_paused_and_goes_on(run):
    assert run("alice", "rollout", "pause").stdout == "sending is not paused\n"
    assert "comment" in run("alice", "rollout", "pause", "--all").stderr
    assert run("alice", "rollout", "pause", "--all", "--comment", "fire").stdout.endswith(" by alice: fire\n")
    assert run("alice", "rollout", "resume", "--all", "--comment", "x").returncode == 1
    assert run("bob", "rollout", "resume", "--all", "--comment", "out").stdout == "sending is not paused\n"
