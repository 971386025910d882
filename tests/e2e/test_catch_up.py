"""Minions that were away get what is approved when they start: by the engine alone, as no top file has our state."""

import json

import pytest
from lab import APPROVERS, wait_until

POLICY = """
types:
  at-once: {kind: package, dispatch: true, requesters: ["*"], pre_approved: true, chain: []}
"""


@pytest.fixture(scope="module", autouse=True)
def no_top_file(lab):
    """Highstates bring nothing: so neither do those that minions run at their start."""
    file = lab.directory / "states/top.sls"
    before = file.read_text()
    file.write_text("base:\n  'nobody':\n    - approval\n")
    yield
    file.write_text(before)


@pytest.fixture(scope="module")
def ask(lab):
    """A function that asks for a package on web1, which needs no approval; returns the request's number."""
    policy = lab.directory / "catch-up.yaml"
    policy.write_text(POLICY)
    lab.database.command("policy", "policy", "load", str(policy))

    def ask(package):
        words = ("request", "at-once", "--minion", "web1", "--reason", "a test", "--package", package)
        return json.loads(lab.database.command(APPROVERS[0], "--json", *words).stdout)["request"]

    return ask


def told(lab, *words):
    return json.loads(lab.database.command(APPROVERS[0], "--json", *words).stdout)


def ended(lab):
    """How the catching up of web1 ended, the last first; once nothing of it is under way."""
    wait_until(lambda: not any(row["state"] != "ended" for row in told(lab, "catch-ups", "web1")), "the end of it")
    return told(lab, "catch-ups", "web1")


def test_a_minion_that_was_down(lab, ask):
    minion = lab.minions["web1"]
    minion.stop()
    number = ask("acme-viewer=3.0-1")
    sent = f"SELECT jid FROM approval.dispatch WHERE request_id = {number} AND state = 'sent'"
    wait_until(lambda: lab.database.query(sent), "the job that nobody hears")
    minion.start()
    request = lab.settled(number)
    assert request["state"] == "converged"
    assert minion.packages()["acme-viewer"] == "3.0-1"
    caught_up = [row for row in ended(lab) if row["outcome"] == "returned"]
    assert [row["jid"] for row in caught_up] == [request["items"][0]["jid"]]
    assert [entry["act"] for entry in told(lab, "audit", "trail")].count("catch-up-sent") == 1


def test_a_minion_that_is_installed_anew(lab, ask):
    """After the package above, so that there is something to come back to."""
    minion = lab.minions["web1"]
    minion.wipe()
    minion.install()
    lab.master.run("salt-key", "--yes", "--delete", "web1")
    lab.enroll("web1")
    assert "acme-viewer" not in minion.packages(), "its highstate at start brought nothing"
    wait_until(lambda: minion.packages().get("acme-viewer") == "3.0-1", "the package")
    wait_until(lambda: told(lab, "reinstalls", "web1")[0]["state"] == "converged", "the receipt")
    assert ended(lab)[0]["cause"].startswith("reinstall ")
