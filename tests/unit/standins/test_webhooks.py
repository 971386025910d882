"""Webhooks of the stand-in of Jira: what is signed, what is sent again, and what never is."""

import json

import pytest
from standins.jira_site import REBOOT
from standins.webhooks import sign
from standins.wire import Reply, StandIn, route

SECRET = "It's a Secret to Everybody"  # noqa: S105


class Receiver(StandIn):
    """Answers each delivery with the next of these statuses, then with 202; notes the raw bytes."""

    def __init__(self):
        super().__init__()
        self.statuses = []
        self.taken = []

    @route("POST", "/jira")
    def take(self, request):
        self.taken.append((request.headers, request.body))
        return Reply(self.statuses.pop(0) if self.statuses else 202)

    @property
    def events(self):
        return [json.loads(body) for _, body in self.taken]


@pytest.fixture
def receiver():
    with Receiver() as server:
        yield server


@pytest.fixture
def told(jira, receiver):
    """The site, which tells the receiver of what happens when deliver() is called."""
    jira.subscribe(receiver.url + "/jira", SECRET)
    return jira


def test_the_signature_is_that_of_the_published_example():
    assert sign(b"Hello World!", SECRET) == "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"


def test_a_change_is_told_with_its_changelog_and_signed_over_the_raw_bytes(told, receiver):
    issue = told.create(fields={"customfield_10104": ("hello", "2.10-3")})
    told.transition(issue.key, "Approve")
    told.deliver()
    (_, created), (headers, body) = receiver.taken
    assert json.loads(created)["webhookEvent"] == "jira:issue_created"
    assert "changelog" not in json.loads(created)
    assert headers["X-Hub-Signature"] == sign(body, SECRET)
    assert len(headers["X-Atlassian-Webhook-Identifier"]) == 36
    assert "X-Atlassian-Webhook-Retry" not in headers
    event = json.loads(body)
    assert event["user"]["accountId"] == told.angel.account_id
    assert event["issue"]["fields"]["customfield_10104"]["child"]["value"] == "2.10-3"
    (item,) = event["changelog"]["items"]
    assert (item["fieldId"], item["fromString"]) == ("status", "Waiting for Approval")
    assert event["timestamp"] > 1_700_000_000_000
    assert "Ángel".encode() in body


def test_an_event_shows_the_issue_as_it_was(told, receiver):
    issue = told.create(REBOOT, {"customfield_10101": ["web1"]})
    told.edit(issue.key, {"customfield_10101": ["web2"]})
    told.delete(issue.key)
    told.deliver()
    minions = [event["issue"]["fields"]["customfield_10101"][0]["value"] for event in receiver.events]
    assert minions == ["web1", "web2", "web2"]
    assert receiver.events[2]["webhookEvent"] == "jira:issue_deleted"


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503])
def test_these_answers_have_it_sent_again_with_the_same_identifier(told, receiver, status):
    told.create()
    receiver.statuses = [status]
    told.deliver()
    told.deliver()
    told.deliver()
    (first, body), (second, again) = receiver.taken
    assert first["X-Atlassian-Webhook-Identifier"] == second["X-Atlassian-Webhook-Identifier"]
    assert (second["X-Atlassian-Webhook-Retry"], body) == ("1", again)


@pytest.mark.parametrize("status", [200, 202, 301, 400, 401, 404, 413])
def test_these_answers_end_it(told, receiver, status):
    told.create()
    receiver.statuses = [status]
    told.deliver()
    assert told.deliver() == []
    assert len(receiver.taken) == 1


def test_it_is_sent_again_five_times_and_then_lost(told, receiver):
    told.create()
    receiver.statuses = [503] * 9
    for _ in range(8):
        told.deliver()
    assert len(receiver.taken) == 6
    assert told.hooks.deliveries[0].statuses == [503] * 6


def test_a_connection_that_fails_has_it_sent_again(told, receiver):
    told.create()
    receiver.lies.cut_before = 1
    (delivery,) = told.deliver()
    assert delivery.statuses == [None]
    told.deliver()
    assert delivery.statuses == [None, 202]


def test_events_are_lost_doubled_and_shuffled(told, receiver):
    told.lies.lose_webhook = 1
    told.lies.duplicate_webhook = 1
    told.lies.shuffle_webhooks = True
    made = [told.create().id for _ in range(9)]
    told.deliver()
    seen = [event["issue"]["id"] for event in receiver.events]
    assert sorted(seen) == sorted([made[1], *made[1:]])
    assert seen != sorted(seen)
    same = [headers["X-Atlassian-Webhook-Identifier"] for headers, body in receiver.taken if made[1].encode() in body]
    assert len(set(same)) == 1


def test_what_is_too_large_is_dropped(told, receiver):
    told.create(fields={"customfield_10107": "x" * (26 << 20)})
    assert told.deliver() == []


def test_without_a_secret_nothing_is_signed(jira, receiver):
    jira.create()
    jira.deliver(receiver.url + "/jira")
    ((headers, _),) = receiver.taken
    assert "X-Hub-Signature" not in headers


def test_a_webhook_can_serve_itself(jira, receiver):
    jira.subscribe(receiver.url + "/jira", SECRET, retry_s=0.01)
    receiver.statuses = [503, 503]
    jira.create()
    receiver.wait_for(lambda: len(receiver.taken) == 3)


def test_data_center_knows_no_identifier_and_sends_nothing_again(data_center, receiver):
    data_center.subscribe(receiver.url + "/jira", SECRET)
    issue = data_center.create()
    data_center.transition(issue.key, "Approve")
    receiver.statuses = [503]
    assert len(data_center.deliver()) == 2
    assert data_center.deliver() == []
    headers, body = receiver.taken[1]
    assert headers["X-Hub-Signature"] == sign(body, SECRET)
    assert not [name for name in headers if name.startswith("X-Atlassian-Webhook")]
    event = json.loads(body)
    assert event["user"].keys() >= {"name", "key", "emailAddress"}
    assert "accountId" not in event["user"]
    assert "fieldId" not in event["changelog"]["items"][0]
