"""Tickets of Jira and ServiceNow on real minions: they ask, are approved there, and are told the truth."""

import contextlib
import datetime
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

import pytest
import yaml
from lab import PROGRAMS, Lab, wait_until
from narrator import Narrator
from standins import acme
from standins.jira import JiraStandIn
from standins.jira_site import PACKAGES, REBOOT
from standins.servicenow import ServiceNowStandIn

MINIONS, PACKAGE, AFTER, TO_RESTART = (f"customfield_{number}" for number in (10102, 10104, 10106, 10101))
# Zoë asks as alice, and Ángel approves as carol, who is a change manager: there, and nowhere else.
POLICY = """
principals:
  alice: {{identities: ["salt:alice", "jira-sc21:{jira.zoe.account_id}", "sn-dev:{servicenow.fred.sys_id}"]}}
  carol: {{identities: ["pg:carol", "jira-sc21:{jira.angel.account_id}", "sn-dev:{servicenow.angel.sys_id}"]}}
speakers:
  tickets: {{jira-sc21: authenticated, sn-dev: authenticated}}
types:
  ticketed:
    title: Packages of tickets
    kind: package
    dispatch: true
    catalog: "off"
    requesters: ["*"]
    chain: &managers
      - {{name: release, min_assurance: authenticated, any_of: [{{group: change-managers}}]}}
  # Nothing in here may really restart the machine: what proves a reboot is another boot id, whatever was run.
  ticketed-restart:
    title: Restarts of tickets
    kind: action
    action: {{function: test.ping}}
    proof: reboot
    requesters: ["*"]
    chain: *managers
"""
PACKAGE_TYPE = {"request_type": "ticketed", "minions": MINIONS, "packages": [{"cascade": PACKAGE}], "after": AFTER}
RESTART_TYPE = {"request_type": "ticketed-restart", "action": "test.ping", "minions": TO_RESTART}


