"""Tickets of a Jira that lies are told by the worker ticket_news from a real database, and end as requests do."""

import datetime
import hashlib
import html
import json
import logging
import os
import random
import re
import subprocess
import sys
import time

import pytest
from standins import acme
from standins.jira import JiraStandIn
from standins.servicenow import ServiceNowStandIn

from saltext.approval import db
from saltext.approval.engine.workers import ticket_news
from saltext.approval.itsm import intake, jira_client, sites
from saltext.approval.settings import Settings

COUNT = int(os.environ.get("APPROVAL_TICKETS", "10"))
MINIONS, LINES = "customfield_10102", "customfield_10107"
# Issues of these types ask for what people have to approve, and for what is approved beforehand.
APPROVED_HERE, STANDARD = "Linux Package Management Request", "Windows Package Management Request"
TYPES = {APPROVED_HERE: "package", STANDARD: "standard"}
WORKFLOW = {
    **acme.WORKFLOW,
    "asked": "Waiting for Approval",
    "moves": {"waiting": "Wait", "done": "Complete", "failed": "Fail", "declined": "Decline"},
}
# A worker of its own, as `salt-approval serve` runs it, that is patient with the site for a moment only.
PROCESS = """
import json, sys, time
from saltext.approval.engine.workers import ticket_news
from saltext.approval.settings import Settings

ticket_news.AWAY_S = 0.1
worker = ticket_news.worker(Settings(json.load(open(sys.argv[1]))))
while True:
    worker.round()
    time.sleep(0.05)
"""


class Scene:
    """
    A site, the database that knows its people, and the worker between them.

    stand_in
        The site's system.
    settings
        Those of the site.
    people
        {subject: name of the principal}.
    """

    def __init__(self, stand_in, settings, people, database, settings_of):
        self.stand_in, self.database = stand_in, database
        self.opts = {
            "approval": {
                "web": {"public_url": "https://approval.example.com"},
                "itsm": {**settings_of("itsm"), "sites": {"acme": settings}},
            }
        }
        self.settings = Settings(self.opts)
        self.site = sites.load(self.settings.ticket_sites())["acme"]
        self.worker = ticket_news.worker(self.settings)
        provider = self.site.provider
        database.execute("SELECT approval.put_speaker('itsm', %s, 'authenticated')", (provider,), "policy_admin")
        for subject, name in people.items():
            database.execute(
                "SELECT approval.put_identity(%s, %s, %s)", (provider, subject, name), login="policy_admin"
            )

    def newest(self):
        """The number of the newest request."""
        return self.database.execute("SELECT max(request_id) FROM approval.ticket_request")[0][0]

    def take(self, ticket_id):
        """Take in what a ticket says now."""
        intake.Intake(self.site, sites.system(self.site), self.worker.call, db.json).take(ticket_id, {"way": "poll"})

    def tell(self):
        """Tell all that is due, and what is due then; with leases and pauses that are over."""
        for _ in range(20):
            self.worker.round()
            self.end_waits()
            if not self.waiting():
                return

    def end_waits(self):
        self.database.execute(
            "UPDATE approval.outbox SET leased_until = NULL, due_at = '-infinity' WHERE state = 'waiting' "
            "AND destination = %s",
            (self.site.provider,),
        )

    def waiting(self):
        """The errors of what is not delivered yet."""
        return self.database.execute(
            "SELECT coalesce(last_error, '') FROM approval.outbox WHERE destination = %s "
            "AND state <> 'delivered' ORDER BY request_id, seq",
            (self.site.provider,),
        )

    def prove(self, minion, package="nginx", verdict="converged", text="as seen"):
        """Record a return of a minion about a package, as of the newest document that it was given."""
        revision, digest = self.database.execute(
            "SELECT revision, digest FROM approval.document_history WHERE minion_id = %s "
            "ORDER BY revision DESC LIMIT 1",
            (minion,),
        )[0]
        jid = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d%H%M%S%f")
        finding = ["package", package, verdict, "observed", None, "1.24.0", "evidence", text]
        self.database.execute(
            "SELECT outcome FROM approval.record_returns(ARRAY[%s], ARRAY[%s], '{state.apply}', '{0}', '{t}', "
            "ARRAY[%s], '{t}', ARRAY[%s]::bigint[], ARRAY[%s], ARRAY[%s], '{boot}', ARRAY[%s], '{[]}', "
            "ARRAY['x'::bytea], ARRAY[%s])",
            (jid, minion, verdict, revision, digest, f"run {jid}", json.dumps([finding]),
             hashlib.sha256(jid.encode()).digest()),
            login="returner",
        )  # fmt: skip


