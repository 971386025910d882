"""Minions that were away get what is approved when they start: by the engine alone, as no top file has our state."""

import datetime
import json

import pytest
from lab import APPROVERS, wait_until

POLICY = """
types:
  at-once: {kind: package, dispatch: true, requesters: ["*"], pre_approved: true, chain: []}
"""
WINDOW = """
calendars:
  nightly: {{rule: FREQ=DAILY, time_zone: UTC, starts_on: {opening:%Y-%m-%d %H:%M:%S}, duration: 12 hours}}
types:
  nightly: {{kind: package, dispatch: true, calendar: nightly, requesters: ["*"], pre_approved: true, chain: []}}
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
    """A function that asks for a package, which needs no approval; returns the request's number."""
    load(lab, POLICY)

    def ask(package, minion_id="web1", request_type="at-once"):
        words = ("request", request_type, "--minion", minion_id, "--reason", "a test", "--package", package)
        return json.loads(lab.database.command(APPROVERS[0], "--json", *words).stdout)["request"]

    return ask


def load(lab, text):
    policy = lab.directory / "catch-up.yaml"
    policy.write_text(text)
    lab.database.command("policy", "policy", "load", str(policy))


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


def test_inside_its_window_only(lab, ask):
    """It misses what was sent in one window, starts when that is closed, and gets it when the next one opens."""
    minion = lab.minions["db1"]
    minion.stop()
    load(lab, WINDOW.format(opening=later(minutes=-10)))
    number = ask("acme-probe=0.9-1", "db1", "nightly")
    unheard = f"SELECT jid FROM approval.dispatch WHERE request_id = {number} AND state = 'sent'"
    jid = wait_until(lambda: lab.database.query(unheard), "the job that nobody hears")
    opening = later(hours=1)
    load(lab, WINDOW.format(opening=opening))
    minion.start()
    (waiting,) = wait_until(
        lambda: [row for row in told(lab, "catch-ups", "db1") if row["state"] != "ended"], "its start"
    )
    assert (waiting["state"], waiting["jid"]) == ("waiting", None)
    assert datetime.datetime.fromisoformat(waiting["due_at"].replace("Z", "+00:00")) == opening
    opening = later(seconds=15)
    load(lab, WINDOW.format(opening=opening))
    # The window opens, it is asked, and then it runs a state.
    wait_until(lambda: minion.packages().get("acme-probe") == "0.9-1", "the package", within_s=300)
    assert lab.settled(number)["state"] == "converged"
    sent = (
        f"SELECT published_at > '{opening}' FROM approval.job WHERE fun = 'state.apply' AND 'db1' = ANY (minions) "
        f"AND jid > '{jid}'"
    )
    assert lab.database.query(sent).splitlines() == ["t"], "once, and not before it opened"


def later(**span):
    """The time that span, as timedelta takes it, from now, in whole seconds."""
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(**span)).replace(microsecond=0)


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
