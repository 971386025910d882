"""
Web service, workers of tickets and their site are killed anywhere: a ticket asks once, is told each thing once, and
ends as it should.

APPROVAL_TICKETS is how many tickets there are.
"""

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
MOST_REFUSED = 200
REFUSED = "I cannot make a request of this ticket: "
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
    """A site of Jira whose webhooks go to the web service, workers beside it, and the database of all."""

    def __init__(self, jira, database, minions, folder, chance, workers):
        self.jira, self.database, self._minions, self.chance = jira, database, minions, chance
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._address = f"127.0.0.1:{probe.getsockname()[1]}"
        self.web = Service(SERVE_WEB, self._config(folder, WEB), folder / "web.log")
        config = self._config(folder, WORKER)
        self.workers = [Service(SERVE, config, folder / f"worker{number}.log") for number in range(workers)]
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
        for worker in self.workers:
            worker.start()
        self._wait_for_web()
        self.jira.subscribe(f"http://{self._address}/itsm/acme/webhook", acme.WEBHOOK_SECRET, retry_s=0.3)
        return self

    def __exit__(self, *exception):
        self.web.kill()
        for worker in self.workers:
            worker.kill()

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

    def ask(self, minion=None):
        """
        A new ticket, for a package of its own; those that are open at a time have minions of their own too, where no
        minion is given.
        """
        number = next(self._numbers)
        minion = minion or self._minions[number % len(self._minions)]
        fields = {"customfield_10102": [minion], "customfield_10104": (f"app{number}", "1.0")}
        return self.jira.create(PACKAGES, fields, self.jira.zoe)

    def deliver(self, issue):
        """Have two deliveries about a ticket come in at once, by its id and by its key as a rule names it."""
        number = next(self._numbers)
        for name in (issue.id, issue.key):
            self.database.execute(
                "SELECT approval.receive_delivery('jira-acme', %s, %s, '{\"way\": \"poll\"}')",
                (f"test/{number}/{name}", name),
                login=WORKER,
            )

    def bound(self, issues):
        """{id of a ticket: (number and state of its request)} of those of the tickets that say what they ask for."""
        query = (
            "SELECT t.ticket_id, r.request_id, r.state FROM approval.ticket_request AS t "
            "JOIN approval.request AS r USING (request_id) WHERE t.bound_at IS NOT NULL AND t.ticket_id = ANY (%s)"
        )
        found = self.database.execute(query, ([issue.id for issue in issues],))
        return {ticket: (number, state) for ticket, number, state in found}

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

    def kill_workers(self):
        """
        Kill the workers, one a moment after the other, and start them again when nothing of them goes on, as if their
        leases were over then.
        """
        for worker in self.chance.sample(self.workers, len(self.workers)):
            worker.kill()
            worker.kills += 1
            time.sleep(self.chance.uniform(0, 0.3) if len(self.workers) > 1 else 0)
        while self.database.execute("SELECT FROM pg_stat_activity WHERE usename = %s", (WORKER,)):
            time.sleep(0.01)
        for table in ("outbox", "ticket_delivery"):
            self.database.execute(f"UPDATE approval.{table} SET leased_until = NULL WHERE leased_until IS NOT NULL")
        for worker in self.workers:
            worker.start()

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
def set_scene(database, logins, furnish, minions, tmp_path):
    """A function that gives a Scene with so many workers; it ends with the test."""
    from saltext.approval import config, db
    from saltext.approval.policy import loader

    furnish(database)
    seed = random.randrange(10**6)
    with contextlib.ExitStack() as stack:
        jira = stack.enter_context(JiraStandIn(seed=seed))
        with db.connect(config.Connection(database.dsn("policy_admin"))) as conn:
            loader.load(conn, loader.parse(POLICY.format(jira=jira)))

        def start(workers):
            made = stack.enter_context(Scene(jira, database, minions, tmp_path, random.Random(seed), workers))
            made.seed = seed
            return made

        yield start


@pytest.fixture(scope="session")
def count(times):
    """How many tickets there are."""
    return int(os.environ.get("APPROVAL_TICKETS", times(10, 100)))


def test_killed_anywhere_each_ticket_asks_once_and_ends_as_it_should(set_scene, print_counts, count):
    scene, open_at_once = set_scene(workers=1), 10
    wanted, unfinished, decided, proven = {}, {}, set(), set()
    progress, deadline, pauses_end = None, 0, 0
    next_kill = dict.fromkeys(("web", "worker", "site"), 0)
    while len(wanted) < count or unfinished or scene.left():
        if progress != (progress := (len(decided), len(proven), len(wanted) - len(unfinished))):
            deadline = time.monotonic() + STUCK_S
        assert time.monotonic() < deadline, (scene.seed, progress, scene.left())
        while len(wanted) < count and len(unfinished) < open_at_once:
            issue = scene.ask()
            wanted[issue] = unfinished[issue] = scene.chance.choice(list(ENDS))
        known = scene.bound(unfinished)
        for issue, end in list(unfinished.items()):
            number, state = known.get(issue.id, (None, None))
            if number and issue not in decided:
                scene.jira.transition(issue, "Decline" if end == "rejected" else "Approve", scene.jira.angel)
                decided.add(issue)
            elif state == "approved" and issue not in proven:
                scene.prove(issue, end)
                proven.add(issue)
            elif issue.status == ENDS[end][0] and state == end:
                del unfinished[issue]
        kill_one(scene, next_kill, count)
        if time.monotonic() >= pauses_end:
            scene.end_pauses()
            pauses_end = time.monotonic() + 1
        time.sleep(0.02)
    counts = counted(scene, wanted)
    kills = {"web_killed": scene.web.kills, "worker_killed": scene.workers[0].kills, "site_killed": scene.crashes}
    print_counts(seed=scene.seed, **kills, **counts)
    assert (counts["requests"], counts["decisions"], counts["tickets"]) == (count, count, count), counts
    wrong = {name: counts[name] for name in counts if name.endswith(("_twice", "_missing", "_untrue"))}
    assert not any(wrong.values()), (scene.seed, wrong)
    assert min(kills.values()) >= count / 10, kills


