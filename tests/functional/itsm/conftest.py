"""A site of tickets with its worker on a database: alice, bob and carol are Zoë, Ángel and Carl there."""

import datetime
import math

import pytest
from standins import acme
from standins.jira import JiraStandIn

MINIONS, PACKAGE, AFTER = "customfield_10102", "customfield_10104", "customfield_10106"
# The packages are approved at one stage by carol or bob, to whom their own names at the site suffice.
TICKETS_TYPE = """{"name": "package", "title": "Packages", "kind": "package", "requesters": ["*"], "chain": [
    {"name": "release", "min_assurance": "%s", "any_of": [{"group": "managers", "quorum": 1}]}]}"""


class Office:
    """What tests do with the site ``jira-acme``, its tickets and its worker."""

    provider = "jira-acme"

    def __init__(self, jira, database, worker):
        self.jira, self.database, self.worker = jira, database, worker
        self.sent = 0
        self._desk = worker._desks[0]
        self._desk._poll_at = math.inf

    def poll(self):
        """Have the site asked which tickets changed, and do what follows; gives the notes of it."""
        self._desk._poll_at = 0.0
        return self.work()

    def ticket(self, minions=("web1",), package=("hello", "2.10-3"), **more):
        """A new ticket that waits for approval."""
        fields = {MINIONS: list(minions), PACKAGE: package, **more.pop("fields", {})}
        return self.jira.create(fields=fields, **more)

    def send(self, ticket, **content):
        """Have a delivery about a ticket come in."""
        self.sent += 1
        self.database.execute(
            "SELECT approval.receive_delivery(%s, %s, %s, %s::jsonb)",
            (self.provider, f"test/{self.sent}", ticket.id, '{"way": "webhook"}'),
            login="itsm",
        )

    def work(self, *tickets):
        """Have deliveries about these tickets come in, and do all that is due; gives the notes of what was done."""
        for ticket in tickets:
            self.send(ticket)
        before = self.notes()
        while self.worker.round() == 0.0:
            pass
        return self.notes()[len(before) :]

    def notes(self):
        """What came of each delivery that is done."""
        query = "SELECT note FROM approval.ticket_delivery WHERE state = 'done' ORDER BY settled_at, delivery_no"
        return [note for (note,) in self.database.execute(query)]

    def deliveries(self):
        """(ticket, state, attempts, note) of each delivery."""
        query = "SELECT ticket, state, attempts, note FROM approval.ticket_delivery ORDER BY delivery_no"
        return self.database.execute(query)

    def requests(self):
        """(external_ref, state) of each request."""
        return self.database.execute("SELECT external_ref, state FROM approval.request ORDER BY request_id")

    def items(self, number=None):
        """(minion, name, value) of what the newest request asks for now."""
        query = """
            SELECT i.minion_id, i.name, i.value #>> '{}' FROM approval.current_item AS i
            WHERE i.request_id = coalesce(%s, (SELECT max(request_id) FROM approval.request)) ORDER BY 1, 2"""
        return self.database.execute(query, (number,))

    def decisions(self):
        """(who, decision, assurance, as whom) of each decision that is not void."""
        query = """
            SELECT p.name, d.decision, d.assurance, d.provider || ':' || d.subject
            FROM approval.decision AS d JOIN approval.principal AS p ON p.principal_id = d.principal_id
            ORDER BY d.decided_at"""
        return self.database.execute(query)

    def holds(self):
        """(request, cause, reason) of what is held."""
        return self.database.execute("SELECT request_id, cause, reason FROM approval.ticket_hold ORDER BY 1")

    def said(self, ticket):
        """The texts of our comments on a ticket."""
        return [_text(comment.body) for comment in ticket.comments if comment.author is self.jira.bot]


def _text(body):
    if isinstance(body, str):
        return body
    if body["type"] == "text":
        return body["text"]
    inner = "".join(map(_text, body.get("content", ())))
    return inner + "\n" if body["type"] == "paragraph" else inner


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
    approved.execute("SELECT approval.put_request_type(%s::jsonb)", (TICKETS_TYPE % "authenticated",))
    return carl


@pytest.fixture
def office(approved, jira, known_people, settings_of, tmp_path):
    """The Office of a site."""
    from saltext.approval.engine.workers import tickets
    from saltext.approval.settings import Settings

    site = acme.jira_settings(jira, tmp_path)
    settings = Settings({"approval": {"itsm": {**settings_of("itsm"), "sites": {"acme": site}}}})
    worker = tickets.worker(settings)
    yield Office(jira, approved, worker)
    worker.close()


@pytest.fixture
def now():
    """A function that gives the time."""
    return lambda: datetime.datetime.now(datetime.timezone.utc)