class Office:
    """The sites of tickets, and the two services between them and the database of a Lab."""

    def __init__(self, lab, jira, servicenow):
        self.lab, self.jira, self.servicenow = lab, jira, servicenow
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        self.lab.database.add_login("tickets", "approval_itsm")
        policy = self.lab.directory / "tickets.yaml"
        policy.write_text(POLICY.format(jira=self.jira, servicenow=self.servicenow))
        self.lab.database.command("policy", "policy", "load", str(policy))
        config = self.lab.directory / "service.yaml"
        config.write_text(yaml.safe_dump(self._settings()))
        with self._stack:
            self._start("web", "--config", config)
            self._start("serve", "--workers", "tickets,ticket_news", "--config", config)
            wait_until(lambda: self.page("/readyz") == 200, "the web service")
            self._stack = self._stack.pop_all()
        self.jira.subscribe(f"{self.url}/itsm/sc21/webhook", acme.WEBHOOK_SECRET, retry_s=1.0)
        self.servicenow.business_rule(f"{self.url}/itsm/dev/webhook", acme.WEBHOOK_SECRET.encode())
        return self

    def __exit__(self, *exception):
        self._stack.close()

    def _settings(self):
        folder, database = self.lab.directory, self.lab.database
        types = {PACKAGES: PACKAGE_TYPE, REBOOT: RESTART_TYPE}
        servicenow = acme.servicenow_settings(self.servicenow, folder)
        servicenow["tables"]["change_request"]["request_type"] = "ticketed"
        return {
            "approval": {
                "engine": {"dsn_file": str(database.dsn_file("engine"))},
                "itsm": {
                    "dsn_file": str(database.dsn_file("tickets")),
                    "sites": {
                        "sc21": acme.jira_settings(self.jira, folder, projects={"SC21": {"types": types}}),
                        "dev": servicenow,
                    },
                },
                "web": {"bind": self.url.removeprefix("http://"), "public_url": self.url, "workers": 1},
            }
        }

    def _start(self, *arguments):
        """Start a service, whose words are in a file of its name."""
        log = self._stack.enter_context((self.lab.directory / f"{arguments[0]}.log").open("ab"))
        process = subprocess.Popen(
            [PROGRAMS / "salt-approval", *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        self._stack.callback(process.wait)
        self._stack.callback(process.send_signal, signal.SIGTERM)

    def page(self, path):
        """The status of a page of the web service; None: nobody answers."""
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=10)
        with contextlib.closing(connection), contextlib.suppress(OSError):
            connection.request("GET", path)
            return connection.getresponse().status
        return None

    def until(self, condition, what):
        """Wait for something; what the services said is in the error where it does not come."""
        try:
            return wait_until(condition, what)
        except TimeoutError as error:
            logs = [(self.lab.directory / f"{name}.log").read_text() for name in ("web", "serve")]
            tables = [self.lab.database.query(f"TABLE approval.{name}") for name in ("outbox", "ticket_delivery")]
            raise TimeoutError("\n".join([str(error), *logs, *tables, self.lab.master.log()])) from None

    # Jira, which tells of all that happens of its own.

    def issue(self, minions, package, **more):
        """An issue that Zoë makes, once it says what is asked for."""
        fields = {MINIONS: list(minions), PACKAGE: package, **more}
        return self._asked(self.jira.create(PACKAGES, fields, self.jira.zoe))

    def restart(self, minion):
        """An issue by which a minion is to be restarted, likewise."""
        return self._asked(self.jira.create(REBOOT, {TO_RESTART: [minion]}, self.jira.zoe))

    def _asked(self, issue):
        self.until(lambda: len(self.said(issue)) == 1, "the comment on what is asked for")
        return issue

    def approve(self, issue):
        """Ángel approves in the issue."""
        self.jira.transition(issue, "Approve", self.jira.angel)

    def in_status(self, issue, status):
        """Wait until an issue is in a status; its comments."""
        self.until(lambda: issue.status == status, f"{issue.key} in {status}")
        return self.said(issue)

    def said(self, issue):
        """The texts that people see below an issue. That each is there once, and all are ours, is asserted."""
        comments = list(issue.comments)
        marks = [comment.properties["approval"]["seq"] for comment in comments]
        assert len(marks) == len(set(marks)), marks
        assert {comment.author for comment in comments} <= {self.jira.bot}
        return [_text(comment.body) for comment in comments]

    def ways(self, issue):
        """The statuses that an issue had, in turn."""
        changes = [item for entry in issue.history for item in entry.items if item["field"] == "status"]
        return [changes[0]["fromString"], *(item["toString"] for item in changes)]

    # ServiceNow, whose business rule is run by deliver().

    def notes(self, change):
        """The work notes of a change, the oldest first. That each is there once is asserted."""
        journal = self.servicenow.journals.get(("change_request", change["sys_id"], "work_notes"), ())
        texts = [text for _, by, text in list(journal) if by is self.servicenow.bot]
        marks = [text.rpartition("\n")[2] for text in texts]
        assert len(marks) == len(set(marks)), marks
        return texts

    def number(self, text):
        """The number of the request that a comment tells of."""
        return int(re.search(r"[Rr]equest (\d+)", text)[1])


def _text(body):
    """The text of a document of ADF, a line for each block."""
    if body["type"] == "text":
        return body["text"]
    inner = "".join(map(_text, body.get("content", ())))
    return inner + "\n" if body["type"] in ("paragraph", "tableRow") else inner


@pytest.fixture(scope="module")
def office():
    directory = pathlib.Path(os.environ["RUN_DIRECTORY"], "tickets")
    directory.mkdir()
    with (
        JiraStandIn(seed=1) as jira,
        ServiceNowStandIn(seed=1) as servicenow,
        Lab(directory, Narrator().progress) as lab,
        Office(lab, jira, servicenow) as open_office,
    ):
        yield open_office


@pytest.fixture(scope="module")
def agent(office):
    """The issue by which both minions got a package, and the seconds that it took to ask for that and to approve it."""
    began = time.monotonic()
    issue = office.issue(["web1", "db1"], ("acme-agent", "1.1-1"))
    office.approve(issue)
    office.in_status(issue, "Waiting for Integration")
    took_s = time.monotonic() - began
    office.in_status(issue, "Completed")
    return issue, took_s


def test_jira_asks_approves_and_is_told(office, agent):
    issue, _ = agent
    asked, *between, verdict = office.said(issue)
    number = office.number(asked)
    for part in ("asked for by alice", "db1 and web1", "acme-agent 1.1-1", "1 of change-managers (carol)"):
        assert part in asked
    assert any("Approved by carol." in text for text in between)
    assert "Done. All 2 minions have it, and proved so." in verdict
    assert f"Request {number}" in verdict
    assert office.ways(issue) == [
        "Waiting for Approval",
        "Sending to Integration",
        "Waiting for Integration",
        "Completed",
    ]
    assert office.lab.show(number)["state"] == "converged"
    assert [office.lab.minions[name].packages()["acme-agent"] for name in ("web1", "db1")] == ["1.1-1"] * 2
    assert office.page(f"/requests/{number}") == 200


def test_jira_takes_back_what_it_brought(office, agent):
    issue, _ = agent
    before = len(office.said(issue))
    office.jira.transition(issue, "Revert", office.jira.zoe)
    office.until(lambda: len(office.said(issue)) > before, "the comment on what is taken back")
    office.approve(issue)
    asked, *_, verdict = office.in_status(issue, "Reverted")[before:]
    assert re.search(r"Request \d+ takes back what request \d+ brought", asked)
    assert "acme-agent is removed" in asked
    assert "Done. All 2 minions have it, and proved so." in verdict
    assert not any("acme-agent" in minion.packages() for minion in office.lab.minions.values())


def test_servicenow_asks_approves_and_is_told(office):
    packages = [{"name": "acme-viewer", "version": "3.1-1"}]
    change = office.servicenow.create(
        fields={"short_description": "A viewer", "u_minions": "web1", "u_packages": packages}
    )
    (approval,) = office.servicenow.ask_approval(change, [office.servicenow.angel])
    assert {status for _, status in office.servicenow.deliver()} <= {200, 202}
    office.until(lambda: office.notes(change), "the work note on what is asked for")
    office.servicenow.decide(approval, office.servicenow.angel)
    office.servicenow.deliver()
    office.until(lambda: change["state"] == "3", "the change to be closed")
    asked, approved, verdict = office.notes(change)
    number = office.number(asked)
    for part in ("asked for by alice", "web1", "acme-viewer 3.1-1", "1 of change-managers (carol)"):
        assert part in asked
    assert "Approved by carol." in approved
    assert "Done. 1 minion has it, and proved so." in verdict
    assert (change["close_code"], change["approval"]) == ("successful", "approved")
    ((name, content),) = (
        (row["file_name"], office.servicenow.files[row["sys_id"]])
        for row in office.servicenow.tables["sys_attachment"].values()
    )
    evidence = json.loads(content)
    assert name == f"approval-request-{number}-converged.json"
    assert (evidence["request"], evidence["state"]) == (number, "converged")
    assert office.lab.minions["web1"].packages()["acme-viewer"] == "3.1-1"


def test_jira_is_told_on_which_minion_it_failed_and_why(office):
    issue = office.issue(["db1"], ("acme-broken", "1.0-1"))
    office.approve(issue)
    *_, verdict = office.in_status(issue, "Failed")
    assert "This failed on 1 of 1 minions" in verdict
    assert "db1" in verdict
    assert "it was built for another machine" in verdict
    assert office.lab.show(office.number(verdict))["state"] == "failed"
    assert "acme-broken" not in office.lab.minions["db1"].packages()


def test_jira_restarts_a_minion(office):
    issue = office.restart("web1")
    office.approve(issue)
    office.in_status(issue, "Waiting for Integration")
    number = office.number(office.said(issue)[0])
    willing = f"SELECT returned_at FROM approval.dispatch WHERE request_id = {number}"
    office.until(lambda: office.lab.database.query(willing), "the answer of the minion, that it is willing")
    assert issue.status == "Waiting for Integration", "that it was willing is no proof"
    office.lab.minions["web1"].stop()
    office.lab.minions["web1"].start()
    *_, verdict = office.in_status(issue, "Completed")
    assert "Done. 1 minion has it, and proved so." in verdict


def test_jira_sets_the_time_and_a_change_after_the_approval_holds(office, agent):
    _, took_s = agent
    # Until then both are approved, and one of them is changed.
    due = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=30 + 4 * took_s)
    planned = office.issue(["web1"], ("acme-probe", "0.9-1"), **{AFTER: due})
    edited = office.issue(["db1"], ("acme-viewer", "3.0-1"), **{AFTER: due})
    for issue in (planned, edited):
        assert "It takes effect on" in office.said(issue)[0]
        office.approve(issue)
        office.in_status(issue, "Waiting for Integration")
    office.jira.edit(edited, {PACKAGE: ("acme-viewer", "3.1-1")}, office.jira.zoe)
    held = office.until(lambda: [text for text in office.said(edited) if "On hold" in text], "the comment on the hold")
    assert "acme-probe" not in office.lab.minions["web1"].packages()
    left_s = (due - datetime.datetime.now(datetime.timezone.utc)).total_seconds()
    assert left_s > 0, "all of this was slower than it had been before"
    time.sleep(left_s)

    *_, verdict = office.in_status(planned, "Completed")
    assert "Done. 1 minion has it, and proved so." in verdict
    assert office.lab.minions["web1"].packages()["acme-probe"] == "0.9-1"
    assert len(held) == 1
    assert "its ticket was changed after it was approved" in held[0]
    assert edited.status == "Waiting for Integration"
    number = office.number(office.said(edited)[0])
    assert office.lab.database.query(f"SELECT count(*) FROM approval.dispatch WHERE request_id = {number}") == "0"
    assert "acme-viewer" not in office.lab.minions["db1"].packages()
    assert "acme-viewer" not in office.lab.pillar("db1")["approved"], "nor does a highstate bring it there"
