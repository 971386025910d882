"""The rules of Jira Automation call the routes as saltconf21's do, and have an issue fail after any answer but 200."""

import json

import pytest
from standins.automation import Automation
from standins.jira_site import REBOOT
from standins.wire import Reply, StandIn, route

FIELDS = {
    "customfield_10102": ["web1", "web2"],
    "customfield_10104": ("hello", "2.10-3"),
    "customfield_10106": "2026-11-25T22:00:00+00:00",
}


class Receiver(StandIn):
    def __init__(self):
        super().__init__()
        self.status = 200
        self.taken = []

    @route("POST", "/itsm/{route}")
    def take(self, request, route):
        self.taken.append((route, request.headers, json.loads(request.body)))
        return Reply(self.status, {"success": self.status == 200})


@pytest.fixture
def receiver():
    with Receiver() as server:
        yield server


@pytest.fixture
def rules(jira, receiver):
    return Automation(jira, receiver.url + "/itsm", "of-the-site")


def test_an_approval_has_the_package_installed(jira, receiver, rules):
    issue = jira.create(fields=FIELDS)
    jira.transition(issue.key, "Approve")
    (run,) = rules.run()
    assert (run.route, run.key, run.status) == ("install", issue.key, 200)
    ((name, headers, body),) = receiver.taken
    assert (name, headers["Authorization"]) == ("install", "Bearer of-the-site")
    assert "X-Hub-Signature" not in headers
    assert body == {
        "itsm_id": issue.key,
        "minion_ids": ["web1", "web2"],
        "package_name": "hello",
        "package_version": "2.10-3",
        "after": "2026-11-25T22:00:00.0+0000",
    }
    assert issue.status == "Sending to Integration"
    assert rules.run() == []


def test_an_empty_time_is_an_empty_text(jira, receiver, rules):
    issue = jira.create(fields={"customfield_10102": ["web1"], "customfield_10104": "hello"})
    jira.transition(issue.key, "Approve")
    rules.run()
    assert (receiver.taken[0][2]["after"], receiver.taken[0][2]["package_version"]) == ("", None)


def test_reboots_and_reverts_have_routes_of_their_own(jira, receiver, rules):
    reboot = jira.create(REBOOT, {"customfield_10101": ["web1"]})
    jira.transition(reboot.key, "Approve")
    revert = jira.create(fields=FIELDS, status="Completed")
    jira.transition(revert.key, "Revert")
    jira.transition(revert.key, "Approve")
    assert [run.route for run in rules.run()] == ["reboot", "revert"]
    assert receiver.taken[0][2] == {"itsm_id": reboot.key, "minion_ids": ["web1"]}
    assert receiver.taken[1][2] == {"itsm_id": revert.key}
    assert rules.sync().status == 200


@pytest.mark.parametrize("status", [201, 202, 400, 401, 503, None])
def test_any_answer_but_200_has_the_issue_fail(jira, receiver, rules, status):
    issue = jira.create(fields=FIELDS)
    jira.transition(issue.key, "Approve")
    receiver.status = status or 200
    receiver.lies.cut_before = 0 if status else 1
    (run,) = rules.run()
    assert (run.status, issue.status) == (status, "Failed")
    assert issue.history[-1].author is rules.actor


def test_a_rule_that_waits_too_long_has_the_issue_fail(data_center, receiver):
    rules = Automation(data_center, receiver.url + "/itsm", None)
    assert rules.timeout_s == 3.0
    rules.timeout_s = 0.2
    receiver.lies.late, receiver.late_s = 1, 1.0
    issue = data_center.create(fields=FIELDS)
    data_center.transition(issue.key, "Approve")
    (run,) = rules.run()
    assert (run.status, issue.status) == (None, "Failed")
    assert "Authorization" not in receiver.taken[0][1]


def test_a_refusal_in_jira_has_no_rule_run(jira, receiver, rules):
    issue = jira.create(fields=FIELDS)
    jira.transition(issue.key, "Decline")
    jira.comment(issue.key, "no")
    assert (rules.run(), receiver.taken) == ([], [])