class Jira(Scene):
    """The same, of Jira: Zoë is Alice there, and Ángel is Bob."""

    def __init__(self, api, database, settings_of, folder):
        self.jira = JiraStandIn(api)
        settings = acme.jira_settings(self.jira, folder, workflow=WORKFLOW)
        settings["projects"]["SC21"]["types"] = {
            issue_type: {"request_type": name, "minions": MINIONS, "packages": [{"lines": LINES}]}
            for issue_type, name in TYPES.items()
        }
        subject = "account_id" if api == "cloud" else "key"
        people = {getattr(self.jira.zoe, subject): "alice", getattr(self.jira.angel, subject): "bob"}
        super().__init__(self.jira, settings, people, database, settings_of)

    def ask(self, kind=APPROVED_HERE, packages="nginx 1.24.0", by=None, minions=("web1", "web2")):
        """An issue that asks, and the number of its request."""
        issue = self.jira.create(kind, {MINIONS: list(minions), LINES: packages}, by or self.jira.zoe)
        if by is not None:
            self.jira.transition(issue.key, "Approve", self.jira.zoe)
        self.take(issue.id)
        return issue, self.newest()

    def said(self, issue):
        """Our comments on an issue: {mark: its text}; that no mark stands twice is asserted."""
        marks = [comment.properties["approval"]["seq"] for comment in issue.comments]
        assert len(marks) == len(set(marks)), marks
        return {seq: html.unescape(comment.text) for seq, comment in sites.system(self.site).comments(issue.id).items()}


class ServiceNow(Scene):
    """The same, of ServiceNow: Fred is Alice there, and Ángel is Bob."""

    def __init__(self, database, settings_of, folder):
        self.instance = ServiceNowStandIn()
        settings = acme.servicenow_settings(self.instance, folder)
        people = {self.instance.fred.sys_id: "alice", self.instance.angel.sys_id: "bob"}
        super().__init__(self.instance, settings, people, database, settings_of)

    def ask(self):
        """A change that asks, and the number of its request."""
        packages = [{"name": "nginx", "version": "1.24.0"}]
        change = self.instance.create(fields={"u_minions": "web1,web2", "u_packages": packages})
        (row,) = self.instance.ask_approval(change, [self.instance.angel])
        self.take(change["sys_id"])
        self.approval = row
        return change, self.newest()

    def said(self, change):
        """Our work notes on a change, by their marks; that no mark stands twice is asserted."""
        text = self.instance.notes("change_request", change["sys_id"], "work_notes", datetime.timezone.utc)
        marks = re.findall(r"^\[approval (.+)\]$", text, re.MULTILINE)
        assert len(marks) == len(set(marks)), marks
        return {seq: note.text for seq, note in sites.system(self.site).comments(change["sys_id"]).items()}


@pytest.fixture
def scene(request, approved, settings_of, tmp_path):
    made = Jira(getattr(request, "param", "cloud"), approved, settings_of, tmp_path)
    with made.jira:
        yield made
        made.worker.close()


@pytest.fixture
def change_scene(approved, settings_of, tmp_path):
    made = ServiceNow(approved, settings_of, tmp_path)
    with made.instance:
        yield made
        made.worker.close()


@pytest.fixture
def approve_all(client):
    """A function that has Bob and Carol approve a request."""

    def approve(number):
        client("bob").approve(number)
        client("carol").approve(number)

    return approve


