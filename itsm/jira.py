"""Jira, Cloud and Data Center: webhooks, and issues as its REST interface gives them.

fetch() gives, and ticket() takes beside a webhook's body, ``{"issue": ISSUE, "history": [...], "approvals": [...],
"names": {...}, "assets": {...}}``: the issue of GET /issue; the entries of its change log, all of them; the values of
the service desk's approvals; the names of fields by id (``expand=names``), by which Data Center's entries call them;
the objects of Assets that its fields refer to, by number or key (see jira_assets). An issue alone is taken too, with
its own ``changelog`` where that was expanded.
"""

import datetime
import functools
import hashlib
import re
from dataclasses import dataclass, field, replace

from ..errors import ConfigError, InputError
from . import body as json_body
from . import items, jira_assets, jira_fields, options, signature, sites
from .ticket import ASKING, REVERTING, STAGES, Ask, Decision, Deleted, Edit, Ignored, Person, Talking, Ticket

OWN = ("api", "projects", "workflow", "options", "assets", "remote_links")
AUTH = ("email", "token_file", "cloud_id")
APIS = ("cloud", "datacenter")
ID = re.compile("[0-9]{1,19}")
KEY = re.compile("([A-Z][A-Z0-9_]{1,39})-([1-9][0-9]{0,14})")
SUBJECT = re.compile(r"[\x21-\x7e]{1,128}")
EVENTS = ("jira:issue_created", "jira:issue_updated", "jira:issue_deleted")
IDENTIFIER_HEADER = "X-Atlassian-Webhook-Identifier"
IDENTIFIER = re.compile(r"[\x21-\x7e]{1,200}")
PERSON = "atlassian"  # the account type of people who are no customers of a service desk
# The names that a change log has for a moved issue.
MOVES = ("Key", "project")
DECIDED = {"approved": ("approve", "request"), "declined": ("reject", "request"), "revert": ("approve", "revert")}
JSM_DECISIONS = {"approved": "approve", "declined": "reject"}


@dataclass(frozen=True)
class Settings:
    """
    What the settings of a site say that are Jira's own.

    api
        ``cloud`` or ``datacenter``.
    types
        The sites.TicketType of each (key of a project, name of an issue type in small letters).
    edges
        The changes of status that bring a ticket into a stage: stage -> ((from, to), ...) in small letters; from is
        None where it comes from anywhere.
    moves
        The names of the transitions by which we bring it into a stage: stage -> name.
    resolutions
        The names of the resolutions that are set with these, where their screens have that: stage -> name.
    options
        The options.Offers of its fields.
    assets
        The jira_assets.Settings; None: no field refers to objects of Assets.
    remote_links
        Whether issues have a link to the page of each of their requests.
    """

    api: str
    types: dict
    edges: dict
    moves: dict = field(default_factory=dict)
    resolutions: dict = field(default_factory=dict)
    options: tuple = ()
    assets: object = None
    remote_links: bool = True


def settings(where, given):
    """The Settings in the mapping of a site. Raises ConfigError."""
    api = given.get("api", "cloud")
    if api not in APIS:
        raise ConfigError(f"{where}: api must be {' or '.join(APIS)}")
    types = {}
    place = f"{where}: projects"
    projects = given.get("projects")
    if not isinstance(projects, dict) or not projects:
        raise ConfigError(f"{place} must be a mapping of keys of projects")
    for project, content in projects.items():
        if not isinstance(project, str) or not KEY.fullmatch(f"{project}-1"):
            raise ConfigError(f"{place}: {project!r} is no key of a project, as in SC21")
        content = sites.mapping(f"{place}: {project}", content, ("types",))
        for name, one in sites.mapping(f"{place}: {project}: types", content.get("types")).items():
            where_read = f"{place}: {project}: types: {name}"
            read = sites.ticket_type(where_read, one, "options", "cascade", (jira_assets.FORM,))
            types[project, sites.text(f"{place}: {project}: types", name).casefold()] = read
    workflow = sites.mapping(f"{where}: workflow", given.get("workflow"), (*STAGES, "moves"))
    edges = {
        stage: _edges(f"{where}: workflow: {stage}", workflow[stage])
        for stage in STAGES
        if workflow.get(stage) is not None
    }
    if not any(stage in edges for stage in ASKING):
        raise ConfigError(f"{where}: workflow: set {' or '.join(ASKING)}, or no ticket asks for anything")
    moves, resolutions = {}, {}
    for stage, move in sites.mapping(f"{where}: workflow: moves", workflow.get("moves") or {}, STAGES).items():
        place = f"{where}: workflow: moves: {stage}"
        if isinstance(move, dict):
            sites.mapping(place, move, ("transition", "resolution"))
            resolutions[stage] = sites.text(f"{place}: resolution", move.get("resolution"))
            place, move = f"{place}: transition", move.get("transition")
        moves[stage] = sites.text(place, move)
        if stage not in edges:
            raise ConfigError(f"{where}: workflow: set {stage}, the status into which the transition {move!r} leads")
    offers = options.load(f"{where}: options", given.get("options"))
    assets = jira_assets.load(f"{where}: assets", given.get("assets"), api == "cloud", types.values())
    remote_links = given.get("remote_links", True)
    if not isinstance(remote_links, bool):
        raise ConfigError(f"{where}: remote_links must be true or false")
    return Settings(api, types, edges, moves, resolutions, offers, assets, remote_links)


