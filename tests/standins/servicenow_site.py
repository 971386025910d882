"""What an instance of ServiceNow holds: tables with rows, people, changes with their states and approvals.

It knows nothing of HTTP. Tests change it as people do, by the methods of ServiceNowSite.
"""

import datetime
import json
import random
import threading
from dataclasses import dataclass, field

from .jira_site import one_at_a_time

RAW = "%Y-%m-%d %H:%M:%S"
SYSTEM = {"sys_id": "string", "sys_created_on": "time", "sys_created_by": "string", "sys_updated_on": "time",
          "sys_updated_by": "string", "sys_mod_count": "integer"}  # fmt: skip
TASK = SYSTEM | {
    "sys_class_name": "string",
    "number": "string",
    "short_description": "string",
    "description": "string",
    "state": "choice",
    "approval": "choice",
    "active": "boolean",
    "opened_by": "sys_user",
    "assigned_to": "sys_user",
    "correlation_id": "string",
    "correlation_display": "string",
    "work_notes": "journal",
    "comments": "journal",
    "close_code": "choice",
    "close_notes": "string",
}
# Each column with its kind: that of its value, or the table that it refers to.
TABLES = {
    "change_request": TASK
    | {
        "requested_by": "sys_user",
        "assignment_group": "sys_user_group",
        "type": "choice",
        "justification": "string",
        "implementation_plan": "string",
        "backout_plan": "string",
        "test_plan": "string",
        "start_date": "time",
        "end_date": "time",
        "u_minions": "string",
        "u_packages": "string",
        "u_action": "string",
    },
    "change_task": TASK | {"change_request": "change_request"},
    "sc_req_item": TASK | {"request": "sc_request", "cat_item": "sc_cat_item", "requested_for": "sys_user"},
    "sysapproval_approver": SYSTEM
    | {
        "sysapproval": "change_request",
        "document_id": "change_request",
        "source_table": "string",
        "approver": "sys_user",
        "state": "choice",
        "comments": "journal",
    },
    "sys_user": SYSTEM | {"user_name": "string", "name": "string", "email": "string", "active": "boolean"},
    "sys_user_group": SYSTEM | {"name": "string", "active": "boolean"},
    "sys_audit": SYSTEM
    | {
        "tablename": "string",
        "documentkey": "string",
        "fieldname": "string",
        "oldvalue": "string",
        "newvalue": "string",
        "user": "string",
    },
    "sys_attachment": SYSTEM
    | {
        "table_name": "string",
        "table_sys_id": "string",
        "file_name": "string",
        "content_type": "string",
        "size_bytes": "integer",
    },
    "sc_item_option_mtom": SYSTEM | {"request_item": "sc_req_item", "sc_item_option": "sc_item_option"},
    "sc_item_option": SYSTEM | {"item_option_new": "item_option_new", "value": "string"},
    "item_option_new": SYSTEM | {"name": "string", "question_text": "string"},
    "u_approval_package": SYSTEM
    | {"u_name": "string", "u_version": "string", "u_kind": "string", "u_group": "string", "u_active": "boolean"},
}
CHOICES = {
    ("change_request", "state"): {"-5": "New", "-4": "Assess", "-3": "Authorize", "-2": "Scheduled",
                                  "-1": "Implement", "0": "Review", "3": "Closed", "4": "Canceled"},
    ("change_task", "state"): {"-5": "Pending", "1": "Open", "2": "In Progress", "3": "Closed", "4": "Canceled"},
    ("sc_req_item", "state"): {"1": "Open", "2": "Work in Progress", "3": "Closed Complete", "4": "Closed Incomplete"},
}  # fmt: skip
CLOSE_CODES = ("successful", "successful_issues", "unsuccessful")
# The states that each state of a change leads to. Other models have others, so a test may set this anew.
MODEL = {
    "-5": ("-4", "4"),
    "-4": ("-3", "-5", "4"),
    "-3": ("-2", "-5", "4"),
    "-2": ("-1", "4"),
    "-1": ("0", "4"),
    "0": ("3", "-1", "4"),
    "3": (),
    "4": (),
}
PREFIXES = {"change_request": "CHG", "change_task": "CTASK", "sc_req_item": "RITM"}
# Tables whose changes stand in no audit.
NOT_AUDITED = {"sys_audit", "sys_user", "sys_attachment"}


@dataclass(eq=False)
class Person:
    """
    A user of the instance.

    password, client_secret, api_key
        The ways to log in; None: not by this one. ``client_id`` belongs to the second.
    time_zone
        That in which values are shown.
    """

    sys_id: str
    user_name: str
    name: str
    password: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    api_key: str | None = None
    is_admin: bool = False
    time_zone: datetime.tzinfo = datetime.timezone(datetime.timedelta(hours=1))