@pytest.mark.parametrize("scene", ["cloud", "datacenter"], indirect=True)
def test_a_ticket_is_told_all_and_ends_as_done(scene, approve_all):
    issue, number = scene.ask()
    scene.tell()
    (bound,) = scene.said(issue).values()
    for part in (f"request {number} (Packages), asked for by alice", "web1", "nginx 1", "reviewers", "bob"):
        assert part in bound
    assert issue.status == "Waiting for Approval"
    bound_at = scene.database.execute("SELECT bound_at FROM approval.ticket_request")[0][0]
    assert bound_at == issue.comments[0].created
    approve_all(number)
    scene.jira.transition(issue.key, "Approve", scene.jira.angel)
    scene.tell()
    assert issue.status == "Waiting for Integration"
    assert any("Approved by bob and carol" in text for text in scene.said(issue).values())
    scene.prove("web1")
    scene.tell()
    assert issue.status == "Waiting for Integration"
    scene.prove("web2")
    scene.tell()
    assert issue.status == "Completed"
    assert "Done. All 2 minions have it" in scene.said(issue)[f"{number}/converged"]
    assert scene.waiting() == []


def test_a_ticket_that_fails_says_on_which_minion_and_why(scene, approve_all):
    issue, number = scene.ask(minions=["web1"])
    approve_all(number)
    scene.jira.transition(issue.key, "Approve", scene.jira.angel)
    scene.prove("web1", verdict="failed", text="[~admin] no such version: token=hunter2secret")
    scene.tell()
    verdict = scene.said(issue)[f"{number}/failed"]
    assert "This failed on 1 of 1 minions" in verdict
    assert "[~admin] no such version" in verdict
    assert "hunter2secret" not in verdict
    assert (issue.status, scene.waiting()) == ("Failed", [])


def test_a_ticket_is_told_nothing_that_is_sensitive(scene, client, caplog):
    caplog.set_level(logging.DEBUG)
    canary = "canary-77aa"
    definition = {
        "name": "secret", "kind": "value", "requesters": ["*"], "sensitive": ["db.password"],
        "chain": [{"name": "review", "any_of": [{"group": "reviewers"}]}],
        "parameters": {"properties": {"values": {"properties": {"db.password": {}}}}},
    }  # fmt: skip
    scene.database.execute("SELECT approval.put_request_type(%s)", (json.dumps(definition),))
    issue, _ = scene.ask()
    number = client("alice").request("secret", ["web1"], reason="a", values={"db.password": canary})["request"]
    scene.database.execute("UPDATE approval.ticket_request SET request_id = %s", (number,))
    client("bob").approve(number)
    scene.database.execute(
        "UPDATE approval.item SET outcome = 'failed', observed = %s, outcome_text = %s WHERE request_id = %s",
        (canary, f"found {canary}", number),
    )
    scene.database.execute("SELECT approval.settle_request(%s, now())", (number,))
    scene.tell()
    said = scene.said(issue)
    assert any("•••" in text for text in said.values()), said
    assert canary not in json.dumps(said)
    assert canary not in caplog.text


def test_a_ticket_that_is_rejected_here_is_declined_there(scene, client):
    issue, number = scene.ask()
    client("bob").reject(number, comment="not on a Friday")
    scene.tell()
    said = scene.said(issue)[f"{number}/rejected"]
    assert "bob said no at stage review." in said
    assert "not on a Friday" in said
    assert (issue.status, scene.waiting()) == ("Declined", [])


def test_a_site_that_allows_no_links_is_told_all_else(scene, client):
    scene.jira.withheld = {"LINK_ISSUES"}
    issue, number = scene.ask()
    client("bob").reject(number, comment="not on a Friday")
    scene.tell()
    assert (issue.status, scene.waiting(), issue.links) == ("Declined", [], {})
    assert f"{number}/rejected" in scene.said(issue)


def test_an_approval_counts_though_its_ticket_was_taken_over_first(scene):
    """A message that comes late, after a kill, finds a ticket that was approved meanwhile, and moves it."""
    issue, number = scene.ask()
    scene.tell()
    scene.jira.transition(issue.key, "Approve", scene.jira.angel)
    scene.jira.transition(issue.key, "Wait", scene.jira.bot)
    decisions = "SELECT decision, assurance FROM approval.decision WHERE request_id = %s"
    for _ in range(2):
        scene.take(issue.id)
        assert scene.database.execute(decisions, (number,)) == [("approve", "authenticated")]


def test_an_amended_ticket_is_bound_anew(scene):
    issue, _ = scene.ask()
    scene.tell()
    scene.jira.edit(issue.key, {"customfield_10107": "nginx 1.26.0"}, scene.jira.zoe)
    scene.take(issue.id)
    bound = "SELECT bound_at FROM approval.ticket_request"
    assert scene.database.execute(bound) == [(None,)]
    scene.tell()
    first, second = scene.said(issue).values()
    assert "nginx 1.24.0" in first
    assert "Approvals of before do not count" in second
    assert "nginx 1.26.0" in second
    assert scene.database.execute(bound) == [(issue.comments[-1].created,)]


