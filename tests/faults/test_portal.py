"""Many people on the pages at once, many more pages open, and processes that are killed while somebody decides."""

import base64
import collections
import contextlib
import html
import http.client
import os
import pathlib
import random
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
import requests
import yaml

from saltext.approval import config, db
from saltext.approval.policy import loader
from saltext.approval.portal import passwords

PEOPLE = 50
PAUSE_S = 2  # at the most, before somebody looks again
PATIENCE_S = 60
GROWTH_MB = 10  # of each process, between its first pages and its last; what they share is not theirs
EVERY_S, THINK_S = 5.0, 10.0  # an open page asks; at the most, before whoever decides takes the next
ANSWERS = {200, 303, 304, 409}  # 409: somebody else decided meanwhile
TYPE = "{kind: package, requesters: ['*'], chain: [{name: release, any_of: [{group: owners}]}]}"
ASK = (
    "SELECT approval.submit_request('pg', 'alice', 'package', 'a test', ARRAY['m1'], ARRAY['package'], ARRAY[%s], "
    "ARRAY['1'], NULL, 'pg', NULL)"
)
DECISIONS = "SELECT count(*) FROM approval.decision WHERE request_id = %s"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'portal' AND wait_event_type = 'Lock'"
BUSY = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'portal' AND state = 'active'"


