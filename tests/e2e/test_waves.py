"""Waves on real minions: a canary that fails halts the rest until somebody decides; of a pair one is told at a time."""

import json
import os
import pathlib

import apt_repository
import pytest
from lab import APPROVERS, Lab, wait_until
from narrator import Narrator

FIRST, SECOND = APPROVERS
POLICY = """
minion_groups:
  pilots: {title: Go first, minions: [db1]}
  pair: {title: One serves while the other is away, minions: [db1, web1], at_once: 1}
types:
  careful:
    kind: package
    dispatch: true
    catalog: "off"
    requesters: ["*"]
    rollout: {canaries: {minion_group: pilots}, soak: 1 second}
    chain:
      - {name: release, min_assurance: authenticated, any_of: [{group: change-managers}]}
  # Nothing in here may really restart the machine: what proves a reboot is another boot id, whatever was run.
  restart-one:
    kind: action
    action: {function: test.ping}
    proof: reboot
    requesters: ["*"]
    pre_approved: true
    chain: []
"""
PICKY = "#!/bin/sh\ntest ! -e /etc/no-room || { echo 'there is no room' >&2; exit 1; }\n"


@pytest.fixture(scope="module")
def lab():
    """A site of its own: an action that another test left unproven would keep the other one of the pair waiting."""
    directory = pathlib.Path(os.environ["RUN_DIRECTORY"], "waves")
    directory.mkdir()
    with Lab(directory, Narrator().progress) as site:
        file = directory / "waves.yaml"
        file.write_text(POLICY)
        site.database.command("policy", "policy", "load", str(file))
        yield site


def rollout(lab, number):
    return json.loads(lab.database.command(FIRST, "--json", "rollout", "show", str(number)).stdout)


def test_a_canary_that_fails_halts_it_until_an_approver_lets_it_go_on(lab):
    picky = apt_repository.Package("acme-picky", "1.0-1", files=(("DEBIAN/preinst", PICKY),))
    apt_repository.add(lab.repository, [picky])
    lab.master.call("db1,web1", "pkg.refresh_db")
    no_room = lab.minions["db1"].directory / "etc/no-room"
    no_room.touch()
    number = json.loads(lab.request(["db1", "web1"], {"acme-picky": "1.0-1"}, "a test", "careful").stdout)["request"]
    lab.database.command(SECOND, "approve", str(number))
    wait_until(lambda: rollout(lab, number)["state"] == "halted", "the end of the canary")
    ((failed, reason),) = ((one["minion_id"], one["reason"]) for one in rollout(lab, number)["failures"])
    assert failed == "db1"
    assert "there is no room" in reason
    sent = f"SELECT count(*) FROM approval.dispatch WHERE request_id = {number} AND minion_id = 'web1'"
    assert lab.database.query(sent) == "0"
    assert "acme-picky" not in lab.pillar("web1")["approved"], "nor does a highstate bring it there"

    refused = lab.as_requester("resume", str(number), "go-on", "comment=it is mine").stdout
    assert "may not decide whether its rollout goes on" in refused
    lab.database.command(SECOND, "rollout", "resume", str(number), "go-on", "--comment", "db1 had no room")
    wait_until(lambda: rollout(lab, number)["state"] == "done", "the last wave")
    assert lab.minions["web1"].packages()["acme-picky"] == "1.0-1"
    assert lab.show(number)["state"] == "partial"
    no_room.unlink()


def test_two_requests_never_have_both_of_a_pair_restarted_at_a_time(lab):
    numbers = {
        name: json.loads(
            lab.database.command(
                FIRST, "--json", "request", "restart-one", "--minion", name, "--reason", "a test"
            ).stdout
        )["request"]
        for name in ("db1", "web1")
    }
    of_both = f"request_id IN ({numbers['db1']}, {numbers['web1']})"
    told = f"SELECT minion_id FROM approval.dispatch WHERE {of_both} AND state = 'sent' AND returned_at IS NOT NULL"
    for _ in numbers:
        name = wait_until(lambda: lab.database.query(told), "the answer of one of the two, that it is willing")
        lab.minions[name].stop()
        lab.minions[name].start()
        assert lab.settled(numbers[name])["state"] == "converged"
    apart = (
        "SELECT max(sent_at) >= min(ended_at), count(*) FROM approval.dispatch "
        f"WHERE {of_both} AND state = 'proven' AND proof = 'reboot'"
    )
    assert lab.database.query(apart) == "t|2"
