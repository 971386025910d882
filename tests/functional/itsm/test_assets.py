"""Tickets that refer to objects of Assets: what stands there counts, and an edit of an object as one of the ticket."""

import pytest

from saltext.approval.itsm import jira_client

PACKAGES = "customfield_10201"
MINIONS = "customfield_10102"
TYPE = "Linux Package Management Request"


@pytest.fixture
def stock(office, jira, monkeypatch):
    """The office, whose tickets name packages by objects of Assets."""
    monkeypatch.setattr(jira_client, "GATEWAY", jira.url)
    jira.add_field(PACKAGES, "Packages", "assets")
    types = {TYPE: {"request_type": "package", "minions": MINIONS, "packages": {"assets": PACKAGES}}}
    assets = {"workspace": jira.workspace_id, "package": "Name", "version": "Version"}
    office.restart(projects={jira.project: {"types": types}}, assets=assets)
    yield office
    office.desk._system.client.assets.close()


@pytest.fixture
def hello(jira):
    return jira.asset(Name="hello", Version="2.10-3")


def ticket_of(stock, *objects):
    ticket = stock.jira.create(fields={MINIONS: ["web1"], PACKAGES: list(objects)}, status="Open")
    stock.jira.transition(ticket, "Request approval", by=ticket.creator)
    return ticket


def tell(stock, ticket, now):
    """Note that the ticket was told what it asks for now, as our comment is."""
    system = stock.desk._system
    digest = system.ticket(system.fetch(ticket.id)).digest
    arguments = (stock.provider, ticket.id, 1, now(), digest)
    stock.database.execute("SELECT approval.bind_ticket(%s, %s, %s, %s, %s)", arguments, login="itsm")


def test_what_the_object_says_is_asked_for(stock, hello):
    ticket = ticket_of(stock, hello)
    assert stock.work(ticket) == ["request 1: new"]
    assert stock.items() == [("web1", "hello", "2.10-3")]
    assert stock.work(ticket) == ["request 1: same"]


def test_an_approval_before_it_was_told_what_the_object_says_is_none(stock, hello):
    # The history of a ticket does not tell whether the object was another one when people decided.
    ticket = ticket_of(stock, hello)
    stock.jira.transition(ticket, "Approve")
    (note,) = stock.work(ticket)
    assert "does not count: it was decided in ticket" in note
    assert stock.decisions() == []


def test_an_object_that_is_edited_while_it_waits(stock, hello, now):
    ticket = ticket_of(stock, hello)
    stock.work(ticket)
    tell(stock, ticket, now)
    hello.attributes["Version"] = ["9.9"]
    stock.jira.transition(ticket, "Approve")
    (note,) = stock.work(ticket)
    assert note.startswith("request 1: amended; approve of ")
    assert stock.items() == [("web1", "hello", "9.9")]
    assert stock.decisions() == []


def test_an_object_that_is_edited_after_the_approval(stock, hello, now):
    ticket = ticket_of(stock, hello)
    stock.work(ticket)
    tell(stock, ticket, now)
    stock.jira.transition(ticket, "Approve")
    (note,) = stock.work(ticket)
    assert note.endswith(" counts")
    assert [assurance for _, _, assurance, _ in stock.decisions()] == ["authenticated"]
    hello.attributes["Version"] = ["9.9"]
    # Nothing tells of it: the tickets of open requests are looked at again.
    assert set(stock.poll()) == {"request 1: held, since it was changed after it was approved"}
    assert stock.items() == [("web1", "hello", "2.10-3")]
    assert [request for request, _, _ in stock.holds()] == [1]
    hello.attributes["Version"] = ["2.10-3"]
    stock.work(ticket)
    assert stock.holds() == []


def test_an_object_that_was_deleted_is_told(stock, hello, jira):
    ticket = ticket_of(stock, hello)
    del jira.assets[hello.id]
    (note,) = stock.work(ticket)
    assert note.startswith(f"refused: {PACKAGES}: there is no object {hello.id} of Assets")
    ((_, reason, _),) = stock.refusals(ticket)
    assert "there is no object" in reason
    assert stock.requests() == []


def test_without_a_licence_the_ticket_waits(stock, hello, jira):
    ticket = ticket_of(stock, hello)
    jira.has_assets = False
    assert stock.work(ticket) == []
    assert stock.refusals(ticket) == []
    ((_, state, _, note),) = stock.deliveries()
    assert state == "waiting"
    assert "we may not do that there" in note
    jira.has_assets = True
    stock.come_back()
    assert stock.work() == ["request 1: new"]
