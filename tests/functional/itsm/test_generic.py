"""A system that cannot be asked: the signed body is the ticket, and what it says is asserted at most."""

import json

import pytest

TICKET = {
    "event": "asked",
    "ticket": {"id": "4711", "title": "Install hello"},
    "type": "package",
    "requester": "alice",
    "minions": ["web1"],
    "packages": [{"name": "hello", "version": "2.10-3"}],
}
APPROVED = {
    **TICKET,
    "event": "approved",
    "decisions": [{"key": "1", "decision": "approve", "by": "bob", "at": "2026-11-25T22:00:00+00:00"}],
}


@pytest.fixture
def approved_by(approved):
    """A function that has packages approved at one stage of this least assurance."""

    def put(least):
        stage = {"name": "release", "min_assurance": least, "any_of": [{"group": "managers", "quorum": 1}]}
        kind = {"name": "package", "kind": "package", "requesters": ["*"], "chain": [stage]}
        approved.execute("SELECT approval.put_request_type(%s::jsonb)", (json.dumps(kind),))

    return put


@pytest.fixture
def deliver(approved, approved_by, settings_of):
    """A function that has the worker take a delivery; gives the note of it."""
    from saltext.approval.engine.workers import tickets
    from saltext.approval.settings import Settings

    approved.execute("SELECT approval.put_speaker('itsm', 'generic-desk', 'authenticated')")
    for name in ("alice", "bob"):
        approved.execute("SELECT approval.put_identity('generic-desk', %s, %s)", (name, name))
    approved_by("authenticated")
    site = {"kind": "generic", "types": {"package": {"request_type": "package"}}}
    worker = tickets.worker(Settings({"approval": {"itsm": {**settings_of("itsm"), "sites": {"desk": site}}}}))
    keys = []

    def take(body):
        keys.append(f"test/{len(keys)}")
        content = json.dumps({"way": "webhook", "body": json.dumps(body)})
        arguments = ("generic-desk", keys[-1], body["ticket"]["id"], content)
        approved.execute("SELECT approval.receive_delivery(%s, %s, %s, %s::jsonb)", arguments, login="itsm")
        worker.round()
        ((note,),) = approved.execute("SELECT note FROM approval.ticket_delivery WHERE key = %s", (keys[-1],))
        return note

    yield take
    worker.close()


@pytest.fixture
def requests(approved):
    """A function that gives (external_ref, state) of each request."""
    return lambda: approved.execute("SELECT external_ref, state FROM approval.request ORDER BY request_id")


def test_its_decisions_are_asserted(deliver, requests, approved_by, approved):
    assert deliver(APPROVED).startswith("request 1: new; approve of bob does not count: ")
    assert requests() == [("4711#1", "pending")]
    approved_by("asserted")
    other = {**APPROVED, "ticket": {"id": "4712", "title": "Install hello"}}
    assert deliver(other) == "request 2: new; approve of bob counts"
    assert requests()[1] == ("4712#1", "approved")
    assert approved.execute("SELECT assurance FROM approval.decision") == [("asserted",)]


def test_another_content_amends(deliver, approved):
    deliver(TICKET)
    assert deliver({**TICKET, "packages": [{"name": "hello", "version": "9.9"}]}) == "request 1: amended"
    assert approved.execute("SELECT content FROM approval.current_item") == [("9.9",)]


def test_a_ticket_that_was_deleted_holds(deliver, requests, approved):
    deliver(TICKET)
    assert deliver({**TICKET, "event": "deleted"}) == "the ticket was deleted; held: request 1"
    assert approved.execute("SELECT cause FROM approval.ticket_hold") == [("gone",)]
    assert approved.execute("SELECT kind FROM approval.alarm_signal") == [("ticket-gone",)]


def test_what_cannot_be_understood_is_noted(deliver, requests):
    assert deliver({**TICKET, "minions": ["web*"]}).startswith("refused: ")
    assert requests() == []
