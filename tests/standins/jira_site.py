"""What a Jira site holds: people, fields with their options, the workflow, issues with all their history.

It knows nothing of HTTP. Tests change it as people and editors would, by the methods of JiraSite; each change that Jira
tells of becomes an event for the senders of webhooks.
"""

import dataclasses
import datetime
import functools
import itertools
import random
import threading
from dataclasses import dataclass, field

PACKAGES, WINDOWS, REBOOT = (
    "Linux Package Management Request",
    "Windows Package Management Request",
    "Reboot Request",
)
CATEGORIES = {"new": (2, "To Do"), "indeterminate": (4, "In Progress"), "done": (3, "Done")}
RESOLUTIONS = {"Done": "10000", "Won't Do": "10001", "Declined": "10002"}

STATUSES = {
    "Open": "new",
    "Waiting for Approval": "indeterminate",
    "Sending to Integration": "indeterminate",
    "Waiting for Integration": "indeterminate",
    "Failed": "indeterminate",
    "Completed": "done",
    "Declined": "done",
    "Closed": "done",
    "Revert Waiting for Approval": "indeterminate",
    "Sending Revert to Integration": "indeterminate",
    "Waiting for Integration to Revert": "indeterminate",
    "Failed to Revert": "indeterminate",
    "Reverted": "done",
}
# (name, the statuses it starts from, the status it leads to, the fields on its screen; with "!" they are required).
# The name of a transition is the same in both halves, so its id is not.
TRANSITIONS = (
    ("Request approval", ("Open",), "Waiting for Approval", ()),
    ("Approve", ("Waiting for Approval",), "Sending to Integration", ()),
    ("Decline", ("Waiting for Approval",), "Declined", ("resolution",)),
    ("Wait", ("Sending to Integration",), "Waiting for Integration", ()),
    ("Complete", ("Waiting for Integration",), "Completed", ("resolution",)),
    ("Fail", ("Sending to Integration", "Waiting for Integration"), "Failed", ()),
    ("Retry", ("Failed",), "Sending to Integration", ()),
    ("Close", ("Failed", "Declined", "Completed"), "Closed", ("resolution!",)),
    ("Revert", ("Completed",), "Revert Waiting for Approval", ()),
    ("Approve", ("Revert Waiting for Approval",), "Sending Revert to Integration", ()),
    ("Decline", ("Revert Waiting for Approval",), "Completed", ()),
    ("Wait", ("Sending Revert to Integration",), "Waiting for Integration to Revert", ()),
    ("Complete", ("Waiting for Integration to Revert",), "Reverted", ("resolution",)),
    ("Fail", ("Sending Revert to Integration", "Waiting for Integration to Revert"), "Failed to Revert", ()),
    ("Retry", ("Failed to Revert",), "Sending Revert to Integration", ()),
)


@dataclass(eq=False)
class Person:
    """
    Somebody with an account.

    kind
        ``atlassian``, ``app``, or ``customer``.
    email, token
        How they log in; no token: by no program.
    scopes
        Those of a token that works at the gateway alone; None: the token works at the site alone.
    is_admin
        Has *Administer Jira*.
    """

    name: str
    account_id: str
    key: str
    kind: str = "atlassian"
    time_zone: datetime.tzinfo = datetime.timezone(datetime.timedelta(hours=1))
    email: str = ""
    token: str | None = None
    scopes: tuple | None = None
    is_admin: bool = False


@dataclass(eq=False)
class Transition:
    """An arrow of the workflow. ``people``: who may take it; None: everybody."""

    id: str
    name: str
    sources: tuple
    target: str
    screen: tuple = ()
    people: list | None = None


@dataclass(eq=False)
class Option:
    """A value of a field; in a cascade the parent is the id of another one."""

    id: str
    value: str
    parent: str | None = None
    disabled: bool = False


@dataclass(eq=False)
class Context:
    """The options of a field, in their order, for the projects with these ids; none: for all others."""

    id: str
    name: str
    projects: list = field(default_factory=list)
    options: list = field(default_factory=list)


@dataclass(eq=False)
class Field:
    """A custom field, with its contexts by id."""

    id: str
    name: str
    kind: str
    contexts: dict = field(default_factory=dict)


@dataclass(eq=False)
class Asset:
    """An object of Assets. ``attributes``: the values by name, texts or other Assets, which it refers to."""

    id: str
    key: str
    attributes: dict


@dataclass(eq=False)
class Comment:
    """A comment; the body is as it was posted."""

    id: str
    author: Person
    body: object
    created: datetime.datetime
    updated: datetime.datetime
    updater: Person
    properties: dict = field(default_factory=dict)