def test_what_failed_and_is_mended_is_told_and_ends_as_done(scene):
    scene.jira.add_transition("Complete", ["Failed"], "Completed")
    issue, number = scene.ask(STANDARD, by=scene.jira.angel, minions=["web1"])
    scene.prove("web1", verdict="failed", text="no such version")
    scene.tell()
    assert issue.status == "Failed"
    scene.prove("web1")
    scene.tell()
    assert (issue.status, scene.waiting()) == ("Completed", [])
    assert {f"{number}/failed", f"{number}/converged"} <= set(scene.said(issue))


def test_a_change_behind_the_approval_is_told_as_a_hold_and_its_end_too(scene):
    issue, _ = scene.ask(STANDARD, by=scene.jira.angel, minions=["web1"])
    scene.tell()
    before = set(scene.said(issue))
    for version, word in (("1.26.0", "On hold: "), ("1.24.0", "Not on hold any more")):
        scene.jira.edit(issue.key, {LINES: f"nginx {version}"}, scene.jira.zoe)
        scene.take(issue.id)
        scene.tell()
        said = scene.said(issue)
        (new,) = set(said) - before
        assert word in said[new]
        before = set(said)
    assert issue.status == "Waiting for Integration"


def test_a_ticket_edited_behind_its_end_does_not_become_done(scene):
    issue, number = scene.ask(STANDARD, by=scene.jira.angel, minions=["web1"])
    scene.tell()
    scene.prove("web1")
    scene.jira.edit(issue.key, {LINES: "nginx 1.26.0"}, scene.jira.zoe)
    scene.worker.round()
    assert "something else than what was approved and done" in scene.waiting()[0][0]
    assert f"{number}/converged" in scene.said(issue)
    assert issue.status == "Waiting for Integration"
    scene.jira.edit(issue.key, {LINES: "nginx 1.24.0"}, scene.jira.zoe)
    scene.end_waits()
    scene.tell()
    assert (issue.status, scene.waiting()) == ("Completed", [])


def test_a_ticket_that_was_deleted_is_held_and_raises_an_alarm(scene, approve_all):
    issue, number = scene.ask()
    other, _ = scene.ask()
    scene.jira.delete(issue.key)
    scene.worker.round()
    assert [error for (error,) in scene.waiting() if "deleted, or cannot be read" in error]
    held = "SELECT count(*) FROM approval.ticket_hold WHERE request_id = %s"
    assert scene.database.execute(held, (number,)) == [(1,)]
    kinds = scene.database.execute("SELECT DISTINCT kind FROM approval.alarm_signal WHERE request_id = %s", (number,))
    assert kinds == [("ticket-gone",)]
    assert len(scene.said(other)) == 1


def test_acceptance_18_converged_comment_complete_once_killed_anywhere(scene, tmp_path):
    """The process is killed (-9) behind a random number of questions, again and again, until all is told."""
    issues = {}
    for count in range(COUNT):
        issue, number = scene.ask(STANDARD, f"tool{count} 1.0", scene.jira.angel, minions=["web1"])
        issues[number] = issue
    for count in range(COUNT):
        scene.prove("web1", f"tool{count}")
    config = tmp_path / "opts.json"
    config.write_text(json.dumps(scene.opts))
    seed = random.randrange(10**6)
    chance, kills = random.Random(seed), 0
    deadline = time.monotonic() + 60 + 20 * COUNT
    while scene.waiting():
        assert time.monotonic() < deadline, (seed, kills, scene.waiting())
        scene.end_waits()
        until = len(scene.jira.log) + chance.randrange(1, 40)
        if chance.random() < 0.3:
            scene.jira.lies.cut_after = 1
        with subprocess.Popen([sys.executable, "-c", PROCESS, str(config)], stderr=subprocess.DEVNULL) as process:
            while process.poll() is None and len(scene.jira.log) < until and scene.waiting():
                time.sleep(0.002)
            assert process.poll() is None
            process.kill()
        kills += 1
    scene.jira.lies.cut_after = 0
    print(f"seed {seed}: {COUNT} tickets, {kills} kills, {len(scene.jira.log)} questions")
    assert kills >= COUNT / 3
    for number, issue in issues.items():
        assert issue.status == "Completed", (seed, number)
        said = scene.said(issue)
        assert "Done. 1 minion has it" in said[f"{number}/converged"]
        ((link, page),) = issue.links.items()
        assert link == f"approval=jira-acme&request={number}"
        assert (page["object"]["url"], page["object"]["status"]["resolved"]) == (
            f"https://approval.example.com/requests/{number}",
            True,
        )
        ways = [(item["fromString"], item["toString"]) for entry in issue.history for item in entry.items
                if item["field"] == "status"]  # fmt: skip
        assert ways == [
            ("Waiting for Approval", "Sending to Integration"),
            ("Sending to Integration", "Waiting for Integration"),
            ("Waiting for Integration", "Completed"),
        ], (seed, number)