class Site:
    """The web service on a database, whose people have signed in."""

    def __init__(self, database, folder):
        self.database = database
        names = [f"p{number}" for number in range(PEOPLE)]
        known = {name: {"identities": [f"web:{name}"]} for name in names} | {"alice": {"identities": ["pg:alice"]}}
        policy = {
            "principals": known,
            "groups": {"owners": {"members": names}},
            "speakers": {"portal": {"web": "authenticated"}},
            "types": {"package": yaml.safe_load(TYPE)},
        }
        with db.connect(config.Connection(database.dsn("policy_admin"))) as conn:
            loader.load(conn, loader.parse(yaml.safe_dump(policy)))
        database.execute("SELECT approval.put_minions('{m1}')", login="operator")
        self._folder = folder
        # One digest for all, as each costs some time; they sign in past the form, which lets 30 of one address try.
        digest = passwords.line("p0", "the password of all").partition(":")[2]
        self._write("passwords", "".join(f"{name}:{digest}\n" for name in names))
        self._write("dsn", database.dsn("portal"))
        credential = passwords.Passwords(str(folder / "passwords")).credential("p0")
        self._tokens = {name: secrets.token_bytes(32) for name in names}
        with database.connect("portal") as connection:
            for name, token in self._tokens.items():
                connection.execute(
                    "SELECT approval.begin_session('web', %s, %s, %s, NULL, 'infinity', '{}')",
                    (name, token, credential),
                )
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.address = f"http://localhost:{self._port}"
        self._process = None

    def cookie(self, name):
        """The cookie of somebody who has signed in as ``name``."""
        return base64.urlsafe_b64encode(self._tokens[name]).decode().rstrip("=")

    def connect(self):
        """A connection to the service."""
        return http.client.HTTPConnection("localhost", self._port, timeout=PATIENCE_S)

    def start(self):
        """Start the service; returns when it is ready."""
        portal = {"dsn_file": str(self._folder / "dsn"), "passwords": str(self._folder / "passwords")}
        web = {"bind": f"127.0.0.1:{self._port}", "public_url": self.address}
        self._write("service.yaml", yaml.safe_dump({"approval": {"portal": portal, "web": web}}))
        command = [sys.executable, "-m", "saltext.approval", "web", "--config", self._folder / "service.yaml"]
        with open(self._folder / "log", "wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        self.until(lambda: self.visitor().get(f"{self.address}/readyz", timeout=PATIENCE_S).status_code == 200)

    def stop(self):
        """End the service."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE_S)

    def workers(self):
        """The ids of its processes, without the first."""
        number = self._process.pid
        return [int(child) for child in pathlib.Path(f"/proc/{number}/task/{number}/children").read_text().split()]

    def memory_mb(self):
        """How much memory each of these has to itself, in MB, by their ids."""
        sizes = {}
        for worker in self.workers():
            with contextlib.suppress(OSError):
                text = pathlib.Path(f"/proc/{worker}/smaps_rollup").read_text()
                sizes[worker] = (
                    sum(int(size) for size in re.findall(r"^Private_\w+: +(\d+) kB", text, re.MULTILINE)) / 1024
                )
        return sizes

    def visitor(self, name=None):
        """A requests.Session, of somebody who has signed in as ``name``."""
        session = requests.Session()
        session.trust_env = False
        if name is not None:
            session.cookies.set("approval", self.cookie(name), domain="localhost.local")
        return session

    def ask(self, name):
        """A new request, about a package of this name; its number."""
        ((number,),) = self.database.execute(ASK, (name,), login="alice")
        return number

    def decisions(self, number):
        """How many decisions there are on a request."""
        ((count,),) = self.database.execute(DECISIONS, (number,))
        return count

    def page(self, visitor, number):
        """(the page of a request as words, its form to approve or None); asked for again while nobody answers."""
        answer = []

        def has_answered():
            answer[:] = [visitor.get(f"{self.address}/requests/{number}", timeout=PATIENCE_S)]
            return answer[0].status_code == 200

        self.until(has_answered)
        words = " ".join(html.unescape(re.sub(r"<[^>]*>", " ", answer[0].text)).split())
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', answer[0].text))
        return words, fields | {"decision": "approve", "comment": ""} if "digest" in fields else None

    def decide(self, visitor, number, form):
        """The status of the answer to a form; None where the connection broke."""
        try:
            address = f"{self.address}/requests/{number}/decision"
            return visitor.post(address, form, timeout=PATIENCE_S, allow_redirects=False).status_code
        except requests.RequestException:
            return None

    def approve_one(self, visitor, number):
        """Look at the inbox, then at a request, and approve it if it is not decided yet; yields each status."""
        yield visitor.get(f"{self.address}/inbox", timeout=PATIENCE_S).status_code
        _, form = self.page(visitor, number)
        if form is not None:
            yield self.decide(visitor, number, form)

    def until(self, is_so):
        """Wait for something, which may raise what a visitor's requests raise."""
        deadline = time.monotonic() + 2 * PATIENCE_S
        while True:
            with contextlib.suppress(requests.RequestException):
                if is_so():
                    return
            assert time.monotonic() < deadline, (self._folder / "log").read_text()
            assert self._process.poll() is None, (self._folder / "log").read_text()
            time.sleep(0.05)

    def _write(self, name, content):
        path = self._folder / name
        path.touch(mode=0o600)
        path.write_text(content)


@pytest.fixture
def portal(database, tmp_path):
    """A Site that has started."""
    site = Site(database, tmp_path)
    try:
        site.start()
        yield site
    finally:
        site.stop()


def test_many_people_at_once(portal, times, print_counts):
    """Some look, some approve what they find, all at once: each is answered, and the service does not grow."""
    approvers, people, rounds = times(3, 10), times(10, PEOPLE), times(8, 40)
    numbers = [portal.ask(f"package{number}") for number in range(times(20, 300))]
    answered = []

    def look(visitor, chance):
        number = chance.choice(numbers)
        path = chance.choice(["/inbox", f"/requests/{number}", "/compliance", "/minions/m1", "/jobs"])
        yield visitor.get(portal.address + path, timeout=PATIENCE_S).status_code

    def approve(visitor, chance):
        return portal.approve_one(visitor, chance.choice(numbers))

    def be(name, act):
        visitor, chance = portal.visitor(name), random.Random(name)
        for _ in range(rounds):
            answered.extend(act(visitor, chance))
            time.sleep(chance.uniform(0, PAUSE_S))

    threads = [
        threading.Thread(target=be, args=(f"p{number}", approve if number < approvers else look))
        for number in range(people)
    ]
    for thread in threads:
        thread.start()
    # Every process has had its first pages, which it grows by.
    portal.until(lambda: len(answered) > 2 * people)
    early = portal.memory_mb()
    for thread in threads:
        thread.join()
    statuses = collections.Counter(answered)
    assert set(statuses) <= ANSWERS
    assert all(portal.decisions(number) <= 1 for number in numbers)
    late = portal.memory_mb()
    assert set(late) == set(early), "a process of the service was replaced"
    growth = max(late[worker] - early[worker] for worker in late)
    assert growth < GROWTH_MB
    print_counts(
        people=people, pages=statuses[200], decided=statuses[303], conflicts=statuses[409], grown_mb=round(growth, 1)
    )


def test_many_pages_are_open(portal, times, print_counts):
    """Some approve while many pages are open and ask: each is answered, and the service does not grow."""
    approvers, pages, rounds = times(2, PEOPLE), times(20, 1_000), times(3, 60)
    numbers = [portal.ask(f"package{number}") for number in range(times(5, 500))]
    answered, over = [], threading.Event()

    def approve(name):
        visitor, chance = portal.visitor(name), random.Random(name)
        while not over.is_set():
            answered.extend(portal.approve_one(visitor, chance.choice(numbers)))
            over.wait(chance.uniform(0, THINK_S))

    def watch(opened):
        """Ask for each of these pages in its turn, as their scripts do."""
        connection, tags = portal.connect(), {}
        with contextlib.closing(connection):
            for _ in range(rounds):
                began = time.monotonic()
                for name, path in opened:
                    headers = {"Cookie": f"approval={portal.cookie(name)}", "If-None-Match": tags.get((name, path), "")}
                    connection.request("GET", path, headers=headers)
                    answer = connection.getresponse()
                    answer.read()
                    answered.append(answer.status)
                    tags[name, path] = answer.headers.get("ETag", "")
                    time.sleep(EVERY_S / len(opened) / 2)
                time.sleep(max(0.0, began + EVERY_S - time.monotonic()))

    chance = random.Random(1)
    kinds = ["/inbox/live", "/jobs/live", *["/requests/{}/live"] * 18]
    opened = [(f"p{n % PEOPLE}", kinds[n % len(kinds)].format(chance.choice(numbers))) for n in range(pages)]
    each = times(10, 50)
    deciding = [threading.Thread(target=approve, args=(f"p{number}",)) for number in range(approvers)]
    watching = [threading.Thread(target=watch, args=(opened[at : at + each],)) for at in range(0, pages, each)]
    for thread in deciding + watching:
        thread.start()
    # Every process has had its first pages, which it grows by.
    portal.until(lambda: len(answered) > 1.5 * pages)
    early = portal.memory_mb()
    for thread in watching:
        thread.join()
    over.set()
    for thread in deciding:
        thread.join()
    statuses = collections.Counter(answered)
    assert set(statuses) <= ANSWERS
    assert statuses[304] > 0
    late = portal.memory_mb()
    assert set(late) == set(early), "a process of the service was replaced"
    growth = max(late[worker] - early[worker] for worker in late)
    assert growth < GROWTH_MB
    print_counts(
        pages=pages, approvers=approvers, rounds=rounds, unchanged=statuses[304], whole=statuses[200],
        decided=statuses[303], grown_mb=round(growth, 1),
    )  # fmt: skip


def test_a_process_is_killed_while_somebody_decides(portal, times, print_counts):
    """Decided once or not at all, and the page says which; the same form again then is one decision."""
    visitor, kills, decided = portal.visitor("p0"), times(4, 30), 0
    for kill in range(kills):
        number = portal.ask(f"package{kill}")
        _, form = portal.page(visitor, number)
        with portal.database.connect() as holder:
            answers = []
            sender = threading.Thread(target=lambda: answers.append(portal.decide(visitor, number, form)))  # noqa: B023
            if kill % 2:
                # It waits for the request's lock, in the midst of the decision.
                with holder.transaction():
                    holder.execute("SELECT FROM approval.request WHERE request_id = %s FOR UPDATE", (number,))
                    sender.start()
                    while portal.database.execute(WAITING) == [(0,)]:
                        time.sleep(0.01)
                    _kill(portal.workers())
            else:
                sender.start()
                time.sleep(random.uniform(0, 0.05))
                _kill(portal.workers())
            sender.join()
            # The server comes to the end of its work, one way or the other.
            while portal.database.execute(BUSY) != [(0,)]:
                time.sleep(0.01)
        visitor = portal.visitor("p0")
        words, again = portal.page(visitor, number)
        count = portal.decisions(number)
        decided += count
        assert count in (0, 1)
        assert ("p0 approved" in words, again is None) == (count == 1, count == 1)
        assert portal.decide(visitor, number, form) == 303
        assert portal.decisions(number) == 1
    print_counts(kills=kills, decided_nevertheless=decided)


def _kill(workers):
    for worker in workers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)
