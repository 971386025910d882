"""Any other system of tickets, which sends what a ticket asks for as signed JSON.

Nothing is fetched from it: the signed body is the ticket, and a later one takes its place. Its form is that of
generic.schema.json.
"""

import functools
import hashlib
import importlib.resources
import json
from dataclasses import dataclass

from ..errors import ConfigError, InputError
from ..intake.items import problem
from . import body as json_body
from . import items, signature, sites
from .ticket import ASKING, Ask, Decision, Deleted, Ignored, Person, Ticket

OWN = ("types",)
AUTH = ()
ABOUT_TICKETS = ("minions", "packages", "after")
REMOVAL = ("absent",)


@dataclass(frozen=True)
class Settings:
    """
    What the settings of a site say that are of this kind alone.

    types
        The sites.TicketType of each type that the system names.
    """

    types: dict


def settings(where, given):
    """The Settings in the mapping of a site. Raises ConfigError."""
    types = given.get("types")
    if not isinstance(types, dict) or not types:
        raise ConfigError(f"{where}: types must be a mapping of types of tickets")
    found = {}
    for name, content in types.items():
        place = f"{where}: types: {name}"
        sites.mapping(place, content, ("request_type", "action", "parameters", "names"))
        fields = {"minions": "minions", "after": "after"}
        if "action" not in content:
            fields["packages"] = "packages"
        found[sites.text(place, name)] = sites.ticket_type(place, {**fields, **content}, "list", "objects")
    return Settings(found)


@functools.cache
def schema():
    """The JSON Schema of a body."""
    return json.loads(importlib.resources.files(__package__).joinpath("generic.schema.json").read_text("utf-8"))


class Generic:
    """A site of any other system: a ticket.System."""

    def __init__(self, site):
        self.site = site
        self.own = site.own

    def verify(self, headers, body, now):
        """See ticket.System."""
        return signature.check_own(self.site.secrets, headers, body, now)

    def delivery(self, headers, body):
        """See ticket.System."""
        document = self._checked(json_body.read(body))
        return f"sha256:{hashlib.sha256(body).hexdigest()}", document["ticket"]["id"]

    def ticket(self, document):
        """See ticket.System."""
        document = self._checked(document)
        stage = document["event"]
        if stage == "deleted":
            raise Deleted("the ticket was deleted")
        given = document["ticket"]
        requester, beneficiary = self._person(document["requester"]), self._person(document.get("on_behalf_of"))
        decisions = [
            Decision(
                one["key"], one["decision"], self._person(one["by"]), items.moment("at", one["at"]),
                about="revert" if stage == "revert" else "request",
            )
            for one in document.get("decisions", [])
        ]  # fmt: skip
        return Ticket(
            id=given["id"],
            key=given.get("key", given["id"]),
            url=given.get("url"),
            title=" ".join(given.get("title", "").split()),
            status=stage,
            stage=stage,
            creator=requester,
            on_behalf_of=None if beneficiary == requester else beneficiary,
            editors=tuple(map(self._person, document.get("editors", []))),
            bound={name: document.get(name) for name in ("type", *ABOUT_TICKETS)},
            decisions=tuple(sorted(decisions, key=lambda decision: decision.at)),
            facts=document,
        )

    def ask(self, ticket):
        """See ticket.System."""
        if ticket.stage == "revert":
            return Ask(self.site.revert_type)
        if ticket.stage not in ASKING:
            raise Ignored(f"a ticket that is {ticket.stage} asks for nothing")
        ticket_type = self.own.types.get(ticket.facts.get("type"))
        if ticket_type is None:
            raise InputError(
                f"type: {items.shown(ticket.facts.get('type'))} is none of this site ({', '.join(self.own.types)})"
            )
        if ticket_type.action is not None and "packages" in ticket.facts:
            raise InputError(f"packages: tickets of type {ticket.facts['type']} are about none")
        return items.ask(ticket_type, ticket.facts, items.moment, REMOVAL)

    def _checked(self, document):
        found = problem("the webhook", schema(), document)
        if found is not None:
            raise InputError(f"the body is no ticket: {found}")
        texts = [text for name, text in _texts(document) if name != "title"]
        if not all(map(str.isprintable, texts)):
            raise InputError("the body is no ticket: a text has characters that do not print, such as a line break")
        return document

    def _person(self, subject):
        return None if subject is None else Person(subject, subject not in self.site.ignore_actors)


def _texts(value, name=None):
    """Each text in a document, with the name under which it stands."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, name)


SYSTEM = Generic