@dataclass(eq=False)
class History:
    """An entry of the changelog; its items are as the API gives them."""

    id: str
    author: Person
    created: datetime.datetime
    items: list


@dataclass(eq=False)
class Attachment:
    """A file of an issue."""

    id: str
    name: str
    author: Person
    created: datetime.datetime
    content: bytes


@dataclass(eq=False)
class Approval:
    """A step of approval of JSM. ``answers``: approved or declined, by the Person; None: not yet."""

    id: str
    name: str
    approvers: list
    created: datetime.datetime
    answers: dict = field(default_factory=dict)
    completed: datetime.datetime | None = None

    @property
    def decision(self):
        """The final one; the first answer decides."""
        return next(iter(self.answers.values()), "pending")


@dataclass(eq=False)
class Issue:
    """A ticket. Values of its fields are as the API gives them, but times are datetimes."""

    id: str
    key: str
    type: str
    status: str
    creator: Person
    reporter: Person
    created: datetime.datetime
    updated: datetime.datetime
    fields: dict
    resolution: str | None = None
    history: list = field(default_factory=list)
    comments: list = field(default_factory=list)
    properties: dict = field(default_factory=dict)
    links: dict = field(default_factory=dict)
    attachments: list = field(default_factory=list)
    approvals: list = field(default_factory=list)
    hidden: bool = False
    archived: bool = False

    def copy(self):
        """The issue with the fields that it has now."""
        return dataclasses.replace(self, fields=dict(self.fields))


@dataclass(eq=False)
class Event:
    """A change that webhooks tell of: its kind, with the issue as it was right after it."""

    kind: str
    at: datetime.datetime
    by: Person
    issue: Issue
    history: History | None = None
    comment: Comment | None = None


def one_at_a_time(method):
    """Has a method that changes the site wait for the others, and for the server."""

    @functools.wraps(method)
    def run(self, *args, **kwargs):
        with self.lock:
            return method(self, *args, **kwargs)

    return run


