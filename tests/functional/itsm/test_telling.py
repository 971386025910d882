"""Tickets of a Jira that lies are told by the worker ticket_news from a real database, and end as requests do."""

import datetime
import hashlib
import html
import json
import os
import random
import subprocess
import sys
import time

import pytest
from standins.jira import JiraStandIn

from saltext.approval import db
from saltext.approval.engine.workers import ticket_news
from saltext.approval.itsm import intake, sites, texts
from saltext.approval.settings import Settings

COUNT = int(os.environ.get("APPROVAL_TICKETS", "10"))
WORKFLOW = {
    "asked": "Waiting for Approval",
    "approved": {"from": "Waiting for Approval", "to": "Sending to Integration"},
    "declined": "Declined",
    "waiting": ["Waiting for Integration", "Waiting for Integration to Revert"],
    "done": ["Completed", "Reverted"],
    "failed": ["Failed", "Failed to Revert"],
    "moves": {"waiting": "Wait", "done": "Complete", "failed": "Fail", "declined": "Decline"},
}
# A worker of its own, as `salt-approval serve` runs it.
PROCESS = """
import json, sys, time
from saltext.approval.engine.workers import ticket_news
from saltext.approval.settings import Settings

worker = ticket_news.worker(Settings(json.load(open(sys.argv[1]))))
while True:
    worker.round()
    time.sleep(0.05)
"""


