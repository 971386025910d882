"""The forms in which all systems of tickets are alike, and the one interface to them.

A system is a module beside this one (``jira``, ``servicenow``, ``generic``), named in SYSTEMS, with a class that
follows System, called SYSTEM there, and a function ``settings`` that sites.load() asks. Reading is pure: a document
that somebody sent, or that was fetched, goes in, and what it means comes out, without network or database.
"""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Protocol

from ..errors import ApprovalError, InputError

# The module of each system, which is imported when a site of that kind is used.
SYSTEMS = {kind: f"{__package__}.{kind}" for kind in ("jira", "servicenow", "generic")}
# The names of its sites begin with these where they are providers of identities, sources of requests and destinations
# of messages: site ``acme`` of kind jira is ``jira-acme`` there.
PREFIXES = {"jira": "jira", "servicenow": "sn", "generic": "generic"}
WAYS = ("webhook", "automation", "ticket")
# The stages of a site's workflow: what a ticket's status means (see Ticket.stage).
STAGES = ("asked", "approved", "declined", "revert-asked", "revert", "waiting", "done", "failed")
# Those in which a ticket asks for something: what it is to do, or to take it back.
ASKING = ("asked", "approved")
REVERTING = ("revert-asked", "revert")
# The states of a request whose end is still to come.
UNDER_WAY = ("pending", "approved")
ROUTES = ("install", "remove", "revert", "reboot", "sync")


class Ignored(Exception):
    """A document asks for nothing; the text says why, for people."""


class Deleted(Ignored):
    """A document says that its ticket was deleted."""


@dataclass(frozen=True)
class Ask:
    """
    All that a ticket asks for.

    type
        The request type.
    minions
        Their exact ids, each once, in the ticket's order.
    items
        What each of them is to have: (kind, name, value) as ``submit_request`` takes them, so a package's value is a
        version, ``latest`` or ``absent``, and an action's is canonical JSON. None: a revert has no items of its own.
    after
        When it takes effect, a datetime in UTC; None: at once.
    """

    type: str
    minions: tuple = ()
    items: tuple | None = None
    after: object = None


@dataclass(frozen=True)
class Person:
    """
    Somebody as the system knows them.

    subject
        The stable key there (never an address or a shown name), which is the subject of an identity.
    is_human
        Not an app, a customer without an account, or the system itself.
    name
        As the system shows them; None: it does not say. Two persons are the same by the key alone.
    """

    subject: str
    is_human: bool = field(default=True, compare=False)
    name: str | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Decision:
    """
    An approval or a refusal that stands in the ticket.

    key
        What tells it from others of this ticket: the id of a history entry, or of an approval's row.
    decision
        ``approve`` or ``reject``.
    by, at
        The Person, and when, a datetime in UTC.
    spoiled
        The bound fields that were changed with it or after it, or that the person changed, as texts for people; a
        decision with any decides nothing.
    about
        ``request``, or ``revert``: the decision to take it back.
    asked_at
        When the ticket came into the status in which it was decided on, a datetime in UTC; None: the document does
        not say.
    """

    key: str
    decision: str
    by: Person
    at: object
    spoiled: tuple = ()
    about: str = "request"
    asked_at: object = None


@dataclass(frozen=True)
class Edit:
    """
    A change of a bound field.

    field, by, at
        Its name; the Person; when, a datetime in UTC.
    """

    field: str
    by: Person | None
    at: object


@dataclass(frozen=True)
class Comment:
    """
    A comment of ours that stands on a ticket.

    id
        The system's own of it.
    text
        What it says, as far as the system gives that back; formatting may be lost.
    at
        When the system says that it was written, a datetime in UTC.
    """

    id: str
    text: str
    at: object


@dataclass(frozen=True)
class Page:
    """
    The page of a request, for a link to it.

    url, title
        Where it is, and what it is called.
    about, state
        What the request is about, and where it stands, in a few words each.
    is_over
        Whether it has come to its end.
    """

    url: str
    title: str
    about: str
    state: str
    is_over: bool


