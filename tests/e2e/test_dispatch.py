"""What was approved is sent by the engine of a real master, and proven by real minions."""

import json

import pytest
from lab import APPROVERS, wait_until

# Nothing in here may really restart the machine: what proves a reboot is another boot id, whatever was run.
POLICY = """
types:
  answer: &action
    kind: action
    action: {function: test.ping}
    returns: {const: true}
    requesters: ["*"]
    pre_approved: true
    chain: []
  wrong-answer: {<<: *action, returns: {const: false}}
  start-again: {<<: *action, proof: reboot}
  at-once: {kind: package, dispatch: true, requesters: ["*"], pre_approved: true, chain: []}
"""


@pytest.fixture(scope="module")
def ask(lab):
    """A function that asks for something of one of these types; returns the request's number."""
    file = lab.directory / "dispatch.yaml"
    file.write_text(POLICY)
    lab.database.command("policy", "policy", "load", str(file))

    def ask(request_type, *arguments):
        output = lab.database.command(
            APPROVERS[0], "--json", "request", request_type, "--minion", "web1", "--reason", "a test", *arguments
        ).stdout
        return json.loads(output)["request"]

    return ask


def test_an_action_is_sent_and_proven(lab, ask):
    request = lab.settled(ask("answer"))
    assert request["state"] == "converged"
    assert [item["text"] for item in request["items"]] == ["test.ping succeeded"]
    acts = [
        row["act"]
        for row in json.loads(
            lab.database.command(APPROVERS[0], "--json", "audit", "trail", str(request["request"])).stdout
        )
    ]
    assert acts[-3:] == ["dispatched", "dispatch-proven", "converged"]


def test_an_action_waits_for_a_state_run_that_is_under_way(lab, ask, state_run):
    """Salt runs one at a time. The action is not refused, which would lose it, but queued on the minion."""
    _, finish = state_run
    number = ask("answer")
    wait_until(
        lambda: lab.database.query(f"SELECT jid FROM approval.dispatch WHERE request_id = {number} AND state = 'sent'"),
        "the action's job",
    )
    find = ("find", "/var/cache/salt", "-name", "queued_*.p")
    wait_until(lambda: lab.minions["web1"].run(*find), "the job in the minion's queue")
    assert lab.show(number)["state"] == "approved"
    finish()
    request = lab.settled(number)
    assert (request["state"], request["items"][0]["text"]) == ("converged", "test.ping succeeded")


def test_an_action_that_returns_something_else(lab, ask):
    request = lab.settled(ask("wrong-answer"))
    assert request["state"] == "failed"
    assert [item["text"] for item in request["items"]] == [
        "test.ping did not return what it should: False was expected"
    ]


def test_a_minion_that_starts_again(lab, ask):
    number = ask("start-again")
    wait_until(
        lambda: lab.database.query(f"SELECT returned_at FROM approval.dispatch WHERE request_id = {number}"),
        "the action's return",
    )
    assert lab.show(number)["state"] == "approved", "that it was willing is no proof"
    lab.minions["web1"].stop()
    lab.minions["web1"].start()
    request = lab.settled(number)
    assert request["state"] == "converged"
    assert "the minion started again" in request["items"][0]["text"]


def test_a_package_whose_type_does_not_wait_for_a_highstate(lab, ask):
    request = lab.settled(ask("at-once", "--package", "acme-agent=1.1-1"))
    assert request["state"] == "converged"
    assert lab.minions["web1"].packages()["acme-agent"] == "1.1-1"


def test_a_minion_that_is_installed_anew(lab, ask):
    """After the package above, so that there is something to come back to."""

    def reinstalls():
        return json.loads(lab.database.command(APPROVERS[0], "--json", "reinstalls", "web1").stdout)

    before = reinstalls()
    minion = lab.minions["web1"]
    minion.wipe()
    minion.install()
    lab.master.run("salt-key", "--yes", "--delete", "web1")
    (load,) = lab.enroll("web1")
    assert minion.packages()["acme-agent"] == "1.1-1"
    (receipt,) = wait_until(lambda: [row for row in reinstalls() if row not in before and row["jid"]], "the receipt")
    assert (receipt["state"], receipt["jid"]) == ("converged", load["jid"])