class Scene:
    """A site of Jira, the database that knows its people, and the worker between them."""

    def __init__(self, api, database, settings_of, folder):
        self.database = database
        self.jira = JiraStandIn(api)
        token = folder / "token"
        token.touch(mode=0o600)
        token.write_text(self.jira.bot.token)
        email = {"email": self.jira.bot.email} if api == "cloud" else {}
        self.opts = {
            "approval": {
                "web": {"public_url": "https://approval.example.com"},
                "itsm": {
                    **settings_of("itsm"),
                    "sites": {
                        "sc21": {
                            "kind": "jira",
                            "url": self.jira.url,
                            "api": api,
                            "auth": {**email, "token_file": str(token)},
                            "projects": {"SC21": {"types": {
                                "Linux Package Management Request": self._type("package"),
                                "Windows Package Management Request": self._type("standard"),
                            }}},
                            "workflow": WORKFLOW,
                        }
                    },
                },
            }
        }  # fmt: skip
        self.settings = Settings(self.opts)
        self.site = sites.load(self.settings.ticket_sites())["sc21"]
        self.worker = ticket_news.worker(self.settings)
        database.execute("SELECT approval.put_speaker('itsm', 'jira-sc21', 'authenticated')", login="policy_admin")
        subject = "account_id" if api == "cloud" else "key"
        for person, name in ((self.jira.zoe, "alice"), (self.jira.angel, "bob")):
            database.execute(
                "SELECT approval.put_identity('jira-sc21', %s, %s)", (getattr(person, subject), name), "policy_admin"
            )

    @staticmethod
    def _type(name):
        return {"request_type": name, "minions": "customfield_10102", "packages": [{"lines": "customfield_10107"}]}

    def __enter__(self):
        self.jira.__enter__()
        return self

    def __exit__(self, *details):
        self.worker.close()
        self.jira.__exit__(*details)

    def ask(self, kind="Linux Package Management Request", packages="nginx 1.24.0", by=None, minions=("web1", "web2")):
        """An issue that asks, and the number of its request."""
        fields = {"customfield_10102": list(minions), "customfield_10107": packages}
        issue = self.jira.create(kind, fields, by or self.jira.zoe)
        if by is not None:
            self.jira.transition(issue.key, "Approve", self.jira.zoe)
        self.take(issue)
        return issue, self.database.execute("SELECT max(request_id) FROM approval.ticket_request")[0][0]

    def take(self, issue):
        """Take in what an issue says now."""
        writer = texts.of_site(self.site, self.settings)
        intake.Intake(self.site, sites.system(self.site), writer, self.worker.call, db.json).take(issue.id)

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
            "AND destination = 'jira-sc21'"
        )

    def waiting(self):
        """The errors of what is not delivered yet."""
        return self.database.execute(
            "SELECT coalesce(last_error, '') FROM approval.outbox WHERE destination = 'jira-sc21' "
            "AND state <> 'delivered' ORDER BY request_id, seq"
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

    def said(self, issue):
        """Our comments on an issue: {mark: text of the newest with it}; that no mark stands twice is asserted."""
        marks = [comment.properties["approval"]["seq"] for comment in issue.comments]
        assert len(marks) == len(set(marks)), marks
        return {seq: html.unescape(comment.text) for seq, comment in sites.system(self.site).comments(issue.id).items()}


@pytest.fixture
def scene(request, approved, settings_of, tmp_path):
    api = getattr(request, "param", "cloud")
    with Scene(api, approved, settings_of, tmp_path) as made:
        yield made


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


def test_a_ticket_that_is_rejected_here_is_declined_there(scene, client):
    issue, number = scene.ask()
    client("bob").reject(number, comment="not on a Friday")
    scene.tell()
    said = scene.said(issue)[f"{number}/rejected"]
    assert "bob said no at stage review." in said
    assert "not on a Friday" in said
    assert (issue.status, scene.waiting()) == ("Declined", [])


def test_an_amended_ticket_is_bound_anew(scene):
    issue, _ = scene.ask()
    scene.tell()
    scene.jira.edit(issue.key, {"customfield_10107": "nginx 1.26.0"}, scene.jira.zoe)
    scene.take(issue)
    bound = "SELECT bound_at FROM approval.ticket_request"
    assert scene.database.execute(bound) == [(None,)]
    scene.tell()
    first, second = scene.said(issue).values()
    assert "nginx 1.24.0" in first
    assert "Approvals of before do not count" in second
    assert "nginx 1.26.0" in second
    assert scene.database.execute(bound) == [(issue.comments[-1].created,)]


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
    for _ in range(COUNT):
        issue, number = scene.ask("Windows Package Management Request", by=scene.jira.angel, minions=["web1"])
        issues[number] = issue
    scene.prove("web1")
    config = tmp_path / "opts.json"
    config.write_text(json.dumps(scene.opts))
    seed = random.randrange(10**6)
    chance, kills = random.Random(seed), 0
    deadline = time.monotonic() + 60 + 20 * COUNT
    while scene.waiting():
        assert time.monotonic() < deadline, (seed, kills, scene.waiting())
        scene.end_waits()
        until = len(scene.jira.log) + chance.randrange(1, 20)
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
    assert kills > COUNT / 2
    for number, issue in issues.items():
        assert issue.status == "Completed", (seed, number)
        said = scene.said(issue)
        assert "Done. 1 minion has it" in said[f"{number}/converged"]
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
    ((left,),) = scene.database.execute(
        "SELECT extract(epoch FROM due_at - now()) FROM approval.outbox WHERE state = 'waiting' AND request_id = %s",
        (number,),
    )
    assert 6 < left < 60
    limited = next(entry.at for entry in scene.jira.log if entry.status == 429)
    while scene.waiting():
        scene.worker.round()
        time.sleep(0.1)
    again = next(entry.at for entry in scene.jira.log if entry.at > limited and first.id in entry.path)
    assert again - limited >= 7
    assert len(first.comments) == 1


@pytest.mark.parametrize("lie", ["conflict", "silent_transition"])
def test_acceptance_20_what_was_not_moved_is_said_and_tried_again(scene, lie):
    issue, _ = scene.ask("Windows Package Management Request", by=scene.jira.angel, minions=["web1"])
    setattr(scene.jira.lies, lie, True)
    scene.worker.round()
    ((error,), *_) = scene.waiting()
    assert "'Sending to Integration' after the transition 'Wait'" in error
    assert issue.status == "Sending to Integration"
    setattr(scene.jira.lies, lie, 0)
    scene.tell()
    assert (issue.status, scene.waiting()) == ("Waiting for Integration", [])