def test_acceptance_19_retry_after_is_kept_to_and_other_tickets_go_on(scene):
    (first, number), (second, _) = scene.ask(), scene.ask()
    scene.jira.retry_after_s, scene.jira.throttle_reason = 7, "jira-per-issue-on-write"
    scene.jira.lies.throttled = 1
    scene.worker.round()
    assert (len(first.comments), len(second.comments)) == (0, 1)
    limited = next(entry.at for entry in scene.jira.log if entry.status == 429)
    ((due,),) = scene.database.execute(
        "SELECT extract(epoch FROM due_at) FROM approval.outbox WHERE state = 'waiting' AND request_id = %s", (number,)
    )
    assert 7 <= float(due) - limited < 60
    while scene.waiting():
        scene.worker.round()
        time.sleep(0.1)
    again = next(entry.at for entry in scene.jira.log if entry.at > limited and first.id in entry.path)
    assert again - limited >= 7
    assert len(first.comments) == 1


@pytest.mark.parametrize("lie", ["conflict", "silent_transition"])
def test_acceptance_20_what_was_not_moved_is_said_and_tried_again(scene, lie):
    issue, _ = scene.ask(STANDARD, by=scene.jira.angel, minions=["web1"])
    setattr(scene.jira.lies, lie, True)
    scene.worker.round()
    ((error,), *_) = scene.waiting()
    assert "'Sending to Integration' after the transition 'Wait'" in error
    assert issue.status == "Sending to Integration"
    setattr(scene.jira.lies, lie, 0)
    scene.tell()
    assert (issue.status, scene.waiting()) == ("Waiting for Integration", [])


def test_a_ticket_that_is_refused_is_told_once_and_ends_each_time(scene):
    scene.jira.add_transition("Ask again", ["Failed"], "Waiting for Approval")
    issue = scene.jira.create(APPROVED_HERE, {MINIONS: ["web1"], LINES: "nginx"}, scene.jira.zoe)
    for _ in range(2):
        scene.jira.transition(issue.key, "Approve", scene.jira.angel)
        for _ in range(3):
            scene.take(issue.id)
        assert len(scene.waiting()) == 1
        scene.tell()
        (text,) = scene.said(issue).values()
        assert text.startswith("I cannot make a request of this ticket: ")
        assert (issue.status, scene.waiting(), len(issue.comments)) == ("Failed", [], 1)
        scene.jira.transition(issue.key, "Ask again", scene.jira.zoe)


def test_a_ticket_whose_request_is_approved_does_not_end_when_it_is_refused(scene, approve_all):
    issue, number = scene.ask()
    approve_all(number)
    scene.tell()
    scene.jira.transition(issue.key, "Approve", scene.jira.angel)
    scene.jira.edit(issue.key, {LINES: "nginx"}, scene.jira.zoe)
    scene.take(issue.id)
    scene.tell()
    assert any(mark.startswith("no/") for mark in scene.said(issue))
    assert (issue.status, scene.waiting()) == ("Waiting for Integration", [])
    # A ticket that is held goes on when it is set back.
    scene.jira.edit(issue.key, {LINES: "nginx 1.24.0"}, scene.jira.zoe)
    scene.take(issue.id)
    for minion in ("web1", "web2"):
        scene.prove(minion)
    scene.tell()
    assert (issue.status, scene.waiting()) == ("Completed", [])


