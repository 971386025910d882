"""The engines of two masters on one database are killed at random points while they send: `make test-kills`.

KILLS in the environment says how many requests there are, with a kill during each; SEED repeats a choice of points.
"""

import collections
import contextlib
import json
import os
import pathlib
import random
import signal
import time

import apt_repository
import psycopg
import pytest
from lab import APPROVERS, Lab, wait_until
from narrator import Narrator

from saltext.approval.engine import heartbeat

KILLS = int(os.environ.get("KILLS", "50"))
PERFORMED = "/root/performed"
POLICY = f"""
types:
  sent-package: {{kind: package, dispatch: true, catalog: "off", requesters: ["*"], pre_approved: true, chain: []}}
  sent-value: {{kind: value, dispatch: true, requesters: ["*"], pre_approved: true, chain: []}}
  # The file has a line for each time that it was done.
  sent-action:
    kind: action
    action: {{function: file.append, kwarg: {{path: {PERFORMED}}}}}
    parameters: {{properties: {{args: {{type: string}}}}, required: [args], additionalProperties: false}}
    # It waits for all state runs that came before it.
    proof_within: 2 hours
    requesters: ["*"]
    pre_approved: true
    chain: []
"""
KINDS = ("package", "value", "action")
UNKNOWN = "the engine ended while it sent this, and no job shows that it was sent"
# Five minutes after a kill a claim is given up, and as long after that a step; then minions run one state at a time.
END_WITHIN_S = 1800
WITHOUT_END = """
SELECT 'request ' || request_id || ': ' || state FROM approval.request WHERE state IN ('pending', 'approved')
UNION ALL
SELECT format('item %s on %s: %s', item_id, minion_id, state) FROM approval.dispatch WHERE ended_at IS NULL
UNION ALL
SELECT format('message %s of %s: %s', seq, thread, state) FROM approval.outbox
WHERE destination = 'salt' AND state <> 'delivered'
"""


@pytest.fixture(scope="module")
def sites():
    """Two masters on one database, each with keys, and two minions, of its own."""
    directories = [pathlib.Path(os.environ["RUN_DIRECTORY"], name) for name in ("first", "second")]
    for directory in directories:
        directory.mkdir()
    with (
        Lab(directories[0], Narrator().progress) as first,
        Lab(directories[1], Narrator().progress, minion_ids=("db2", "web2"), beside=first) as second,
    ):
        file = first.directory / "sent.yaml"
        file.write_text(POLICY)
        first.database.command("policy", "policy", "load", str(file))
        apt_repository.add(first.repository, [apt_repository.Package(name_of(n), "1.0-1") for n in range(0, KILLS, 3)])
        for site in (first, second):
            site.master.call(",".join(site.minions), "pkg.refresh_db")
            for minion in site.minions.values():
                minion.run("touch", PERFORMED)
        yield first, second


class Engine:
    """The engine of a site's master, which Salt starts again when it has died."""

    def __init__(self, site):
        self.minions = list(site.minions)
        self.killed = 0
        self._cachedir = site.master.directory / "cache"
        self._dead = None

    def wait(self):
        """The id of its process, once it runs."""
        return wait_until(self._running, "an engine that runs")

    def kill(self):
        self._dead = self.wait()
        os.kill(self._dead, signal.SIGKILL)
        self.killed += 1

    def _running(self):
        beat = heartbeat.read(self._cachedir)
        return beat.pid if beat and beat.pid != self._dead else None


def name_of(number):
    return f"acme-sent{number}"


def ask(site, number, minions):
    """Ask for something that nobody else asks for; returns the request's number."""
    kind, name = KINDS[number % 3], name_of(number)
    wish = {
        "package": ["--package", f"{name}=1.0-1"],
        "value": ["--value", f"{name}={number}"],
        "action": ["--parameter", f'args="{name}"'],
    }[kind]
    words = [word for minion in minions for word in ("--minion", minion)]
    command = ("--json", "request", f"sent-{kind}", *words, "--reason", "a test", *wish)
    return json.loads(site.database.command(APPROVERS[0], *command).stdout)["request"]