@dataclass(eq=False)
class Event:
    """A change of a record that business rules tell of: its kind, with the record's values right after it."""

    kind: str
    table: str
    by: Person
    row: dict


@dataclass
class Closed:
    """Tables, rows (by sys_id) and (table, column) that the rules of access keep from all but administrators."""

    tables: set = field(default_factory=set)
    rows: set = field(default_factory=set)
    columns: set = field(default_factory=set)


class ServiceNowSite:
    """The content of an instance."""

    def __init__(self, seed=None):
        self.lock = threading.RLock()
        self._random = random.Random(seed)
        self._numbers = {}
        self._last = datetime.datetime.min.replace(tzinfo=datetime.timezone.utc)
        self.clock = lambda: datetime.datetime.now(datetime.timezone.utc)
        self.tables = {name: {} for name in TABLES}
        self.columns = {name: dict(columns) for name, columns in TABLES.items()}
        self.model = dict(MODEL)
        self.closed = Closed()
        self.journals = {}
        self.files = {}
        self.events = []
        self.people = []
        self.bot = self.person("approval.bot", "Approval Bot", password=True)
        self.fred = self.person("fred.luddy", "Fred Luddy")
        self.angel = self.person("angel.approver", "Ángel Approver")

    # Acts of administrators.

    def person(self, user_name, name, password=False, is_admin=False):
        """A new Person; with a password (made up) they can log in."""
        sys_id = self.new_id()
        person = Person(sys_id, user_name, name, f"pw-{self.new_id()}" if password else None, is_admin=is_admin)
        self.people.append(person)
        self.tables["sys_user"][sys_id] = self._stamped(
            {"user_name": user_name, "name": name, "email": f"{user_name}@example.org", "active": "true"},
            sys_id,
            person,
        )
        return person

    def add_column(self, table, name, kind="string"):
        """A new column of a table."""
        self.columns[table][name] = kind
        for row in self.tables[table].values():
            row[name] = ""

    # Acts of people.

    @one_at_a_time
    def create(self, table="change_request", fields=None, by=None):
        """A new record; fields are raw values, and of a list or mapping its JSON. Unknown ones are dropped."""
        by = by or self.fred
        sys_id = self.new_id()
        row = dict.fromkeys(self.columns[table], "")
        if "number" in row:
            self._numbers[table] = self._numbers.get(table, 30051) + 1
            row |= {"number": f"{PREFIXES[table]}{self._numbers[table]:07d}", "sys_class_name": table,
                    "active": "true", "opened_by": by.sys_id, "approval": "not requested",
                    "state": "-5" if table == "change_request" else "1"}  # fmt: skip
        if table == "change_request":
            row |= {"requested_by": by.sys_id, "type": "normal"}
        given = self.accepted(table, fields or {})
        row |= {name: value for name, value in given.items() if self.columns[table][name] != "journal"}
        self.tables[table][sys_id] = self._stamped(row, sys_id, by)
        for name, value in given.items():
            if self.columns[table][name] == "journal":
                self._note(table, sys_id, name, value, by)
        self._tell("inserted", table, sys_id, by)
        return self.tables[table][sys_id]

    def row(self, table, sys_id):
        """The record, also by its number. Raises KeyError."""
        if sys_id in self.tables[table]:
            return self.tables[table][sys_id]
        return next(row for row in self.tables[table].values() if row.get("number") == sys_id)

    @one_at_a_time
    def edit(self, table, sys_id, fields, by=None):
        """Changes a record; each change of a column stands in sys_audit."""
        by = by or self.fred
        row = self.tables[table][sys_id]
        changes = self.accepted(table, fields)
        was_approved = row.get("approval") == "approved"
        changed = False
        for name, value in changes.items():
            if self.columns[table][name] == "journal":
                self._note(table, sys_id, name, value, by)
            elif row[name] != value:
                self._audit(table, sys_id, name, row[name], value, by)
                row[name] = value
            else:
                continue
            changed = True
        if changed:
            row |= {"sys_updated_on": self.now().strftime(RAW), "sys_updated_by": by.user_name,
                    "sys_mod_count": str(int(row["sys_mod_count"]) + 1)}  # fmt: skip
            is_approval = row.get("approval") == "approved" and not was_approved
            self._tell("approved" if is_approval else "updated", table, sys_id, by)
        return row

    @one_at_a_time
    def delete(self, table, sys_id, by=None):
        """Deletes a record for good."""
        self._tell("deleted", table, sys_id, by or self.fred)
        del self.tables[table][sys_id]

    @one_at_a_time
    def ask_approval(self, change, approvers):
        """Brings a change to Authorize, with a row of sysapproval_approver for each of these people."""
        self.edit("change_request", change["sys_id"], {"state": "-3", "approval": "requested"})
        return [
            self.create(
                "sysapproval_approver",
                {
                    "sysapproval": change["sys_id"],
                    "document_id": change["sys_id"],
                    "source_table": "change_request",
                    "approver": approver.sys_id,
                    "state": "requested",
                },
            )
            for approver in approvers
        ]

    @one_at_a_time
    def decide(self, approval, by, decision="approved"):
        """
        Answers a row of sysapproval_approver; a delegate, an administrator or a script may do it in place of the
        approver. When all are approved, so is the change, and it is scheduled.
        """
        self.edit("sysapproval_approver", approval["sys_id"], {"state": decision}, by)
        change = approval["sysapproval"]
        rows = [row for row in self.tables["sysapproval_approver"].values() if row["sysapproval"] == change]
        if decision == "rejected":
            self.edit("change_request", change, {"approval": "rejected", "state": "-5"}, by)
        elif all(row["state"] == "approved" for row in rows):
            self.edit("change_request", change, {"approval": "approved", "state": "-2"}, by)

    def approve_without_rows(self, change, by=None):
        """Sets a change to approved, as a script or an administrator can, though no approver was asked."""
        self.edit("change_request", change["sys_id"], {"approval": "approved", "state": "-2"}, by)

    # Common to both.

    def accepted(self, table, fields):
        """Those of the fields that the table has, as it stores them: others are dropped, and bad times are empty."""
        known = self.columns[table]
        return {
            name: _stored(known[name], value) for name, value in fields.items() if name in known and name not in SYSTEM
        }

    def leads_to(self, change, state):
        """Whether a change may go to a state now, with the tasks that it has."""
        if state == change["state"]:
            return True
        if state not in self.model.get(change["state"], ()):
            return False
        tasks = self.tables["change_task"].values()
        is_held = any(t["change_request"] == change["sys_id"] and t["state"] not in ("3", "4") for t in tasks)
        is_waiting = change["state"] in ("-4", "-3") and change["approval"] != "approved"
        return not (state == "0" and is_held) and not (state in ("-3", "-2") and is_waiting)

    def notes(self, table, sys_id, name, time_zone):
        """A journal as it is shown, the newest first."""
        labels = {"work_notes": "Work notes", "comments": "Additional comments"}
        return "".join(
            f"{at.astimezone(time_zone).strftime(RAW)} - {by.name} ({labels[name]})\n{text}\n\n"
            for at, by, text in reversed(self.journals.get((table, sys_id, name), ()))
        )

    def shown(self, table, name, value, time_zone):
        """The value of a column as people see it."""
        kind = self.columns[table][name]
        if value == "":
            return ""
        if kind in self.tables:
            row = self.tables[kind].get(value, {})
            return row.get("name") or row.get("number") or ""
        if kind == "time":
            at = datetime.datetime.strptime(value, RAW).replace(tzinfo=datetime.timezone.utc)
            return at.astimezone(time_zone).strftime(RAW)
        if kind == "choice":
            return CHOICES.get((table, name), {}).get(value) or value.capitalize()
        return value

    def now(self):
        """The time by the instance's clock, in whole seconds; two changes may have the same."""
        self._last = max(self.clock().replace(microsecond=0), self._last)
        return self._last

    def new_id(self):
        """An id that nothing has."""
        return f"{self._random.getrandbits(128):032x}"

    def _stamped(self, row, sys_id, by):
        now = self.now().strftime(RAW)
        return row | {"sys_id": sys_id, "sys_created_on": now, "sys_created_by": by.user_name, "sys_updated_on": now,
                      "sys_updated_by": by.user_name, "sys_mod_count": "0"}  # fmt: skip

    def _note(self, table, sys_id, name, text, by):
        if text:
            self.journals.setdefault((table, sys_id, name), []).append((self.now(), by, text))

    def _audit(self, table, sys_id, name, old, new, by):
        if table not in NOT_AUDITED:
            audit_id = self.new_id()
            row = {"tablename": table, "documentkey": sys_id, "fieldname": name, "oldvalue": old, "newvalue": new,
                   "user": by.user_name}  # fmt: skip
            self.tables["sys_audit"][audit_id] = self._stamped(row, audit_id, by)

    def _tell(self, kind, table, sys_id, by):
        self.events.append(Event(kind, table, by, dict(self.tables[table][sys_id])))


def _stored(kind, value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if kind == "time":
        try:
            return datetime.datetime.strptime(text, RAW).strftime(RAW)
        except ValueError:
            return ""
    return text
