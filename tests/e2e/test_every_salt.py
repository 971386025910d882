"""The work that every release of Salt in use has to do, whether master and minions are of one release or of two."""

import json

from lab import APPROVERS, REQUESTER, wait_until

TYPES = """
types:
  answer:
    kind: action
    action: {function: test.ping}
    returns: {const: true}
    requesters: ["*"]
    pre_approved: true
    chain: []
  at-once: {kind: package, dispatch: true, requesters: ["*"], pre_approved: true, chain: []}
"""


def as_person(lab, *arguments):
    """The answer of `salt-approval` to the first approver."""
    return json.loads(lab.database.command(APPROVERS[0], "--json", *arguments).stdout)


def test_what_is_approved_reaches_minions_and_is_proven(lab, approve):
    """Asked for by salt-run and a target of Salt's, sent by the engine, and judged by its return."""
    result = lab.as_requester(
        "request",
        "package",
        "tgt=G@kernel:Linux and w*",
        "tgt_type=compound",
        'packages={"acme-agent": "1.1-1"}',
        "reason=x",
    )
    assert result.returncode == 0, result.stderr
    shown = json.loads(result.stdout)
    assert (shown["resolved"], shown["requester"]) == (["web1"], REQUESTER)
    for person in APPROVERS:
        lab.database.command(person, "approve", str(shown["request"]))
    assert lab.pillar("web1")["approved"]["acme-agent"] == "1.1-1"
    assert "acme-agent" not in lab.pillar("db1")["approved"]
    request = lab.settled(shown["request"])
    assert (request["state"], request["items"][0]["observed"]) == ("converged", "1.1-1")
    assert lab.minions["web1"].packages()["acme-agent"] == "1.1-1"


def test_the_engine_sends_and_judges(lab):
    file = lab.directory / "types.yaml"
    file.write_text(TYPES)
    lab.database.command("policy", "policy", "load", str(file))
    asked = [
        as_person(lab, "request", name, "--minion", "web1", "--minion", "db1", "--reason", "x", *more)["request"]
        for name, *more in (("answer",), ("at-once", "--package", "hello=latest"))
    ]
    assert [lab.settled(number)["state"] for number in asked] == ["converged", "converged"]


def test_a_plan_a_check_and_the_job_cache(lab):
    number = json.loads(lab.request(["web1"], {"acme-agent": "1.0-1"}, "x").stdout)["request"]
    plan = json.loads(lab.as_requester("plan", str(number)).stdout)
    assert plan["summary"]["outcomes"] == {"changes": 1}, plan
    observed = lab.master.call("web1", "approval.observe")["web1"]["observed"]
    assert observed["packages"]["acme-agent"] == "1.1-1"
    jobs = json.loads(lab.master.run("salt-run", "--out=json", "jobs.list_jobs", "search_function=approval.observe"))
    assert any(job["Target"] == ["web1"] or job["Target"] == "web1" for job in jobs.values()), jobs


def test_a_minion_that_is_installed_anew_and_one_that_is_removed(lab):
    def reinstalls():
        return as_person(lab, "reinstalls", "web1")

    before = reinstalls()
    minion = lab.minions["web1"]
    minion.wipe()
    minion.install()
    lab.master.run("salt-key", "--yes", "--delete", "web1")
    lab.enroll("web1")
    assert minion.packages()["acme-agent"] == "1.1-1"
    wait_until(lambda: [row["state"] for row in reinstalls() if row not in before] == ["converged"], "the receipt")
    minion.stop()
    lab.master.run("salt-key", "--yes", "--delete", "web1")
    lab.database.command("policy", "minion", "remove", "w*", "--yes")
    assert lab.known_minions() == ["db1"]
    minion.wipe()
    minion.install()
    lab.enroll("web1")
    wait_until(lambda: lab.known_minions() == ["db1", "web1"], "the minion that came back")
    assert "acme-agent" not in minion.packages(), "nothing is approved for it any more"
