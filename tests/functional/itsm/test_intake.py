"""What tickets say becomes requests, decisions and holds; nothing that is not proven there does."""

import pytest


def test_a_ticket_asks(office):
    ticket = office.ticket(("web1", "web2"))
    (note,) = office.work(ticket)
    assert note == "request 1: new"
    assert office.requests() == [(f"{ticket.id}#1", "pending")]
    assert office.items() == [("web1", "hello", "2.10-3"), ("web2", "hello", "2.10-3")]
    assert office.work(ticket) == ["request 1: same"]


def test_acceptance_14_a_mapped_person_approves_with_proof(office):
    ticket = office.ticket()
    entry = office.jira.transition(ticket, "Approve")
    (note,) = office.work(ticket)
    angel = office.jira.angel.account_id
    assert note == f"request 1: new; approve of {angel} counts"
    assert office.requests() == [(f"{ticket.id}#1", "approved")]
    assert office.decisions() == [("bob", "approve", "authenticated", f"jira-acme:{angel}")]
    ((proof,),) = office.database.execute("SELECT proof FROM approval.decision_proof")
    assert (proof["key"], proof["ticket"], proof["by"]) == (entry.id, ticket.id, angel)
    assert set(proof) == {"key", "ticket", "by", "at", "digest"}
    # Read again, it is the same decision.
    assert office.work(ticket) == ["request 1: same"]
    assert len(office.decisions()) == 1


def test_acceptance_14_a_stage_that_wants_signatures(office):
    office.database.execute(
        "UPDATE approval.request_type_stage SET min_assurance = 'signed' WHERE type_name = 'package'"
    )
    ticket = office.ticket()
    office.jira.transition(ticket, "Approve")
    (note,) = office.work(ticket)
    assert "does not count" in note
    assert office.requests() == [(f"{ticket.id}#1", "pending")]


@pytest.mark.parametrize("stages", [1])
def test_acceptance_08_events_in_another_order(office, stages):
    ticket = office.ticket()
    office.jira.transition(ticket, "Approve")
    office.work(ticket)
    for _ in range(3):
        assert office.work(ticket) == ["request 1: same"]
    assert len(office.requests()) == len(office.decisions()) == 1
