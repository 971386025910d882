"""ServiceNow: what a business rule sends, and records as the Table API gives them.

fetch() gives, and ticket() takes beside the body of a business rule, ``{"table": TABLE, "record": {...}, "approvals":
[...], "history": [...], "users": {...}}``: the record; the rows of sysapproval_approver, with ``approver.user_name``;
the rows of sys_audit about it; the sys_id of each user name in these. Values are those of
``sysparm_display_value=false``, or objects of value and display value, of which the value is read. An answer of the
Table API, ``{"result": {...}}``, is taken too.
"""

import functools
import hashlib
import re
from dataclasses import dataclass, field

from ..config import read_secret_file
from ..errors import ConfigError, InputError
from . import body as json_body
from . import items, options, signature, sites
from .ticket import ASKING, STAGES, Decision, Deleted, Edit, Ignored, Person, Talking, Ticket, Unsigned

OWN = ("tables", "workflow", "basic", "options")
AUTH = ("client_id", "client_secret_file", "api_key_file", "user", "password_file")
SYS_ID = re.compile("[0-9a-f]{32}")
NUMBER = re.compile("[A-Za-z]{1,20}[0-9]{1,20}")
TABLE = re.compile("[a-z0-9_]{1,80}")
REMOVAL = ("absent", "remove")
DECISIONS = {"approved": "approve", "rejected": "reject"}
LONGEST_TITLE = 255
# The fields in which a state stands, as far as a workflow names it.
STATE_FIELDS = ("approval", "state")
CREATORS = ("opened_by", "requested_by")
# Of a change's planned time; we keep to the first, and the second has to make sense.
START, END = "start_date", "end_date"


@dataclass(frozen=True)
class Settings:
    """
    What the settings of a site say that are ServiceNow's own.

    types
        The sites.TicketType of each table.
    stages
        What a ticket's fields say in a stage: stage -> ({field: values}, ...), one of which has to be so in all its
        fields; in order.
    moves
        What we set to bring a ticket into a stage, step by step: stage -> ({field: value}, ...).
    basic
        (user, file of the password) with which deliveries come that are not signed; None: they have to be signed.
    options
        The options.Offers of tables that references are chosen from.
    """

    types: dict
    stages: dict
    moves: dict = field(default_factory=dict)
    basic: tuple | None = None
    options: tuple = ()


def settings(where, given):
    """The Settings in the mapping of a site. Raises ConfigError."""
    tables = given.get("tables")
    if not isinstance(tables, dict) or not tables:
        raise ConfigError(f"{where}: tables must be a mapping of names of tables")
    types = {}
    for table, content in tables.items():
        if not isinstance(table, str) or not TABLE.fullmatch(table):
            raise ConfigError(f"{where}: tables: {table!r} is no name of a table")
        types[table] = sites.ticket_type(f"{where}: tables: {table}", content, "commas", "objects")
    workflow = sites.mapping(f"{where}: workflow", given.get("workflow"), (*STAGES, "moves"))
    place, stages, moves = f"{where}: workflow", {}, {}
    for stage in workflow:
        if stage != "moves":
            ways = workflow[stage] if isinstance(workflow[stage], list) else [workflow[stage]]
            stages[stage] = tuple(
                {
                    name: sites.texts(f"{place}: {stage}: {name}", values)
                    for name, values in sites.mapping(f"{place}: {stage}", way).items()
                }
                for way in ways
            )
            if not stages[stage] or not all(way and all(way.values()) for way in stages[stage]):
                raise ConfigError(f"{place}: {stage} must name fields, each with its values")
    if not any(stage in stages for stage in ASKING):
        raise ConfigError(f"{place}: set {' or '.join(ASKING)}, or no ticket asks for anything")
    for stage, steps in sites.mapping(f"{place}: moves", workflow.get("moves") or {}, STAGES).items():
        where_moved = f"{place}: moves: {stage}"
        moves[stage] = tuple(
            {
                name: sites.text(f"{where_moved}: {name}", value)
                for name, value in sites.mapping(where_moved, fields).items()
            }
            for fields in (steps if isinstance(steps, list) else [steps])
        )
    offers = options.load(f"{where}: options", given.get("options"), "table", TABLE, "u_approval_package")
    if any("^" in (offer.context or "") for offer in offers):
        raise ConfigError(f"{where}: options: no context may hold a ^, which separates the parts of a query")
    return Settings(types, stages, moves, _basic(f"{where}: basic", given.get("basic")), offers)


