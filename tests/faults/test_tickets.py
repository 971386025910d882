"""Web service, worker of tickets and their site are killed anywhere: a ticket asks once, and ends as it should."""

import collections
import contextlib
import hashlib
import http.client
import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time

import pytest
import yaml
from standins import acme
from standins.jira import JiraStandIn
from standins.jira_site import PACKAGES

WEB, WORKER = "tickets_web", "tickets_worker"
POLICY = """
principals:
  alice: {{identities: ["jira-acme:{jira.zoe.account_id}"]}}
  carol: {{identities: ["jira-acme:{jira.angel.account_id}"]}}
groups:
  managers: {{title: Release, members: [carol]}}
speakers:
  tickets_web: {{jira-acme: authenticated}}
  tickets_worker: {{jira-acme: authenticated}}
types:
  package:
    title: Packages
    kind: package
    dispatch: false
    catalog: "off"
    requesters: ["*"]
    chain: [{{name: release, min_assurance: authenticated, any_of: [{{group: managers}}]}}]
"""
# As `salt-approval serve`, but that a site which does not answer is left alone for a moment only.
SERVE = """
import sys
from saltext.approval.cli import main
from saltext.approval.engine.workers import ticket_news, tickets
ticket_news.AWAY_S = tickets.AWAY_S = 0.2
sys.exit(main(["serve", "--workers", "tickets,ticket_news", "--config", sys.argv[1]]))
"""
SERVE_WEB = "import sys; from saltext.approval.cli import main; sys.exit(main(['web', '--config', sys.argv[1]]))"
STARTED_S = 60
STUCK_S = 180
# The end of a ticket: its last status, and what stands in its last comment.
ENDS = {
    "converged": ("Completed", "Done. 1 minion has it, and proved so."),
    "failed": ("Failed", "This failed on 1 of 1 minions"),
    "rejected": ("Declined", "Rejected. Nothing was changed."),
}
ON_THE_WAY = ["Waiting for Approval", "Sending to Integration", "Waiting for Integration"]