def test_two_workers_killed_anywhere_refuse_a_ticket_once(set_scene, print_counts, count):
    scene, count = set_scene(workers=2), min(count, MOST_REFUSED)
    refused, unfinished = {}, set()
    deadline = time.monotonic() + STUCK_S
    next_kill = {"worker": 0}
    while len(refused) < count or unfinished or scene.left():
        assert time.monotonic() < deadline, (scene.seed, len(refused), scene.left())
        while len(refused) < count and len(unfinished) < 4:
            issue = scene.ask("nowhere")
            refused[issue] = scene.chance.random() < 0.5
            if refused[issue]:
                scene.jira.transition(issue, "Approve", scene.jira.angel)
            unfinished.add(issue)
            scene.deliver(issue)
            deadline = time.monotonic() + STUCK_S
        unfinished = {
            issue for issue in unfinished if not issue.comments or (refused[issue] and issue.status != "Failed")
        }
        kill_one(scene, next_kill, count)
        scene.end_pauses()
        time.sleep(0.02)
    posts = collections.Counter(posted(scene, REFUSED))
    marks = collections.Counter(mark for issue in refused for mark in marks_of(issue))
    counts = {
        "tickets": len(refused),
        "comments": marks.total(),
        "comments_twice": sum(len(issue.comments) != 1 for issue in refused),
        "posted_twice": sum(times > 1 for times in posts.values()),
    }
    kills = sum(worker.kills for worker in scene.workers)
    print_counts(seed=scene.seed, workers_killed=kills, **counts)
    assert (counts["comments"], counts["comments_twice"], counts["posted_twice"]) == (count, 0, 0), counts
    assert scene.database.execute("SELECT count(*) FROM approval.request") == [(0,)]
    assert kills >= count / 20
    assert all(issue.status == ("Failed" if ends else "Waiting for Approval") for issue, ends in refused.items())


def kill_one(scene, next_kill, count):
    """
    Kill what has done as many things as it was to be given; each is given some, so that all comes to an end. Of very
    many tickets each meets fewer kills, since most of the time is that of starting anew.
    """
    asked, sent = len(scene.jira.log), scene.answered()
    for name, done, most, kill in (
        ("web", sent, max(20, count // 20), scene.kill_web),
        ("worker", asked, max(150, count // 2), scene.kill_workers),
        ("site", asked, max(150, count // 2), scene.crash_site),
    ):
        if done >= next_kill.get(name, done + 1):
            if next_kill[name]:
                kill()
            next_kill[name] = done + scene.chance.randrange(1, most)


def marks_of(issue):
    """The marks of our comments on a ticket."""
    return [comment.properties["approval"]["seq"] for comment in issue.comments]


def posted(scene, text):
    """The path of each question in the site's log that wrote a comment with a text, and that was answered."""
    return [
        entry.path
        for entry in scene.jira.log
        if (entry.method, entry.status) == ("POST", 201)
        and text in json.dumps(entry.body, ensure_ascii=False, default=str)
    ]


def counted(scene, wanted):
    """What there is of tickets that were to come to these ends: by the database, and by the site and its log."""
    requests = scene.database.execute("SELECT count(*), count(*) - count(DISTINCT external_ref) FROM approval.request")
    states = dict(scene.database.execute("SELECT split_part(external_ref, '#', 1), state FROM approval.request"))
    ((decisions, decided),) = scene.database.execute(
        "SELECT count(*), count(DISTINCT request_id) FROM approval.decision"
    )
    twice = missing = untrue = 0
    for issue, end in wanted.items():
        status, verdict = ENDS[end]
        texts = [json.dumps(comment.body, ensure_ascii=False) for comment in issue.comments]
        ways = [item["toString"] for entry in issue.history for item in entry.items if item["field"] == "status"]
        untrue += (states.get(issue.id), issue.status) != (end, status)
        untrue += ways != ([status] if end == "rejected" else [*ON_THE_WAY[1:], status])
        twice += len(issue.comments) - len(set(marks_of(issue)))
        for said in (
            "Thank you. This ticket is now request",
            verdict,
            *(["Approved by carol."] if end != "rejected" else []),
        ):
            times = sum(said in text for text in texts)
            missing += not times
            twice += max(0, times - 1)
        untrue += any(mark.startswith("no/") for mark in marks_of(issue))
    return {
        "tickets": len(scene.jira.issues),
        **collections.Counter(issue.status for issue in wanted),
        "requests": requests[0][0],
        "requests_twice": requests[0][1],
        "decisions": decided,
        "decisions_twice": decisions - decided,
        "questions": len(scene.jira.log),
        "comments": sum(len(issue.comments) for issue in wanted),
        "comments_twice": twice,
        "comments_missing": missing,
        "ends_untrue": untrue,
    }