def begun(connection, request, minions):
    """Wait until the engine that tells these minions has written that it sends, or until it has had the time to."""
    written = "SELECT FROM approval.dispatch WHERE request_id = %s AND minion_id = ANY (%s)"
    deadline = time.monotonic() + 5
    while not connection.execute(written, (request, minions)).fetchall() and time.monotonic() < deadline:
        time.sleep(0.002)


def test_the_engine_is_killed_at_random_points(sites, print_counts):
    seed = int(os.environ.get("SEED") or random.randrange(1_000_000))
    print(f"SEED={seed}")
    chance = random.Random(seed)
    first = sites[0]
    engines = [Engine(site) for site in sites]
    everybody = [minion for engine in engines for minion in engine.minions]
    asked, in_the_middle = {}, set()
    with psycopg.connect(first.database.dsn_of(), autocommit=True) as connection:
        for number in range(KILLS):
            engine = chance.choice(engines)
            engine.wait()
            minions = sorted({chance.choice(engine.minions), chance.choice(everybody)})
            request = ask(first, number, minions)
            asked[request] = number
            # The moment in which it is not known whether a job was published is short: half of them look for it.
            if chance.random() < 0.5:
                begun(connection, request, engine.minions)
                time.sleep(chance.uniform(0, 0.1))
            else:
                time.sleep(chance.uniform(0, 2))
            engine.kill()
            sending = (
                "SELECT minion_id, item_id FROM approval.dispatch WHERE state = 'sending' AND minion_id = ANY (%s)"
            )
            in_the_middle.update(connection.execute(sending, (engine.minions,)).fetchall())
    with contextlib.suppress(TimeoutError):
        wait_until(lambda: not first.database.query(WITHOUT_END), "the end of all", END_WITHIN_S)
    assert first.database.query(WITHOUT_END) == ""
    print_counts(
        seed=seed,
        requests=len(asked),
        kills=" and ".join(str(engine.killed) for engine in engines),
        steps_in_the_middle_of_their_sending=len(in_the_middle),
        **check(sites, asked),
        without_an_end=0,
    )


def check(sites, asked):
    """Assert that states came at least once and actions at most once; gives how many there were of each."""
    minions = {minion.id: minion for site in sites for minion in site.minions.values()}
    packages = {minion_id: minion.packages() for minion_id, minion in minions.items()}
    performed = {
        minion_id: collections.Counter(minion.run("cat", PERFORMED).splitlines())
        for minion_id, minion in minions.items()
    }
    counts = collections.Counter()
    for request, number in asked.items():
        for item in sites[0].show(request)["items"]:
            minion_id, outcome, name = item["minion"], item["outcome"], name_of(number)
            if item["kind"] == "action":
                times = performed[minion_id][name]
                assert times <= 1, f"{minion_id} did {name} {times} times"
                if outcome == "converged":
                    assert times == 1
                    counts["proven"] += 1
                else:
                    assert (outcome, item["text"]) == ("failed", UNKNOWN)
                    counts["unknown but done" if times else "unknown and not done"] += 1
            else:
                assert outcome == "converged", item
                assert "|t" in sites[0].stored_return(item["jid"], minion_id), "its evidence"
                if item["kind"] == "package":
                    assert packages[minion_id][name] == "1.0-1"
                counts["states"] += 1
    runs = sites[0].database.query("SELECT count(*) FROM approval.job WHERE fun = 'state.apply' AND NOT claimed")
    return {
        "states_proven": counts["states"],
        "state_runs_sent": runs,
        "actions_proven": counts["proven"],
        "actions_failed_as_unknown": counts["unknown and not done"] + counts["unknown but done"],
        "of_these_done": counts["unknown but done"],
        "actions_done_twice": 0,
    }
