"""Each recorded delivery over HTTP, to where the worker has done with it: requests are of those that ask for something.

The sites cannot be asked here, so what was delivered is all that there is of a ticket.
"""

import base64
import hashlib
import hmac
import json
import pathlib
import threading
import time

import pytest
import yaml

from saltext.approval.engine.workers import tickets as worker_of_tickets
from saltext.approval.itsm.automation import NO_JSON
from saltext.approval.settings import Settings

ROOT = pathlib.Path(__file__).resolve().parents[3]
CASES = ROOT / "tests/cases/webhooks"
INDEX = json.loads((CASES / "index.json").read_text(encoding="utf-8"))["files"]
PROVIDERS = {"sc21": "jira-sc21", "dc": "jira-dc", "dev": "sn-dev"}
ZOE = {
    "jira-sc21": "712020:11111111-1111-4111-8111-111111111111",
    "jira-dc": "JIRAUSER10300",
    "sn-dev": "5137153cc611227c000bbd1bd8cd2005",
}


@pytest.fixture
def sites(site_files):
    """The sites of the example, and one of Data Center; what they ask with is taken away."""
    example = yaml.safe_load((ROOT / "docs/examples/itsm-sc21.yaml").read_text(encoding="utf-8"))
    found = example["approval"]["itsm"]["sites"]
    found["dc"] = {**found["sc21"], "api": "datacenter"}
    for site in found.values():
        del site["auth"]
        site["webhook_secrets"] = [{"file": str(site_files["webhook"])}]
        if "route_token_file" in site:
            site["route_token_file"] = str(site_files["route"])
    return found


@pytest.fixture
def people(approved):
    """Lets the login speak for these sites, and makes Zoë alice, and both minions known."""
    for provider, subject in ZOE.items():
        approved.execute("SELECT approval.put_speaker('itsm', %s, 'authenticated')", (provider,))
        approved.execute("SELECT approval.put_identity(%s, %s, 'alice')", (provider, subject))
    approved.execute("SELECT approval.put_minions(%s)", (["heldout-m1", "heldout-m2"],), login="operator")


@pytest.fixture
def work(settings_of, sites):
    """A function that works off all that came in."""
    worker = worker_of_tickets.worker(Settings({"approval": {"itsm": {**settings_of("itsm"), "sites": sites}}}))

    def until_done():
        while worker.round() == 0.0:
            pass

    yield until_done
    worker.close()


@pytest.fixture
def send(start, people, site_files):
    """A function that sends a file as its system does; gives (status, the answer)."""
    service = start()
    secret = site_files["webhook"].read_text().strip().encode()
    token = site_files["route"].read_text().strip()

    def deliver(name):
        body = (CASES / name).read_bytes()
        headers = {key: text for key, text in INDEX[name]["headers"].items() if key != "Authorization"}
        if "automation" in name:
            route = "revert" if "revert" in name else "install"
            path, headers["Authorization"] = f"sc21/{route}", f"Bearer {token}"
        elif name.startswith("servicenow"):
            at = str(int(time.time()))
            mac = hmac.new(secret, f"v1.{at}.".encode() + body, hashlib.sha256).digest()
            headers |= {"X-Approval-Timestamp": at, "X-Approval-Signature": "v1=" + base64.b64encode(mac).decode()}
            path = "dev/webhook"
        else:
            headers["X-Hub-Signature"] = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
            path = "dc/webhook" if "server" in name else "sc21/webhook"
        status, _, answer = service.ask("POST", f"/itsm/{path}", body, headers)
        return status, json.loads(answer)

    return deliver


def requests(database):
    return database.execute("SELECT source, type_name, state FROM approval.request ORDER BY 1")


def test_what_is_to_be_refused_or_ignored_makes_no_request(send, work, approved):
    for name in (name for name, case in INDEX.items() if case["expect"] != "accept"):
        status, answer = send(name)
        if "automation" in name:
            assert (status, answer["success"], "Expected" in answer["error"]) == (400, False, True), name
            assert answer["error"] != NO_JSON, name
        elif name in ("bad_deep_nesting.json", "bad_empty_body.json"):
            assert status == 400, name
        else:
            # The body is a hint, so it is taken; the worker looks at the ticket.
            assert status in (200, 202), name
        work()
        assert requests(approved) == [], name
    assert approved.execute("SELECT count(*) FROM approval.ticket_delivery WHERE state <> 'done'") == [(0,)]


def test_what_asks_for_something_makes_the_request(send, work, approved):
    asking = [name for name, case in INDEX.items() if case["expect"] == "accept"]
    for name in (name for name in asking if "automation" not in name):
        assert send(name)[0] == 202, name
        assert send(name) == (200, {"status": "known"}), name
    work()
    assert requests(approved) == [(provider, "package", "pending") for provider in sorted(PROVIDERS.values())]
    assert approved.execute("SELECT DISTINCT minion_id, name, content FROM approval.current_item ORDER BY 1, 2") == [
        (minion, *item) for minion in ("heldout-m1", "heldout-m2") for item in (("cowsay", None), ("hello", "2.10-3"))
    ]


def test_rules_are_answered_before_their_tickets_are_read(send):
    for name in (name for name, case in INDEX.items() if case["expect"] == "accept" and "automation" in name):
        assert send(name) == (200, {"success": True, "state": "queued"}), name


def test_whatever_its_rule_says_a_ticket_that_cannot_be_read_asks_for_nothing(send, work, approved):
    ending = threading.Event()

    def keep_working():
        while not ending.wait(0.02):
            work()

    thread = threading.Thread(target=keep_working)
    thread.start()
    try:
        assert send("automation_install.json") == (400, {"success": False, "error": "Invalid parameters."})
    finally:
        ending.set()
        thread.join()
    assert requests(approved) == []
