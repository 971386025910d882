"""Changes in ServiceNow ask, and are decided on by the rows of their approvers alone."""

import datetime
import math

import pytest
from standins import acme
from standins.servicenow import ServiceNowStandIn

PACKAGES = [{"name": "hello", "version": "2.10-3"}, {"name": "cowsay", "version": "absent"}]
FIELDS = {"short_description": "Install hello", "u_minions": "web1,web2", "u_packages": PACKAGES}


@pytest.fixture
def instance():
    with ServiceNowStandIn(seed=1) as site:
        yield site


@pytest.fixture
def work(approved, instance, settings_of, tmp_path):
    """A function that has the worker take what a change says now; gives the note of it."""
    from saltext.approval.engine.workers import tickets
    from saltext.approval.settings import Settings

    approved.execute("SELECT approval.put_speaker('itsm', 'sn-acme', 'authenticated')")
    for name, person in {"alice": instance.fred, "bob": instance.angel}.items():
        approved.execute("SELECT approval.put_identity('sn-acme', %s, %s)", (person.sys_id, name))
    approved.execute("""SELECT approval.put_request_type('{"name": "package", "kind": "package", "requesters": ["*"],
        "chain": [{"name": "release", "min_assurance": "authenticated", "any_of": [{"group": "managers"}]}]}')""")
    site = acme.servicenow_settings(instance, tmp_path)
    worker = tickets.worker(Settings({"approval": {"itsm": {**settings_of("itsm"), "sites": {"acme": site}}}}))
    (desk,) = worker._desks
    desk._poll_at = math.inf
    sent = []

    def take(change):
        sent.append(change)
        arguments = ("sn-acme", f"test/{len(sent)}", change["sys_id"])
        approved.execute('SELECT approval.receive_delivery(%s, %s, %s, \'{"way": "poll"}\')', arguments, login="itsm")
        worker.round()
        query = "SELECT note FROM approval.ticket_delivery WHERE key = %s AND state = 'done'"
        ((note,),) = approved.execute(query, (f"test/{len(sent)}",))
        return note

    yield take
    worker.close()


@pytest.fixture
def states(approved):
    """A function that gives the state of each request."""
    return lambda: [state for (state,) in approved.execute("SELECT state FROM approval.request ORDER BY request_id")]


def test_a_change_is_approved_by_its_approver(instance, approved, work, states):
    change = instance.create(fields=FIELDS)
    (row,) = instance.ask_approval(change, [instance.angel])
    assert work(change) == "request 1: new"
    instance.decide(row, instance.angel)
    assert work(change).endswith("counts")
    assert states() == ["approved"]
    ((key, assurance),) = approved.execute(
        "SELECT p.proof_key, d.assurance FROM approval.decision_proof AS p "
        "JOIN approval.decision AS d USING (request_id)"
    )
    assert (key, assurance) == (f"approval/{row['sys_id']}", "authenticated")


def test_a_change_that_is_seen_once_it_is_approved(instance, work, states):
    change = instance.create(fields=FIELDS)
    instance.clock = _later(instance, 5)
    (row,) = instance.ask_approval(change, [instance.angel])
    instance.decide(row, instance.angel)
    assert work(change).endswith("counts")
    assert states() == ["approved"]


def test_acceptance_23_other_rows_than_were_asked_for(instance, work, states):
    change, other = instance.create(fields=FIELDS), instance.create(fields=FIELDS)
    (row,) = instance.ask_approval(other, [instance.angel])
    instance.decide(row, instance.angel)
    instance.approve_without_rows(change)
    del instance.columns["sysapproval_approver"]["sysapproval"]
    assert work(change) == "request 1: new"
    assert states() == ["pending"]


def test_acceptance_23_an_approval_without_rows(instance, work, states):
    change = instance.create(fields=FIELDS)
    instance.approve_without_rows(change)
    assert work(change) == "request 1: new"
    assert states() == ["pending"]


def test_acceptance_23_a_delegate(instance, approved, work, states):
    change = instance.create(fields=FIELDS)
    (row,) = instance.ask_approval(change, [instance.angel])
    work(change)
    instance.decide(row, instance.bot)
    assert "who is not the approver" in work(change)
    assert states() == ["pending"]
    query = "SELECT body ->> 'decider' FROM approval.outbox WHERE destination = 'sn-acme' AND thread = %s"
    assert approved.execute(query, (f"ticket/{change['sys_id']}",)) == [("Ángel Approver",)]


def test_a_history_that_we_may_not_read_proves_nothing(instance, work, states):
    instance.closed.tables.add("sys_audit")
    change = instance.create(fields=FIELDS)
    (row,) = instance.ask_approval(change, [instance.angel])
    work(change)
    instance.decide(row, instance.angel)
    assert "does not count" in work(change)
    assert states() == ["pending"]


def test_a_change_that_is_rejected(instance, work, states):
    change = instance.create(fields=FIELDS)
    (row,) = instance.ask_approval(change, [instance.angel])
    work(change)
    instance.decide(row, instance.angel, "rejected")
    work(change)
    assert states() == ["rejected"]


def _later(instance, seconds):
    clock = instance.clock
    return lambda: clock() + datetime.timedelta(seconds=seconds)
