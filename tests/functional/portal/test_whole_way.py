"""From a Jira over HTTP to requests: what it sends is proven, kept, worked off by reading the ticket, and answered."""

import contextlib
import json
import random
import threading
import time

import pytest
from standins import acme
from standins.automation import Automation
from standins.jira import JiraStandIn

from saltext.approval.engine.workers import tickets as worker_of_tickets
from saltext.approval.settings import Settings

TOKEN = "the token of the rules"  # noqa: S105
MINIONS, PACKAGE = "customfield_10102", "customfield_10104"
TICKETS = 12


@pytest.fixture
def jira():
    with JiraStandIn(seed=1) as site:
        yield site


@pytest.fixture
def site(jira, approved, tmp_path):
    """The settings of the site ``acme``, whose Zoë and Ángel are alice and bob; packages are approved by bob there."""
    approved.execute("SELECT approval.put_speaker('itsm', 'jira-acme', 'authenticated')")
    for person, name in ((jira.zoe, "alice"), (jira.angel, "bob")):
        approved.execute("SELECT approval.put_identity('jira-acme', %s, %s)", (person.account_id, name))
    stage = {"name": "release", "min_assurance": "authenticated", "any_of": [{"group": "managers", "quorum": 1}]}
    kind = {"name": "package", "title": "Packages", "kind": "package", "requesters": ["*"], "chain": [stage]}
    approved.execute("SELECT approval.put_request_type(%s::jsonb)", (json.dumps(kind),))
    return acme.jira_settings(jira, tmp_path, route_token_file=acme.secret_file(tmp_path, "acme.route", TOKEN))


@pytest.fixture
def service(start, settings_of, site):
    """The web service with that site."""
    return start({"workers": 2}, itsm={**settings_of("itsm"), "sites": {"acme": site}})


@pytest.fixture
def working(settings_of, site):
    """A worker that runs in a thread."""
    part = {**settings_of("itsm"), "sites": {"acme": site}}
    worker = worker_of_tickets.worker(Settings({"approval": {"itsm": part}}))
    ending = threading.Event()

    def run():
        while not ending.wait(0.02):
            worker.round()

    thread = threading.Thread(target=run)
    thread.start()
    yield worker
    ending.set()
    thread.join()
    worker.close()


@pytest.fixture
def ticket(jira):
    """A function that gives a new ticket of Zoë's which waits for approval."""

    def make(minions=("web1",), package=("hello", "2.10-3")):
        made = jira.create(fields={MINIONS: list(minions), PACKAGE: package}, status="Open", by=jira.zoe)
        jira.transition(made, "Request approval", by=jira.zoe)
        return made

    return make


def requests(database):
    return database.execute("SELECT external_ref, state FROM approval.request ORDER BY request_id")


def test_a_ticket_that_is_approved_there_is_approved_here(jira, service, working, ticket, approved, until):
    jira.subscribe(f"http://127.0.0.1:{service.port}/itsm/acme/webhook", acme.WEBHOOK_SECRET)
    made = ticket()
    assert {status for delivery in jira.deliver() for status in delivery.statuses} <= {200, 202}
    until(lambda: requests(approved) == [(f"{made.id}#1", "pending")])
    jira.transition(made, "Approve", by=jira.angel)
    jira.deliver()
    until(lambda: requests(approved) == [(f"{made.id}#1", "approved")])
    assert approved.execute("SELECT provider, subject, assurance FROM approval.decision") == [
        ("jira-acme", jira.angel.account_id, "authenticated")
    ]


def test_a_webhook_with_another_secret_changes_nothing(jira, service, working, ticket, approved):
    jira.subscribe(f"http://127.0.0.1:{service.port}/itsm/acme/webhook", "another secret of webhooks")
    ticket()
    assert {status for delivery in jira.deliver() for status in delivery.statuses} == {401}
    # A poll may have found the ticket meanwhile.
    came = "SELECT count(*) FROM approval.ticket_delivery WHERE content ->> 'way' <> 'poll'"
    assert approved.execute(came) == [(0,)]


def test_acceptance_24_a_rule_of_saltconf21_installs(jira, service, working, ticket, approved):
    rules = Automation(jira, f"http://127.0.0.1:{service.port}/itsm/acme", TOKEN)
    made = ticket()
    jira.transition(made, "Approve", by=jira.angel)
    (run,) = rules.run()
    assert (run.route, run.status, made.status) == ("install", 200, "Sending to Integration")
    assert [ref for ref, _ in requests(approved)] == [f"{made.id}#1"]


def test_acceptance_24_a_rule_without_the_token_fails_its_ticket(jira, service, working, ticket, approved):
    made = ticket()
    rules = Automation(jira, f"http://127.0.0.1:{service.port}/itsm/acme", None)
    jira.transition(made, "Approve", by=jira.angel)
    (run,) = rules.run()
    assert (run.status, made.status) == (401, "Failed")
    assert requests(approved) == []


def test_acceptance_24_a_rule_for_what_there_is_not(jira, service, working, ticket, approved, until):
    """No such minion: found when the ticket is read."""
    made = ticket(minions=("no-such-minion",))
    rules = Automation(jira, f"http://127.0.0.1:{service.port}/itsm/acme", TOKEN)
    jira.transition(made, "Approve", by=jira.angel)
    # The worker is first with what the rule does after 400.
    with contextlib.suppress(ValueError):
        rules.run()
    until(lambda: made.status == "Failed")
    # 200: this machine was busy for two seconds.
    assert [line["status"] for line in until(lambda: service.said("request"))] in ([400], [200])
    assert requests(approved) == []


def test_acceptance_03_many_tickets_and_many_kills(jira, service, working, ticket, approved, until):
    """Jira sends again what was not answered; processes of the service are killed meanwhile, the worker goes on."""
    jira.lies.duplicate_webhook = TICKETS
    jira.subscribe(f"http://127.0.0.1:{service.port}/itsm/acme/webhook", acme.WEBHOOK_SECRET)
    killing, kills = threading.Event(), []

    def kill():
        chance = random.Random(3)
        while not killing.wait(chance.uniform(0.05, 0.4)):
            for process in service.workers()[:1]:
                service.kill(process)
                kills.append(process)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        made = [ticket() for _ in range(TICKETS)]
        deadline = time.monotonic() + 60
        while not (sent := [one for one in jira.hooks.deliveries if one.is_over]) or len(sent) < len(
            jira.hooks.deliveries
        ):
            jira.deliver()
            assert time.monotonic() < deadline
    finally:
        killing.set()
        thread.join()
    # Each ticket has several events, each delivery five attempts more: none is lost by all of them.
    until(lambda: sorted(ref for ref, _ in requests(approved)) == sorted(f"{one.id}#1" for one in made))
    assert kills
    assert not service.said("a request failed")