def _edges(where, given):
    found = []
    for one in given if isinstance(given, list) else [given]:
        if isinstance(one, dict):
            sites.mapping(where, one, ("from", "to"))
            ends, starts = sites.texts(f"{where}: to", one.get("to")), sites.texts(f"{where}: from", one.get("from"))
            if not ends:
                raise ConfigError(f"{where}: to must be the status into which it leads")
            found += [(start.casefold(), end.casefold()) for start in starts for end in ends]
            found += [(None, end.casefold()) for end in ends if not starts]
        else:
            found.append((None, sites.text(where, one).casefold()))
    return tuple(found)


class Jira(Talking):
    """A site of Jira: a ticket.System."""

    def __init__(self, site):
        self.site = site
        self.own = site.own

    @functools.cached_property
    def client(self):
        """What talks to the site."""
        from . import jira_client

        return jira_client.Client(self)

    def offering(self):
        """The part that brings the options of the site in line: see jira_options.JiraOptions."""
        from . import jira_options

        return jira_options.JiraOptions(self)

    def verify(self, headers, body, now):
        """See ticket.System."""
        return signature.check_hub(self.site.secrets, headers, body, now)

    def delivery(self, headers, body):
        """See ticket.System."""
        event = json_body.read(body)
        issue, fields = self._issue_of_event(event)
        if self._type(issue, fields) is None and not any(
            one["field"] in MOVES for entry in self._entries_of_event(event) for one in entry["items"]
        ):
            raise Ignored(self._not_ours(issue, fields))
        identifier = signature.header(headers, IDENTIFIER_HEADER)
        if identifier is None or not IDENTIFIER.fullmatch(identifier):
            identifier = f"sha256:{hashlib.sha256(body).hexdigest()}"
        return identifier, issue["id"]

    def ticket(self, document):
        """See ticket.System."""
        if "webhookEvent" in document:
            return self._ticket_of_event(document)
        issue = document.get("issue", document)
        fields = self._fields(issue)
        history = document.get("history")
        if history is None:
            history = issue.get("changelog") and _part(issue, "changelog", dict).get("histories")
        if history is not None:
            history = _history([self._entry(one) for one in jira_fields.listed("the history", history)])
        status = _name_of(fields, "status")
        rows = jira_fields.listed("approvals", document.get("approvals") or [])
        approvals = [decision for row in rows for decision in self._approvals(row)]
        return self._ticket(
            issue,
            fields,
            status,
            _came_from(history, status),
            history or [],
            names=document.get("names"),
            approvals=approvals,
            created=jira_fields.created(fields),
            objects=document.get("assets"),
        )

    def ask(self, ticket):
        """See ticket.System."""
        ticket_type = self._type(ticket.facts, ticket.facts["fields"])
        if ticket.stage in REVERTING:
            if ticket_type.action is not None:
                raise InputError(f"an action, {ticket_type.action[0]}, cannot be taken back")
            return Ask(self.site.revert_type)
        if ticket.stage not in ASKING:
            raise Ignored(
                f"the status {items.shown(ticket.status)} asks for nothing here"
                if ticket.stage is None
                else f"the status {items.shown(ticket.status)} means {ticket.stage}, which asks for nothing"
            )
        readable = jira_fields.readable(ticket_type, ticket.facts["fields"])
        if self.own.assets is not None:
            readable |= jira_assets.readable(self.site, ticket_type, ticket.facts["fields"], ticket.facts["assets"])
        return items.ask(ticket_type, readable, items.moment, ("remove",))

    def objects(self, issue):
        """What refers to objects of Assets in an issue, tuples as jira_assets.references() gives; none in others."""
        try:
            fields = self._fields(issue)
            ticket_type = self._type(issue, fields)
            if ticket_type is None or self.own.assets is None:
                return ()
            return jira_assets.references(self.own.assets, ticket_type, fields)
        except InputError:
            # The reader of the ticket says what is wrong with it.
            return ()

    def _ticket_of_event(self, event):
        issue, fields = self._issue_of_event(event)
        if event["webhookEvent"] == "jira:issue_deleted":
            raise Deleted("the ticket was deleted")
        if self._type(issue, fields) is None:
            raise Ignored(self._not_ours(issue, fields))
        history = self._entries_of_event(event)
        changes = [one for entry in history for one in entry["items"] if one["field"] == "status"]
        if event["webhookEvent"] == "jira:issue_created":
            return self._ticket(issue, fields, _name_of(fields, "status"), "", [])
        if not changes:
            raise Ignored("the event is about no change of status")
        if len(changes) > 1:
            raise InputError("the event is about several changes of status at once")
        return self._ticket(issue, fields, changes[0]["to"], changes[0]["from"], history)

    def _issue_of_event(self, event):
        """(issue, its fields) of a webhook's body. Raises InputError, Ignored."""
        name = event.get("webhookEvent")
        if not isinstance(name, str):
            raise InputError("the body is no webhook of Jira: webhookEvent is missing")
        if name not in EVENTS:
            raise Ignored(f"the event {items.shown(name)} is none about an issue")
        issue = _part(event, "issue", dict)
        return issue, self._fields(issue)

    def _entries_of_event(self, event):
        """The one entry of the change log in a webhook's body, as a list; none where it has none."""
        if event.get("changelog") is None:
            return []
        changes = _part(event, "changelog", dict)
        at = event.get("timestamp")
        try:
            known = isinstance(at, int) and not isinstance(at, bool)
            at = datetime.datetime.fromtimestamp(at / 1000, datetime.timezone.utc) if known else None
        except (ValueError, OverflowError, OSError):
            raise InputError(f"timestamp: {items.shown(event['timestamp'])} is no time") from None
        return [self._entry({**changes, "author": event.get("user")}, at)]

    def _fields(self, issue):
        """The fields of an issue, whose own names are proper. Raises InputError."""
        if not isinstance(issue, dict):
            raise InputError("the issue is no object")
        if not isinstance(issue.get("id"), str) or not ID.fullmatch(issue["id"]):
            raise InputError(f"issue: id: {items.shown(issue.get('id'))} is no number, in quotes")
        if not isinstance(issue.get("key"), str) or not KEY.fullmatch(issue["key"]):
            raise InputError(f"issue: key: {items.shown(issue.get('key'))} is none of an issue, as in SC21-101")
        return _part(issue, "fields", dict)

    def _type(self, issue, fields):
        """The TicketType of an issue; None: it is none of ours."""
        project = fields.get("project")
        key = project.get("key") if isinstance(project, dict) else KEY.fullmatch(issue["key"])[1]
        name = _name_of(fields, "issuetype")
        return self.own.types.get((key, name.casefold())) if isinstance(key, str) else None

    def _not_ours(self, issue, fields):
        return (
            f"issues of type {items.shown(_name_of(fields, 'issuetype'))} in the project of {issue['key']} are none of "
            "those that this site reads"
        )

    def _ticket(self, issue, fields, status, came_from, history, names=None, approvals=(), created=None, objects=None):
        """The Ticket; ``created``: when it was, if the history begins there; ``objects``: those of Assets."""
        ticket_type = self._type(issue, fields)
        if ticket_type is None:
            raise Ignored(self._not_ours(issue, fields))
        bound = {"issuetype": _name_of(fields, "issuetype")}
        for name in ticket_type.fields:
            is_time, value = name == ticket_type.after, fields.get(name)
            bound[name] = jira_fields.same_time(value) if is_time else jira_fields.bound(name, value)
        objects = objects if isinstance(objects, dict) else {}
        if self.own.assets is not None:
            bound |= jira_assets.bound(self.own.assets, ticket_type, fields, objects)
        edits = self._edits(history, ticket_type, names)
        decisions = [
            *self._decisions(history, edits, created),
            *(_spoiled_later(one, edits) for one in approvals),
        ]
        creator, reporter = self._person(fields.get("creator")), self._person(fields.get("reporter"))
        return Ticket(
            id=issue["id"],
            key=issue["key"],
            url=self.site.url and f"{self.site.url}/browse/{issue['key']}",
            title=jira_fields.line(fields.get("summary")) or "",
            status=status,
            stage=self._stage(came_from, status),
            creator=creator,
            on_behalf_of=None if reporter == creator else reporter,
            asker=self._asker(history),
            editors=tuple(dict.fromkeys(edit.by for _, edit in edits if edit.by)),
            bound=bound,
            decisions=tuple(decisions),
            edits=tuple(edit for _, edit in edits),
            facts={**issue, "assets": objects},
            is_elsewhere=any(form == jira_assets.FORM for form, _ in (*ticket_type.minions, *ticket_type.packages)),
        )

    def _stage(self, came_from, status):
        """
        The stage that a status means for a ticket that came from another: None, it is not known from which; "", it
        was made in this one.
        """
        here = (came_from and came_from.casefold(), status.casefold())
        for stage in STAGES:
            if any(start is not None and (start == here[0] or here[0] is None) and end == here[1]
                   for start, end in self.own.edges.get(stage, ())):  # fmt: skip
                return stage
        return next((stage for stage in STAGES if (None, here[1]) in self.own.edges.get(stage, ())), None)

    def _decisions(self, history, edits, created):
        """The Decisions in a history, the oldest first; ``created``: when the issue was, or None."""
        found = []
        for place, entry in enumerate(history):
            changes = [one for one in entry["items"] if one["field"] == "status"]
            if len(changes) != 1 or entry["by"] is None or entry["at"] is None or not entry["id"]:
                continue
            start, end = changes[0]["from"].casefold(), changes[0]["to"].casefold()
            meant = next((DECIDED[stage] for stage in DECIDED if (start, end) in self.own.edges.get(stage, ())), None)
            if meant is None and (None, end) in self.own.edges.get("declined", ()):
                about = "revert" if start in self._starts("revert") else "request"
                meant = ("reject", about) if start in self._starts("approved", "revert") else None
            if meant is None:
                continue
            spoiled = [
                f"{edit.field} was changed " + ("in the same step" if where == place else "afterwards")
                for where, edit in edits
                if where >= place
            ]
            spoiled += [f"{edit.field} was changed by the same person" for _, edit in edits if edit.by == entry["by"]]
            spoiled += [
                f"the ticket was taken back to {items.shown(one['to'])}"
                for later in history[place + 1 :]
                for one in later["items"]
                if one["field"] == "status" and one["to"].casefold() == start
            ]
            found.append(
                Decision(
                    entry["id"], meant[0], entry["by"], entry["at"], tuple(dict.fromkeys(spoiled)), meant[1],
                    _entered(history[:place], changes[0]["from"], created),
                )
            )  # fmt: skip
        return found

    def _asker(self, history):
        """The Person who last had it come into a status in which its revert waits for a decision, or is asked for."""
        waiting, asked = self._starts("revert"), self.own.edges.get("revert-asked", ())
        found = None
        for entry in history:
            for one in entry["items"]:
                if one["field"] == "status":
                    start, end = one["from"].casefold(), one["to"].casefold()
                    if end in waiting or (start, end) in asked or (None, end) in asked:
                        found = entry["by"]
        return found

    def _starts(self, *stages):
        return {start for stage in stages for start, _ in self.own.edges.get(stage, ()) if start is not None}

    def _edits(self, history, ticket_type, names):
        """The Edits in a history, each with the place of its entry."""
        ids = {}
        for field_id, name in (names if isinstance(names, dict) else {}).items():
            ids.setdefault(str(name), []).append(field_id)
        found = []
        for place, entry in enumerate(history):
            for one in entry["items"]:
                name = one["field"]
                known = [one["id"]] if one["id"] else ids.get(name, []) if one["is_custom"] else [name]
                if one["is_custom"] and not known:
                    # Nobody can tell that it is none of those that are bound.
                    known = list(ticket_type.fields)
                if any(field_id in (*ticket_type.fields, "issuetype") for field_id in known):
                    found.append((place, Edit(name, entry["by"], entry["at"])))
        return found

    def _approvals(self, row):
        """The Decisions in an approval of the service desk that has come to its end."""
        if not isinstance(row, dict) or str(row.get("finalDecision")) not in JSM_DECISIONS:
            return
        at, asked_at = (jira_fields.iso8601(name, row.get(name)) for name in ("completedDate", "createdDate"))
        for one in jira_fields.listed("approvers", row.get("approvers") or []):
            by = self._person(one.get("approver")) if isinstance(one, dict) else None
            meant = JSM_DECISIONS.get(str(one.get("approverDecision"))) if by else None
            if meant and at:
                yield Decision(f"approval/{row.get('id')}/{by.subject}", meant, by, at, asked_at=asked_at)

    def _entry(self, entry, at=None):
        """An entry of the change log: {id, by, at, items: [{field, id, is_custom, from, to}]}. Raises InputError."""
        if not isinstance(entry, dict):
            raise InputError("an entry of the change log is no object")
        read = []
        changed = entry.get("items")
        for one in [] if changed is None else jira_fields.listed("the items of the change log", changed):
            if not isinstance(one, dict) or not isinstance(one.get("field"), str):
                raise InputError("an item of the change log names no field")
            if one["field"] == "status":
                for end in ("fromString", "toString"):
                    items.text(f"changelog: {end}", one.get(end))
            read.append(
                {
                    "field": one["field"],
                    "id": one.get("fieldId"),
                    "is_custom": one.get("fieldtype") == "custom",
                    "from": one.get("fromString"),
                    "to": one.get("toString"),
                }
            )
        number = entry.get("id")
        return {
            "id": number if isinstance(number, str) and ID.fullmatch(number) else None,
            "by": self._person(entry.get("author")),
            "at": at if entry.get("created") is None else items.moment("changelog: created", entry["created"]),
            "items": read,
        }

    def _person(self, value):
        """The Person in an account of Jira; None: there is none, or none with a key that stays."""
        if not isinstance(value, dict):
            return None
        subject = value.get("accountId" if self.own.api == "cloud" else "key")
        if not isinstance(subject, str) or not SUBJECT.fullmatch(subject):
            return None
        is_person = self.own.api != "cloud" or value.get("accountType") == PERSON
        return Person(
            subject, is_person and subject not in self.site.ignore_actors, jira_fields.line(value.get("displayName"))
        )