def test_acceptance_16_a_forged_mark(scene, caplog):
    mark = {}
    for is_forged in (False, True):
        issue = scene.jira.create(APPROVED_HERE, {MINIONS: ["web1"], LINES: "nginx"}, scene.jira.zoe)
        if is_forged:
            scene.jira.overwrite_property(issue.key, "approval", {"digest": "forged", "request": 1})
            scene.jira.comment(issue.key, {"type": "doc", "version": 1, "content": []}, properties={"approval": mark})
        scene.take(issue.id)
        with caplog.at_level(logging.WARNING):
            scene.tell()
        (said,) = [comment for comment in issue.comments if comment.author is scene.jira.bot]
        mark = said.properties["approval"]
    assert f"comment {issue.comments[0].id} of somebody else bears our mark" in caplog.text


def test_a_ticket_that_goes_while_it_is_told_something(scene, monkeypatch):
    issue = scene.jira.create(APPROVED_HERE, {MINIONS: ["web1"], LINES: "nginx"}, scene.jira.zoe)
    scene.take(issue.id)
    comment = jira_client.Client.comment

    def late(*arguments):
        scene.jira.delete(issue.key)
        return comment(*arguments)

    monkeypatch.setattr(jira_client.Client, "comment", late)
    scene.worker.round()
    assert scene.waiting() == []


# ServiceNow.


def test_a_change_is_told_all_and_is_closed(change_scene, client):
    scene = change_scene
    change, number = scene.ask()
    scene.tell()
    (bound,) = scene.said(change).values()
    assert f"request {number} (Packages), asked for by alice" in bound
    assert change["state"] == "-3"
    scene.instance.decide(scene.approval, scene.instance.angel)
    for login in ("bob", "carol"):
        client(login).approve(number)
    scene.tell()
    assert change["state"] == "-1"
    for minion in ("web1", "web2"):
        scene.prove(minion)
    scene.tell()
    assert (change["state"], change["close_code"], scene.waiting()) == ("3", "successful", [])
    assert "Done. All 2 minions have it" in scene.said(change)[f"{number}/converged"]
    (content,) = scene.instance.files.values()
    evidence = json.loads(content)
    assert (evidence["request"], evidence["verdicts"]["converged"]) == (number, 2)
    assert [one["by"] for stage in evidence["chain"] for one in stage["decisions"]] == ["bob", "carol"]


def test_a_change_that_fails_is_closed_as_unsuccessful(change_scene, client):
    scene = change_scene
    change, number = scene.ask()
    scene.instance.decide(scene.approval, scene.instance.angel)
    for login in ("bob", "carol"):
        client(login).approve(number)
    for minion in ("web1", "web2"):
        scene.prove(minion, verdict="failed", text="[code]no such version[/code]")
    scene.tell()
    assert (change["state"], change["close_code"], scene.waiting()) == ("3", "unsuccessful", [])
    verdict = scene.said(change)[f"{number}/failed"]
    assert "This failed on 2 of 2 minions" in verdict
    assert "web2 | nginx 1.24.0 | (code]no such version" in verdict


def test_a_change_that_is_rejected_here_is_canceled(change_scene, client):
    scene = change_scene
    change, number = scene.ask()
    client("bob").reject(number, comment="no")
    scene.tell()
    assert (change["state"], scene.waiting()) == ("4", [])
    assert "bob said no at stage review." in scene.said(change)[f"{number}/rejected"]


def test_a_change_that_says_yes_and_stays_is_tried_again(change_scene, client, monkeypatch):
    monkeypatch.setattr(ticket_news, "AWAY_S", 0.0)
    scene = change_scene
    change, number = scene.ask()
    scene.instance.decide(scene.approval, scene.instance.angel)
    for login in ("bob", "carol"):
        client(login).approve(number)
    scene.tell()
    for minion in ("web1", "web2"):
        scene.prove(minion)
    scene.instance.lies.silent_patch = True
    scene.worker.round()
    assert [error for (error,) in scene.waiting() if "is not there, though the instance took it" in error]
    assert change["state"] == "-1"
    scene.instance.lies.silent_patch = 0
    scene.tell()
    assert (change["state"], scene.waiting()) == ("3", [])
    assert f"{number}/converged" in scene.said(change)