@dataclass(frozen=True)
class Ticket:
    """
    A ticket as it was fetched, or as far as a delivery shows it.

    id, key, url
        Its identity, which stays when it is moved; its key or number for people; its page. The id may be None in the
        body of a rule, which knows the key alone.
    title
        One line of its text.
    status
        Its status or state, by name.
    stage
        The stage of the site's workflow that this status means: ``asked`` (for a decision), ``approved``, ``declined``,
        the same of its revert, ``revert-asked`` and ``revert``, ``waiting`` (for minions), ``done``, ``failed``; None:
        it means nothing here.
    creator, on_behalf_of
        Persons; the second is None where it is the first.
    asker
        The Person who asked for taking it back; None: nobody did, or it is not known.
    editors
        Persons who changed a bound field.
    bound
        The bound fields as they stand, by name: strings, lists and mappings of these; what digest() is of.
    decisions, edits
        Those that stand in it, the oldest first.
    facts
        What ask() reads, as the system delivers it.
    is_elsewhere
        Whether a part of what it asks for stands outside of it, so that its history does not tell of changes there.
    """

    id: str | None
    key: str
    url: str | None
    title: str
    status: str
    stage: str | None
    creator: Person | None
    on_behalf_of: Person | None = None
    asker: Person | None = None
    editors: tuple = ()
    bound: dict = field(default_factory=dict)
    decisions: tuple = ()
    edits: tuple = ()
    facts: dict = field(default_factory=dict, repr=False)
    is_elsewhere: bool = False

    @property
    def digest(self):
        """sha256 of the bound fields, in hexadecimal digits: what a decision was made on."""
        written = json.dumps(self.bound, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
        return hashlib.sha256(written.encode("ascii")).hexdigest()


class System(Protocol):
    """
    One site of a kind, by its configuration (see sites.Site). Each method raises InputError for what cannot be
    meant, which names the part of the document and what would be right.
    """

    # To read: without network.

    def verify(self, headers, body, now):
        """
        Whether the delivery is of this site: gives a text that names the secret it was signed with where that is one
        to be retired, else None. Raises Unsigned: there is no signature, or none of the active secrets made it.
        """

    def delivery(self, headers, body):
        """(key, ticket id or key) of a delivery: its own key, by which a repeated one is found. Raises Ignored."""

    def ticket(self, document):
        """
        The Ticket in a document: a delivery's body, or (with its history and approvals) what fetch() gave. Raises
        Ignored where no ticket of the site's projects or tables is in it.
        """

    def ask(self, ticket):
        """The Ask of a ticket. Raises Ignored where its stage asks for nothing, and Unfetched."""

    # To talk: by the site's own client. All of these raise Away and Denied.

    def fetch(self, ticket_id):
        """
        The document of a ticket with its history and approvals, in the form that its module describes; the history is
        None where we may not read it. Raises Gone.
        """

    def changed(self, since):
        """
        The tickets that changed since a time, the oldest change first: yields (id, a text that tells this change of it
        from its others). May name some twice.
        """

    def comments(self, ticket_id):
        """
        Our comments on a ticket: {seq: Comment}. ``seq`` is what tells one from the others of all requests of the
        ticket, such as ``7/2``: small letters, digits and a slash, at most 40 characters.
        """

    def comment(self, ticket_id, seq, text, comment_id=None):
        """
        Write our comment ``seq``, or (comment_id) write it anew where the system lets one. ``text`` is a tuple of
        blocks, which markup.py turns into the system's own form. Gives its id.
        """

    def move(self, ticket_id, stage):
        """
        Have the ticket in ``waiting``, ``done``, ``failed`` or another stage of the site: nothing where it is there, or
        where the site has no ``waiting``.
        Raises NotMoved, which says why; reads it again afterwards, since an answer alone proves nothing.
        """

    def attach(self, ticket_id, name, content):
        """Attach a file of JSON, where the system takes any; once for each name."""

    def link(self, ticket_id, request, page):
        """
        Have one link to the Page of a request on the ticket, as it is now, where the system has links and the site
        wants any.
        """

    def check(self):
        """
        Tries all that can be tried at the real site: yields (level, what was found, what to do), where the level is
        ``ok``, ``warning`` or ``error`` and there is nothing to do (None) for ``ok``.
        """


class Talking:
    """The half of a System that talks, by its ``client``; ``own.moves`` has the stages that it brings tickets into."""

    def fetch(self, ticket_id):
        """See System."""
        return self.client.fetch(ticket_id)

    def changed(self, since):
        """See System."""
        return self.client.changed(since)

    def comments(self, ticket_id):
        """See System."""
        return self.client.comments(ticket_id)

    def comment(self, ticket_id, seq, text, comment_id=None):
        """See System."""
        return self.client.comment(ticket_id, seq, text, comment_id)

    def move(self, ticket_id, stage):
        """See System."""
        if stage != "waiting" or stage in self.own.moves:
            self.client.move(ticket_id, stage)

    def attach(self, ticket_id, name, content):
        """See System."""
        self.client.attach(ticket_id, name, content)

    def link(self, ticket_id, request, page):
        """See System."""
        self.client.link(ticket_id, request, page)

    def check(self):
        """See System."""
        return self.client.check()


class Unfetched(InputError):
    """
    What a ticket asks for stands elsewhere in part, and was not fetched with it.

    request_type, addresses
        The type of the request that it asks for; where that stands.
    """

    def __init__(self, message, request_type, addresses):
        super().__init__(message)
        self.request_type, self.addresses = request_type, tuple(addresses)


class Unsigned(Exception):
    """A delivery is not proven to come from its site; the text says how, and holds no secret."""


class NoSignature(Unsigned):
    """It has no signature at all."""


class Away(ApprovalError):
    """
    The site cannot be asked now: it is down, slow, or asked too often.

    due_at
        Before then it is not to be asked again, a datetime in UTC; None: it did not say.
    """

    def __init__(self, message, due_at=None):
        super().__init__(message)
        self.due_at = due_at


class Denied(ApprovalError):
    """
    The site does not do what is asked: it refuses our token or a permission, or does not take what was sent.

    status
        The status of HTTP.
    """

    def __init__(self, message, status=None):
        super().__init__(message)
        self.status = status


class Gone(Exception):
    """The ticket was deleted, archived, or cannot be read any more; the text says which."""


class NotMoved(Exception):
    """The ticket did not get into the stage; the text says why, for people."""