class JiraSite:
    """The content of a site: one project with the workflow of saltconf21."""

    def __init__(self, project="SC21", seed=None):
        self.lock = threading.RLock()
        self.project = project
        self.projects = [project]
        # Without it there is no API of JSM.
        self.is_service_desk = True
        self._random = random.Random(seed)
        self._ids = itertools.count(10400)
        # The ids of a workflow are its own: no two sites have the same.
        self._transition_ids = itertools.count(self._random.randrange(11, 900, 10), 10)
        self._last = datetime.datetime.min.replace(tzinfo=datetime.timezone.utc)
        self.clock = lambda: datetime.datetime.now(datetime.timezone.utc)
        self.people = []
        self.issues = {}
        self.keys = {}
        self.workspace_id = "f1668d0c-828c-470c-b7d1-8c4f48cd345a"
        self.assets = {}
        # Without it the site has no Assets: it is a part of the dearer plans.
        self.has_assets = True
        self.events = []
        self.statuses = {name: (str(10010 + n), kind) for n, (name, kind) in enumerate(STATUSES.items())}
        self.transitions = []
        for name, sources, target, screen in TRANSITIONS:
            self.add_transition(name, sources, target, screen)
        self.types = {PACKAGES: "10011", WINDOWS: "10012", REBOOT: "10013"}
        self.custom = {}
        for number, name, kind in (
            (10101, "Minions", "multiselect"),
            (10102, "Linux Minions", "multiselect"),
            (10103, "Windows Minions", "multiselect"),
            (10104, "Linux Package", "cascade"),
            (10105, "Windows Package", "cascade"),
            (10106, "After", "datetime"),
            (10107, "Package list", "textarea"),
        ):
            self.add_field(f"customfield_{number}", name, kind)
        self.bot = self.person("Approval Bot", token=True, is_admin=True)
        self.zoe = self.person("Zoë Requester")
        self.angel = self.person("Ángel Approver")

    # Acts of administrators.

    def person(self, name, kind="atlassian", token=False, scopes=None, is_admin=False):
        """A new Person; with a token (made up) they can log in."""
        number = len(self.people) + 1
        person = Person(
            name=name,
            account_id=f"712020:{number:08d}-0000-4000-8000-{self._random.randrange(10**12):012d}",
            key=f"JIRAUSER{10900 + number}",
            kind=kind,
            email=f"person{number}@example.org",
            token=f"token-{number}-{self._random.randrange(10**12):012d}" if token else None,
            scopes=scopes,
            is_admin=is_admin,
        )
        self.people.append(person)
        return person

    def add_transition(self, name, sources, target, screen=(), people=None):
        """A new arrow of the workflow."""
        transition = Transition(str(next(self._transition_ids)), name, tuple(sources), target, tuple(screen), people)
        self.transitions.append(transition)
        return transition

    def permit(self, name, people):
        """Has these alone take the transitions of a name."""
        for transition in self.transitions:
            if transition.name == name:
                transition.people = list(people)

    def add_field(self, field_id, name, kind):
        """A new custom field; one of options has a context of its own."""
        made = Field(field_id, name, kind)
        if kind in ("multiselect", "cascade"):
            context = Context(self.new_id(), f"Default Configuration Scheme for {name}")
            made.contexts[context.id] = context
        self.custom[field_id] = made
        return made

    @one_at_a_time
    def asset(self, **attributes):
        """A new Asset of which each attribute has one value, or the list of them."""
        number = len(self.assets) + 88
        texts = {name: value if isinstance(value, list) else [value] for name, value in attributes.items()}
        self.assets[str(number)] = Asset(str(number), f"CMDB-{number}", texts)
        return self.assets[str(number)]

    @one_at_a_time
    def option(self, field_id, value, parent=None):
        """The id of an option of the field's first context, which is made where it is not there."""
        options = next(iter(self.custom[field_id].contexts.values())).options
        for known in options:
            if (known.value, known.parent) == (value, parent):
                return known.id
        options.append(Option(self.new_id(), value, parent))
        return options[-1].id

    def hide(self, key, is_hidden=True):
        """Takes from everybody the permission to see an issue, or gives it back."""
        self.issue(key).hidden = is_hidden

    def archive(self, key):
        """Puts an issue away."""
        self.issue(key).archived = True

    # Acts of people.

    @one_at_a_time
    def create(self, issue_type=PACKAGES, fields=None, by=None, reporter=None, status="Waiting for Approval"):
        """
        A new issue, in this status. Fields are simple values by id: a list for a multi-select, (parent, child) or a
        text for a cascade, a datetime or its text, a text.
        """
        now = self.now()
        by = by or self.zoe
        number = len(self.keys) + 101
        issue = Issue(
            id=self.new_id(),
            key=f"{self.project}-{number}",
            type=issue_type,
            status=status,
            creator=by,
            reporter=reporter or by,
            created=now,
            updated=now,
            fields={"summary": f"Ticket {number}", "description": None},
        )
        for name, value in (fields or {}).items():
            issue.fields[name] = self.value(name, value)
        self.issues[issue.id] = issue
        self.keys[issue.key] = issue.id
        self.tell("jira:issue_created", by, issue)
        return issue

    def issue(self, id_or_key):
        """The issue, also by a key that it had. Raises KeyError."""
        if isinstance(id_or_key, Issue):
            return id_or_key
        return self.issues[self.keys.get(id_or_key.upper(), id_or_key)]

    @one_at_a_time
    def edit(self, key, fields, by=None, with_status=None):
        """
        Changes fields (as create() takes them) in one entry of the history.

        with_status
            The status that is changed in the same entry, as the screen of a transition does.
        """
        issue = self.issue(key)
        items = []
        for name, simple in fields.items():
            value = self.value(name, simple)
            items.append(self._item(name, issue.fields.get(name), value))
            issue.fields[name] = value
        if with_status:
            items.append(self._move(issue, with_status))
        return self.record(issue, by or self.zoe, items)

    @one_at_a_time
    def transition(self, key, name, by=None):
        """Takes the transition of that name, as this person may. Raises ValueError where they may not."""
        issue, by = self.issue(key), by or self.angel
        for transition in self.available(issue, by):
            if transition.name.lower() == name.lower():
                return self.take(issue, transition, by)
        raise ValueError(f"{by.name} cannot take {name!r} from {issue.status!r}")

    @one_at_a_time
    def comment(self, key, body, by=None, properties=None):
        """A new comment."""
        issue, now = self.issue(key), self.now()
        by = by or self.zoe
        comment = Comment(self.new_id(), by, body, now, now, by, dict(properties or {}))
        issue.comments.append(comment)
        issue.updated = now
        self.tell("comment_created", by, issue, comment=comment)
        return comment

    @one_at_a_time
    def move(self, key, project):
        """Moves an issue to another project: its key is another one, the old one leads to it."""
        issue = self.issue(key)
        if project not in self.projects:
            self.projects.append(project)
        old = issue.key
        issue.key = f"{project}-{len(self.keys) + 1}"
        self.keys[issue.key] = issue.id
        items = [
            {"field": "project", "fieldtype": "jira", "fieldId": "project", "from": "10000", "fromString": self.project,
             "to": "10001", "toString": project},
            {"field": "Key", "fieldtype": "jira", "from": None, "fromString": old, "to": None, "toString": issue.key},
        ]  # fmt: skip
        self.record(issue, self.zoe, items)
        return issue

    @one_at_a_time
    def delete(self, key, by=None):
        """Deletes an issue for good."""
        issue = self.issue(key)
        del self.issues[issue.id]
        self.tell("jira:issue_deleted", by or self.zoe, issue)

    @one_at_a_time
    def overwrite_property(self, key, name, value):
        """What any editor can do to a property, and nobody is told of."""
        self.issue(key).properties[name] = value

    @one_at_a_time
    def ask_approval(self, key, approvers, name="Waiting for approval"):
        """A step of approval of JSM."""
        approval = Approval(self.new_id(), name, list(approvers), self.now())
        self.issue(key).approvals.append(approval)
        return approval

    @one_at_a_time
    def answer_approval(self, key, by, decision="approved", then="Approve"):
        """An approver's answer to the pending step, which takes the transition of the workflow."""
        issue = self.issue(key)
        approval = next(step for step in issue.approvals if step.decision == "pending" and by in step.approvers)
        approval.answers[by] = decision
        approval.completed = self.now()
        if then:
            self.transition(issue, then, by)
        return approval

    # Common to both.

    def available(self, issue, person):
        """The transitions that the person may take now."""
        return [
            transition
            for transition in self.transitions
            if issue.status in transition.sources and (transition.people is None or person in transition.people)
        ]

    @one_at_a_time
    def take(self, issue, transition, by, resolution=None):
        """Takes a transition, with the resolution that its screen may set."""
        items = [self._move(issue, transition.target)]
        if resolution:
            items.insert(0, {
                "field": "resolution", "fieldtype": "jira", "fieldId": "resolution",
                "from": RESOLUTIONS.get(issue.resolution), "fromString": issue.resolution,
                "to": RESOLUTIONS[resolution], "toString": resolution,
            })  # fmt: skip
            issue.resolution = resolution
        return self.record(issue, by, items)

    @one_at_a_time
    def record(self, issue, by, items):
        """A new entry of the history, which webhooks tell of."""
        entry = History(self.new_id(), by, self.now(), items)
        issue.history.append(entry)
        issue.updated = entry.created
        self.tell("jira:issue_updated", by, issue, history=entry)
        return entry

    def tell(self, kind, by, issue, history=None, comment=None):
        """Notes an event for the senders, with the issue as it is now."""
        self.events.append(Event(kind, self.now(), by, issue.copy(), history, comment))

    def now(self):
        """The time by the site's clock, in whole milliseconds; never one twice."""
        now = self.clock()
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        self._last = max(now, self._last + datetime.timedelta(milliseconds=1))
        return self._last

    def new_id(self):
        """An id that nothing has."""
        return str(next(self._ids))

    def value(self, name, simple):
        """The value of a field as the API has it, of the simple one that tests write."""
        kind = self.custom[name].kind if name in self.custom else "system"
        if simple is None or kind in ("system", "textarea", "assets"):
            return simple
        if kind == "multiselect":
            return [{"value": text, "id": self.option(name, text)} for text in simple]
        if kind == "cascade":
            parent, child = (simple, None) if isinstance(simple, str) else simple
            parent_id = self.option(name, parent)
            value = {"value": parent, "id": parent_id}
            if child is not None:
                value["child"] = {"value": child, "id": self.option(name, child, parent_id)}
            return value
        if isinstance(simple, str):
            return datetime.datetime.fromisoformat(simple.replace("Z", "+00:00"))
        return simple

    def _move(self, issue, target):
        source, issue.status = issue.status, target
        return {
            "field": "status", "fieldtype": "jira", "fieldId": "status",
            "from": self.statuses[source][0], "fromString": source,
            "to": self.statuses[target][0], "toString": target,
        }  # fmt: skip

    def _item(self, name, old, new):
        custom = self.custom.get(name)
        item = {"field": custom.name if custom else name, "fieldtype": "custom" if custom else "jira", "fieldId": name}
        item["from"], item["fromString"] = _shown(custom, old)
        item["to"], item["toString"] = _shown(custom, new)
        return item


def _shown(custom, value):
    """(from or to, fromString or toString) of a value in the changelog."""
    if value is None:
        return None, None
    if custom and custom.kind == "multiselect":
        return "[" + ", ".join(option["id"] for option in value) + "]", ",".join(option["value"] for option in value)
    if custom and custom.kind == "cascade":
        text = f"Parent values: {value['value']}({value['id']})"
        if "child" in value:
            text += f"Level 1 values: {value['child']['value']}({value['child']['id']})"
        return None, text
    if custom and custom.kind == "assets":
        return ",".join(one.id for one in value), ",".join(one.key for one in value)
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S%z"), value.strftime("%d/%b/%y %-I:%M %p")
    return None, str(value)