class Service:
    """A process of ours in a group of its own, which is killed and started again."""

    def __init__(self, program, config, log):
        self._command = [sys.executable, "-c", program, str(config)]
        self._log = log
        self._process = None
        self.kills = 0

    def start(self):
        """Start it, as systemd does after a kill."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self):
        """Kill all of it (-9)."""
        if self._process is not None:
            assert self._process.poll() is None, self._log.read_text()
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


class Scene:
    """A site of Jira whose webhooks go to the web service, a worker beside it, and the database of both."""

    def __init__(self, jira, database, minions, folder, chance):
        self.jira, self.database, self._minions, self.chance = jira, database, minions, chance
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._address = f"127.0.0.1:{probe.getsockname()[1]}"
        self.web = Service(SERVE_WEB, self._config(folder, WEB), folder / "web.log")
        self.worker = Service(SERVE, self._config(folder, WORKER), folder / "worker.log")
        self.crashes = 0
        self._numbers = itertools.count(1)

    def _config(self, folder, part):
        """The file with the settings of a service, which has the login ``part``."""
        package = {
            "request_type": "package",
            "minions": "customfield_10102",
            "packages": [{"cascade": "customfield_10104"}],
        }
        site = acme.jira_settings(self.jira, folder, projects={self.jira.project: {"types": {PACKAGES: package}}})

        def login(name):
            path = folder / f"{name}.dsn"
            path.touch(mode=0o600)
            path.write_text(self.database.dsn(name))
            return {"dsn_file": str(path)}

        settings = {
            "approval": {
                "engine": {**login("engine"), "workers": {"tickets": {"poll_minutes": 0.1, "looks": 1}}},
                "itsm": {**login(part), "sites": {"acme": site}},
                "web": {"bind": self._address, "public_url": f"http://{self._address}", "workers": 1},
            }
        }
        config = folder / f"{part}.yaml"
        config.write_text(yaml.safe_dump(settings))
        return config

    def __enter__(self):
        self.web.start()
        self.worker.start()
        self._wait_for_web()
        self.jira.subscribe(f"http://{self._address}/itsm/acme/webhook", acme.WEBHOOK_SECRET, retry_s=0.3)
        return self

    def __exit__(self, *exception):
        self.web.kill()
        self.worker.kill()

    def _wait_for_web(self):
        deadline = time.monotonic() + STARTED_S
        while True:
            connection = http.client.HTTPConnection(self._address, timeout=5)
            with contextlib.closing(connection), contextlib.suppress(OSError):
                connection.request("GET", "/healthz")
                if connection.getresponse().status == 200:
                    return
            assert time.monotonic() < deadline, "the web service does not start"
            time.sleep(0.05)

    # Acts of people, and of minions.

    def ask(self):
        """A new ticket, for a package of its own; those that are open at a time have minions of their own too."""
        number = next(self._numbers)
        minion = self._minions[number % len(self._minions)]
        fields = {"customfield_10102": [minion], "customfield_10104": (f"app{number}", "1.0")}
        return self.jira.create(PACKAGES, fields, self.jira.zoe)

    def bound(self):
        """{id of a ticket: (number and state of its request)} of those that say what they ask for."""
        query = (
            "SELECT t.ticket_id, r.request_id, r.state FROM approval.ticket_request AS t "
            "JOIN approval.request AS r USING (request_id) WHERE t.bound_at IS NOT NULL"
        )
        return {ticket: (number, state) for ticket, number, state in self.database.execute(query)}

    def prove(self, issue, verdict):
        """Record that the minion has what the ticket asks for, or that it failed."""
        name, minion = issue.fields["customfield_10104"]["value"], issue.fields["customfield_10102"][0]["value"]
        ((revision, digest),) = self.database.execute(
            "SELECT revision, digest FROM approval.document_history WHERE minion_id = %s "
            "ORDER BY revision DESC LIMIT 1",
            (minion,),
        )
        jid = f"20261130{issue.id:0>12}"
        finding = ["package", name, verdict, "observed", None, "1.0", "evidence", "as seen"]
        self.database.execute(
            "SELECT outcome FROM approval.record_returns(ARRAY[%s], ARRAY[%s], '{state.apply}', '{0}', '{t}', "
            "ARRAY[%s], '{t}', ARRAY[%s]::bigint[], ARRAY[%s], ARRAY[%s], '{boot}', ARRAY[%s], '{[]}', "
            "ARRAY['x'::bytea], ARRAY[%s])",
            (jid, minion, verdict, revision, digest, f"run {jid}", json.dumps([finding]),
             hashlib.sha256(jid.encode()).digest()),
            login="returner",
        )  # fmt: skip

    # Things that go wrong.

    def kill_web(self):
        """Kill the web service, and start it again."""
        self.web.kill()
        self.web.kills += 1
        self.web.start()

    def kill_worker(self):
        """Kill the worker, and start it again when nothing of it goes on, as if its leases were over then."""
        self.worker.kill()
        self.worker.kills += 1
        while self.database.execute("SELECT FROM pg_stat_activity WHERE usename = %s", (WORKER,)):
            time.sleep(0.01)
        for table in ("outbox", "ticket_delivery"):
            self.database.execute(f"UPDATE approval.{table} SET leased_until = NULL WHERE leased_until IS NOT NULL")
        self.worker.start()

    def crash_site(self):
        """Have the site end in the middle of what it does, and come back a moment later."""
        self.jira.crash()
        self.crashes += 1
        time.sleep(self.chance.uniform(0, 0.3))
        self.jira.restart()

    def end_pauses(self):
        """Let the time pass for which what failed is left alone; dead letters stay dead."""
        for table in ("outbox", "ticket_delivery"):
            self.database.execute(
                f"UPDATE approval.{table} SET due_at = '-infinity' WHERE state = 'waiting' AND leased_until IS NULL"
            )

    def answered(self):
        """How many deliveries were answered, with whatever."""
        return sum(status is not None for sent in list(self.jira.hooks.deliveries) for status in list(sent.statuses))

    def left(self):
        """What is not told or taken yet."""
        return self.database.execute(
            "SELECT thread, state, last_error FROM approval.outbox WHERE state <> 'delivered' UNION ALL "
            "SELECT ticket, state, note FROM approval.ticket_delivery WHERE state <> 'done'"
        )


@pytest.fixture(scope="session")
def logins(database_server):
    """Lets the web service and the worker log in, each as itself."""
    for login in (WEB, WORKER):
        database_server.add_login(login, "approval_itsm")


@pytest.fixture
def scene(database, logins, furnish, minions, tmp_path):
    from saltext.approval import config, db
    from saltext.approval.policy import loader

    furnish(database)
    seed = random.randrange(10**6)
    with JiraStandIn(seed=seed) as jira:
        with db.connect(config.Connection(database.dsn("policy_admin"))) as conn:
            loader.load(conn, loader.parse(POLICY.format(jira=jira)))
        with Scene(jira, database, minions, tmp_path, random.Random(seed)) as made:
            made.seed = seed
            yield made


def test_killed_anywhere_each_ticket_asks_once_and_ends_as_it_should(scene, print_counts, times):
    wanted = {}
    open_at_once, count = 10, times(10, 100)
    progress, deadline = None, 0
    decided, proven, over = set(), set(), set()
    pauses_end = 0
    next_kill = dict.fromkeys(("web", "worker", "site"), 0)
    while len(over) < count or scene.left():
        if progress != (progress := (len(decided), len(proven), len(over))):
            deadline = time.monotonic() + STUCK_S
        assert time.monotonic() < deadline, (scene.seed, progress, scene.left())
        while len(wanted) < count and len(wanted) - len(over) < open_at_once:
            wanted[scene.ask()] = scene.chance.choice(list(ENDS))
        known = scene.bound()
        for issue, end in wanted.items():
            number, state = known.get(issue.id, (None, None))
            if number and issue not in decided:
                scene.jira.transition(issue, "Decline" if end == "rejected" else "Approve", scene.jira.angel)
                decided.add(issue)
            elif state == "approved" and issue not in proven:
                scene.prove(issue, end)
                proven.add(issue)
            elif issue.status == ENDS[end][0] and state == end:
                over.add(issue)
        kill_one(scene, next_kill)
        if time.monotonic() >= pauses_end:
            scene.end_pauses()
            pauses_end = time.monotonic() + 1
        time.sleep(0.02)
    checked = check(scene, wanted)
    kills = {"web_killed": scene.web.kills, "worker_killed": scene.worker.kills, "site_killed": scene.crashes}
    print_counts(seed=scene.seed, **kills, questions=len(scene.jira.log), **checked)
    assert min(kills.values()) >= count / 10, kills


def kill_one(scene, next_kill):
    """Kill what has done as many things as it was to be given; each is given some, so that all comes to an end."""
    asked, sent = len(scene.jira.log), scene.answered()
    for name, done, most, kill in (
        ("web", sent, 20, scene.kill_web),
        ("worker", asked, 150, scene.kill_worker),
        ("site", asked, 150, scene.crash_site),
    ):
        if done >= next_kill[name]:
            if next_kill[name]:
                kill()
            next_kill[name] = done + scene.chance.randrange(1, most)


def check(scene, wanted):
    """Assert that each request and each comment is there once, and each end is true; the counts."""
    rows = scene.database.execute("SELECT external_ref, state FROM approval.request")
    assert sorted(rows) == sorted((f"{issue.id}#1", end) for issue, end in wanted.items()), scene.seed
    decisions = scene.database.execute("SELECT count(*), count(DISTINCT request_id) FROM approval.decision")
    assert decisions == [(len(wanted), len(wanted))]
    comments = 0
    for issue, end in wanted.items():
        status, verdict = ENDS[end]
        assert issue.status == status
        marks = [comment.properties["approval"]["seq"] for comment in issue.comments]
        assert len(marks) == len(set(marks)), (scene.seed, marks)
        texts = [json.dumps(comment.body, ensure_ascii=False) for comment in issue.comments]
        for said in (
            "Thank you. This ticket is now request",
            verdict,
            *(["Approved by carol."] if end != "rejected" else []),
        ):
            assert sum(said in text for text in texts) == 1, (scene.seed, said, texts)
        assert not any(mark.startswith("no/") for mark in marks), texts
        ways = [item["toString"] for entry in issue.history for item in entry.items if item["field"] == "status"]
        assert ways == ([status] if end == "rejected" else [*ON_THE_WAY[1:], status]), (scene.seed, ways)
        comments += len(texts)
    ends = collections.Counter(wanted.values())
    return {
        "tickets": len(wanted),
        **ends,
        "comments": comments,
        "requests_twice": 0,
        "comments_twice": 0,
        "ends_untrue": 0,
    }