def _part(document, name, kind):
    found = document.get(name)
    if not isinstance(found, kind):
        raise InputError(f"{name}: {items.shown(found)} stands where an object has to be")
    return found


def _name_of(fields, name):
    """The name in a field such as status or issuetype. Raises InputError."""
    found = fields.get(name)
    if not isinstance(found, dict):
        raise InputError(f"{name}: {items.shown(found)} stands where an object has to be")
    return items.text(f"{name}: name", found.get("name"))


def _history(entries):
    """The entries, the oldest first."""
    epoch = datetime.datetime.fromtimestamp(0, datetime.timezone.utc)
    return sorted(entries, key=lambda entry: (entry["at"] or epoch, int(entry["id"] or 0)))


def _came_from(history, status):
    """From which status a ticket came into this one: "", from none; None, the history is not known."""
    if history is None:
        return None
    changes = [one for entry in history for one in entry["items"] if one["field"] == "status"]
    if changes and changes[-1]["to"].casefold() != status.casefold():
        # The log is behind the issue, or was cut off.
        return None
    return changes[-1]["from"] if changes else ""


def _entered(history, status, created):
    """When a ticket last came into a status, in which it may have been created; None: the history does not say."""
    steps = [(entry["at"], one["to"]) for entry in history for one in entry["items"] if one["field"] == "status"]
    if not steps:
        return created
    return next((at for at, end in reversed(steps) if end.casefold() == status.casefold()), None)


def _spoiled_later(decision, edits):
    """A Decision of the service desk, spoiled by the edits after it, and by those of the same person."""
    spoiled = [
        f"{edit.field} was changed " + ("by the same person" if edit.by == decision.by else "afterwards")
        for _, edit in edits
        if edit.by == decision.by or edit.at is None or edit.at >= decision.at
    ]
    return replace(decision, spoiled=tuple(dict.fromkeys(spoiled)))


SYSTEM = Jira
