"""A site of tickets with its worker on a database: alice, bob and carol are Zoë, Ángel and Carl there."""

import datetime
import json
import math

import pytest
from standins import acme
from standins.jira import JiraStandIn

MINIONS, PACKAGE, AFTER = "customfield_10102", "customfield_10104", "customfield_10106"


class Office:
    """What tests do with a site, its tickets and its worker."""

    provider = "jira-acme"

    def __init__(self, jira, database, site, make):
        self.jira, self.database, self.site, self._make = jira, database, site, make
        self.sent = 0
        self.worker = self.desk = None
        self.restart()

    def restart(self, **changes):
        """The worker anew, with these changes of the site's settings."""
        if self.worker is not None:
            self.worker.close()
        self.site = {**self.site, **changes}
        self.worker = self._make(self.site)
        (self.desk,) = self.worker._desks
        self.desk._poll_at = math.inf

    def know(self, person, name):
        """Make somebody at the site known as one of our people, who had another account there."""
        self.database.execute(
            "DELETE FROM approval.identity WHERE provider = %s AND principal_id = "
            "(SELECT principal_id FROM approval.principal WHERE name = %s)",
            (self.provider, name),
        )
        self.database.execute("SELECT approval.put_identity(%s, %s, %s)", (self.provider, person.account_id, name))

    def stage(self, least):
        """Have packages approved at one stage, of this least assurance."""
        self.stages({"name": "release", "min_assurance": least, "any_of": [{"group": "managers", "quorum": 1}]})

    def stages(self, *stages):
        """Have packages approved by these stages."""
        kind = {"name": "package", "title": "Packages", "kind": "package", "requesters": ["*"], "chain": stages}
        self.database.execute("SELECT approval.put_request_type(%s::jsonb)", (json.dumps(kind),))

    def ticket(self, minions=("web1",), package=("hello", "2.10-3"), **more):
        """A new ticket that waits for approval."""
        fields = {MINIONS: list(minions), PACKAGE: package, **more.pop("fields", {})}
        ticket = self.jira.create(fields=fields, status="Open", **more)
        self.jira.transition(ticket, "Request approval", by=ticket.creator)
        return ticket

    def send(self, ticket, **content):
        """Have a delivery about a ticket come in."""
        self.sent += 1
        content = json.dumps({"way": "webhook", "body": "{}", **content})
        arguments = (self.provider, f"test/{self.sent}", ticket.id, content)
        self.database.execute("SELECT approval.receive_delivery(%s, %s, %s, %s::jsonb)", arguments, login="itsm")

    def work(self, *tickets):
        """Have deliveries about these tickets come in, and do all that is due; gives the notes of what was done."""
        for ticket in tickets:
            self.send(ticket)
        before = len(self.notes())
        while self.worker.round() == 0.0:
            pass
        return self.notes()[before:]

    def poll(self):
        """Have the site asked which tickets changed, and do what follows; gives the notes of it."""
        self.desk._poll_at = 0.0
        return self.work()

    def come_back(self):
        """Let the time pass that the site and deliveries wait for."""
        self.desk._away_until = self.desk._system.client.http._rests_until = 0.0
        self.database.execute("UPDATE approval.ticket_delivery SET due_at = '-infinity' WHERE state = 'waiting'")

    def end(self):
        """Let the newest request be rejected, and its ticket be told all that there is to tell."""
        ((number,),) = self.database.execute("SELECT max(request_id) FROM approval.request")
        self.database.execute("SELECT approval.decide('pg', 'carol', %s, 'reject', '', NULL)", (number,), login="carol")
        self.database.execute(
            "UPDATE approval.outbox SET state = 'delivered', delivered_at = now(), leased_until = NULL "
            "WHERE state = 'waiting'"
        )

    def notes(self):
        """What came of each delivery that is done."""
        query = "SELECT note FROM approval.ticket_delivery WHERE state = 'done' ORDER BY settled_at, delivery_no"
        return [note for (note,) in self.database.execute(query)]

    def deliveries(self):
        """(ticket, state, attempts, note) of each delivery."""
        return self.database.execute(
            "SELECT ticket, state, attempts, note FROM approval.ticket_delivery ORDER BY delivery_no"
        )

    def requests(self):
        """(external_ref, state) of each request."""
        return self.database.execute("SELECT external_ref, state FROM approval.request ORDER BY request_id")

    def items(self):
        """(minion, name, content) of what the newest request asks for now."""
        return self.database.execute(
            "SELECT minion_id, name, content FROM approval.current_item "
            "WHERE request_id = (SELECT max(request_id) FROM approval.request) ORDER BY 1, 2"
        )

    def decisions(self):
        """(who, decision, assurance, as whom) of each decision."""
        return self.database.execute(
            "SELECT p.name, d.decision, d.assurance, d.provider || ':' || d.subject FROM approval.decision AS d "
            "JOIN approval.principal AS p ON p.principal_id = d.principal_id ORDER BY d.decided_at"
        )

    def standing_votes(self):
        """How many decisions count for what requests ask for now."""
        ((count,),) = self.database.execute(
            "SELECT count(*) FROM approval.decision AS d JOIN approval.request AS r USING (request_id) "
            "WHERE d.item_set_version >= r.reviewed_version"
        )
        return count

    def holds(self):
        """(request, cause, reason) of what is held."""
        return self.database.execute("SELECT request_id, cause, reason FROM approval.ticket_hold ORDER BY 1")

    def alarms(self):
        """The kinds of what is to become an alarm."""
        return [kind for (kind,) in self.database.execute("SELECT kind FROM approval.alarm_signal ORDER BY signal_no")]

    def refusals(self, ticket):
        """(decider, reason, whether it ends the ticket) of each refusal that a ticket is to be told."""
        return self.database.execute(
            "SELECT body ->> 'decider', body ->> 'reason', (body ->> 'ends')::boolean FROM approval.outbox "
            "WHERE destination = %s AND thread = %s ORDER BY seq",
            (self.provider, f"ticket/{ticket.id}"),
        )


@pytest.fixture
def jira():
    with JiraStandIn(seed=1) as site:
        yield site


@pytest.fixture
def known_people(approved, jira):
    """Lets the login itsm speak for jira-acme, and makes people of the site known; gives the person Carl."""
    carl = jira.person("Carl Manager")
    people = {"alice": jira.zoe, "bob": jira.angel, "carol": carl}
    approved.execute("SELECT approval.put_speaker('itsm', 'jira-acme', 'authenticated')")
    for name, person in people.items():
        approved.execute("SELECT approval.put_identity('jira-acme', %s, %s)", (person.account_id, name))
    return carl


@pytest.fixture
def office(approved, jira, known_people, settings_of, tmp_path):
    """The Office of a site, where packages are approved by people that it knows."""
    from saltext.approval.engine.workers import tickets
    from saltext.approval.settings import Settings

    def make(site):
        part = {**settings_of("itsm"), "sites": {"acme": site}}
        return tickets.worker(Settings({"approval": {"itsm": part}}))

    opened = Office(jira, approved, acme.jira_settings(jira, tmp_path), make)
    opened.stage("authenticated")
    yield opened
    opened.worker.close()


@pytest.fixture
def delivered(jira):
    """A function that gives the body of the webhook of what happened last."""
    return lambda: json.dumps(jira.hooks._document(jira.events[-1]))


@pytest.fixture
def now():
    """A function that gives the time."""
    return lambda: datetime.datetime.now(datetime.timezone.utc)