def _basic(where, given):
    if given is None:
        return None
    sites.mapping(where, given, ("user", "password_file"))
    return sites.text(f"{where}: user", given.get("user")), sites.path(
        f"{where}: password_file", given.get("password_file")
    )


class ServiceNow(Talking):
    """A site of ServiceNow: a ticket.System."""

    def __init__(self, site):
        self.site = site
        self.own = site.own

    @functools.cached_property
    def client(self):
        """What talks to the site."""
        from . import servicenow_client

        return servicenow_client.Client(self)

    def offering(self):
        """The part that brings the options of the instance in line: see servicenow_options.ServiceNowOptions."""
        from . import servicenow_options

        return servicenow_options.ServiceNowOptions(self)

    def verify(self, headers, body, now):
        """See ticket.System. A MID server can only log in: see Settings.basic."""
        given = signature.header(headers, "Authorization")
        if signature.header(headers, signature.OWN_HEADER) is not None or self.own.basic is None or given is None:
            return signature.check_own(self.site.secrets, headers, body, now)
        user, file = self.own.basic
        password = read_secret_file(file, f"{self.site.where}: basic: password_file")
        if not signature.is_basic(given, user, password):
            raise Unsigned("the delivery came with another user or password than the site's")
        return None

    def delivery(self, headers, body):
        """See ticket.System. A business rule sends once, and each change of the record is another body."""
        event = json_body.read(body)
        table, record = self._record(event)
        if table not in self.own.types:
            raise Ignored(f"the table {items.shown(table)} is none of those that this site reads")
        return f"sha256:{hashlib.sha256(body).hexdigest()}", record["sys_id"]

    def ticket(self, document):
        """See ticket.System."""
        table, record = self._record(document)
        ticket_type = self.own.types.get(table)
        if ticket_type is None:
            raise Ignored(f"the table {items.shown(table)} is none of those that this site reads")
        event = document.get("event")
        if event is not None and items.text("event", event).endswith(".deleted"):
            raise Deleted("the ticket was deleted")
        states = {name for ways in self.own.stages.values() for way in ways for name in way} | set(STATE_FIELDS)
        for name in states:
            if record.get(name) is not None and not isinstance(record[name], str):
                raise InputError(f"{name}: {items.shown(record[name])} stands where a text has to be")
        stage = next(
            (
                stage
                for stage, ways in self.own.stages.items()
                if any(all(record.get(name) in values for name, values in way.items()) for way in ways)
            ),
            None,
        )
        users = document.get("users") if isinstance(document.get("users"), dict) else {}
        edits = self._edits(document.get("history") or [], ticket_type, users)
        creator, requester = self._creator(record)
        title = record.get("short_description")
        return Ticket(
            id=record["sys_id"],
            key=record["number"],
            url=self.site.url and f"{self.site.url}/{table}.do?sys_id={record['sys_id']}",
            title=" ".join(title.split())[:LONGEST_TITLE] if isinstance(title, str) else "",
            status=", ".join(f"{name} {record[name]}" for name in STATE_FIELDS if record.get(name)) or "no state",
            stage=stage,
            creator=creator,
            on_behalf_of=None if requester == creator else requester,
            editors=tuple(dict.fromkeys(edit.by for edit in edits if edit.by)),
            bound={"table": table, **{name: record.get(name) for name in ticket_type.fields}},
            decisions=tuple(self._decisions(document.get("approvals") or [], edits)),
            edits=tuple(edits),
            facts={"table": table, "record": record},
        )

    def ask(self, ticket):
        """See ticket.System."""
        if ticket.stage not in ASKING:
            meaning = "means nothing here" if ticket.stage is None else f"means {ticket.stage}, which asks for nothing"
            raise Ignored(f"its state ({items.shown(ticket.status)}) {meaning}")
        ticket_type = self.own.types[ticket.facts["table"]]
        # A field of glide that is empty is an empty text.
        record = {name: None if value == "" else value for name, value in ticket.facts["record"].items()}
        ask = items.ask(ticket_type, record, items.utc_moment, REMOVAL)
        if ticket_type.after == START and record.get(END) is not None:
            end = items.utc_moment(END, record[END])
            if ask.after is not None and end < ask.after:
                raise InputError(f"{END} is before {START}")
        return ask

    def _record(self, document):
        """(table, record) of a document, the record's own names being proper. Raises InputError."""
        record = document.get("record", document.get("result", document))
        if not isinstance(record, dict):
            raise InputError("the record is no object")
        record = {name: _raw(value) for name, value in record.items()}
        table = document.get("table") or record.get("sys_class_name")
        if not isinstance(table, str) or not TABLE.fullmatch(table):
            raise InputError(f"table: {items.shown(table)} is no name of a table")
        for name, pattern, form in (
            ("sys_id", SYS_ID, "32 hexadecimal digits"),
            ("number", NUMBER, "the number of a record, as in CHG0030052"),
        ):
            if not isinstance(record.get(name), str) or not pattern.fullmatch(record[name]):
                raise InputError(f"{name}: {items.shown(record.get(name))} is not {form}")
        return table, record

    def _creator(self, record):
        """(who opened it, for whom): Persons, None where nobody stands there."""
        found = [self._person(record.get(name)) for name in CREATORS]
        return found[0] or found[1], found[1]

    def _person(self, sys_id, name=None):
        if not isinstance(sys_id, str) or not SYS_ID.fullmatch(sys_id):
            return None
        return Person(sys_id, sys_id not in self.site.ignore_actors, name or None)

    def _edits(self, rows, ticket_type, users):
        """The Edits in rows of sys_audit, the oldest first."""
        found = []
        for row in _rows("history", rows):
            if row.get("fieldname") in ticket_type.fields:
                by = self._person(users.get(str(row.get("user"))))
                found.append(Edit(row["fieldname"], by, items.utc_moment("sys_created_on", row.get("sys_created_on"))))
        return sorted(found, key=lambda edit: edit.at)

    def _decisions(self, rows, edits):
        """The Decisions in rows of sysapproval_approver, the oldest first: those that the approvers made themselves."""
        found = []
        for row in _rows("approvals", rows):
            by = self._person(row.get("approver"), row.get("approver.name"))
            meant = DECISIONS.get(str(row.get("state")))
            if by is None or meant is None or not isinstance(row.get("sys_id"), str):
                continue
            at = items.utc_moment("sys_updated_on", row.get("sys_updated_on"))
            spoiled = []
            if not row.get("approver.user_name") or row["approver.user_name"] != row.get("sys_updated_by"):
                spoiled.append(f"{items.shown(row.get('sys_updated_by'))} wrote it, who is not the approver")
            for edit in edits:
                if edit.by == by:
                    spoiled.append(f"{edit.field} was changed by the same person")
                elif edit.at >= at:
                    spoiled.append(f"{edit.field} was changed afterwards")
            # An approver is asked when the row is made, or later: what was changed before then, they saw.
            asked_at = items.utc_moment("sys_created_on", row.get("sys_created_on"))
            found.append(
                Decision(f"approval/{row['sys_id']}", meant, by, at, tuple(dict.fromkeys(spoiled)), asked_at=asked_at)
            )
        return sorted(found, key=lambda decision: decision.at)


def _raw(value):
    """The value of a field that came with its display value; what came alone, as it is."""
    if isinstance(value, dict) and set(value) <= {"value", "display_value", "link"}:
        return value.get("value", value)
    return value


def _rows(what, rows):
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{what}: rows have to stand there")
    return [{name: _raw(value) for name, value in row.items()} for row in rows]


SYSTEM = ServiceNow
