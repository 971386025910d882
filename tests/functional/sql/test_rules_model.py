"""
The approval rules as a model in plain Python, and random sequences of acts that compare the database with it.

The class Rules is the specification for people: every rule once, without locks, hashes or SQL. After each act
the database must have answered as the model does (done, or refused with that SQLSTATE), hold every request in
the same state, export the same documents with revisions that only grow, and verify its audit trail.

RULES_EXAMPLES sets how many sequences are tried.
"""

import datetime
import json
import os
from dataclasses import dataclass, field

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from psycopg.types.json import Jsonb

EXAMPLES = int(os.environ.get("RULES_EXAMPLES", "10"))
STEPS = 30

# --- The policy that all sequences play under.

PEOPLE = ["alice", "bob", "carol", "dave", "erin"]
BREAKS_GLASS = "erin"
GROUPS = {"owners": {"alice", "bob", "carol"}, "board": {"bob", "carol", "dave"}, "chiefs": {"erin"}}
MINIONS = ["web1", "web2", "web3"]
MINION_GROUPS = {"edge": {"web3"}}
PACKAGES = ["hello", "sl"]
VERSIONS = ["1", "2", "latest", None]  # None: the package must be absent
WHAT_LATEST_WAS = "2.5"


@dataclass(frozen=True)
class Stage:
    """One stage of a chain: any one of the groups reaching its quorum passes it."""

    any_of: dict
    authenticated: bool = False  # salt-run, which only asserts who acts, is not enough
    more_than_minions: int = 0  # needed only by requests over more minions than this


@dataclass(frozen=True)
class Type:
    """A request type."""

    name: str
    chain: list
    requesters: tuple = ("*",)
    self_approval: bool = False
    repeat_approval: bool = False
    kind: str = "package"

    def __repr__(self):
        return self.name

    @property
    def pre_approved(self):
        return not self.chain

    def definition(self):
        """As put_request_type takes it."""
        chain = [
            {
                "name": f"stage {number}",
                "min_assurance": "authenticated" if stage.authenticated else "asserted",
                "more_than_minions": stage.more_than_minions,
                "any_of": [{"group": group, "quorum": quorum} for group, quorum in stage.any_of.items()],
            }
            for number, stage in enumerate(self.chain)
        ]
        return {
            "name": self.name,
            "kind": self.kind,
            "requesters": list(self.requesters),
            "pre_approved": self.pre_approved,
            "self_approval": self.self_approval,
            "repeat_approval": self.repeat_approval,
            "chain": chain,
        }


OWNER = Stage({"owners": 1})
TYPES = {
    each.name: each
    for each in [
        Type("simple", [OWNER]),
        Type("strict", [OWNER, Stage({"board": 2, "chiefs": 1}, authenticated=True)]),
        Type("careful", [Stage({"owners": 2}), Stage({"board": 1}, more_than_minions=1)]),
        Type("lab", [OWNER, Stage({"owners": 1, "board": 1})], self_approval=True, repeat_approval=True),
        Type("standard", [], requesters=("owners",)),
        Type("revert", [OWNER], kind="any"),
    ]
}
ASKED_FOR = [name for name in TYPES if name != "revert"]


# --- The rules.


class Refused(Exception):
    """The rules say no; the argument is the SQLSTATE."""


def refuse_if(condition, sqlstate):
    """Raise Refused if the condition holds."""
    if condition:
        raise Refused(sqlstate)


@dataclass(eq=False)
class Item:
    """A request's wish for one package on one minion."""

    request: "Request"
    minion: str
    package: str
    version: str | None
    state: str = "proposed"  # void, approved, superseded, withdrawn
    # (days from now, number of the approval): of two items on one resource the greater one wins.
    due: tuple | None = None
    outcome: str = "waiting"  # converged, failed
    pinned: str | None = None  # what latest was when it was proven
    before: list = field(default_factory=list)  # the one thing known to have been there before, if any

    def __repr__(self):
        return f"{self.package} {self.version or 'absent'} on {self.minion}"

    @property
    def resource(self):
        return self.minion, self.package

    @property
    def applied(self):
        return self.outcome == "converged"

    @property
    def wanted(self):
        return self.pinned or self.version

    @property
    def is_due(self):
        return self.state == "approved" and self.due[0] == 0


@dataclass(eq=False)
class Request:
    """A request; items are those of its present version, decisions those that still count."""

    number: int
    type: Type
    parties: set  # who asked, and for whom
    days: int  # in how many days it takes effect
    items: list = field(default_factory=list)
    state: str = "pending"
    stages: dict = field(default_factory=dict)  # number -> passed?
    decisions: list = field(default_factory=list)  # (stage number, who, the member they count for)
    overlaps: dict = field(default_factory=dict)  # request -> supersede, wait or None: to be resolved
    glass_broken: bool = False

    def __repr__(self):
        return f"request {self.number}"

    @property
    def minions(self):
        return {item.minion for item in self.items}

    @property
    def stage(self):
        """The number of the stage that it is at."""
        return min(number for number, passed in self.stages.items() if not passed)


class Rules:
    """The rules: who may do what, and what becomes of it. An act raises Refused and changes nothing, or is done."""

    def __init__(self):
        self.members = {group: set(members) for group, members in GROUPS.items()}
        self.minion_groups = {group: set(minions) for group, minions in MINION_GROUPS.items()}
        self.delegations = {}  # number -> (from, to)
        self.freezes = {}  # name -> (type or None, minion group or None); each is in force
        self.requests = {}
        self._approvals = 0

    # Asking.

    def submit(self, number, who, type_name, wanted, days=0, on_behalf_of=None, overlap=None):
        """``wanted``: (minion, package) -> version. ``number``: which the request gets if it is taken."""
        kind = TYPES[type_name]
        refuse_if("*" not in kind.requesters and not self._is_in_any(who, kind.requesters), "AP002")
        request = Request(number, kind, {who, on_behalf_of or who}, days)
        self._set_items(request, wanted)
        request.overlaps = dict.fromkeys(self._contradicted(request), overlap)
        # A requester who needs no approval is not trusted to contradict others unawares.
        refuse_if(kind.pre_approved and self._blocking_overlap(request), "AP018")
        request.stages = dict.fromkeys(self._stages_for(request), False)
        self.requests[number] = request
        if kind.pre_approved:
            self._approve(request)

    def revert(self, number, who, target, minions=None):
        """Ask for what held before ``target``, on all of its minions or these. The revert passes its own chain."""
        target = self.requests[target]
        was_approved = target.state in ("approved", "partial", "failed", "converged", "superseded")
        refuse_if(not was_approved, "AP006")
        refuse_if(set(minions or ()) - target.minions, "AP004")
        restored = {}
        for item in target.items:
            if item.state in ("approved", "superseded") and (minions is None or item.minion in minions):
                earlier = [
                    past
                    for past in self._items(item.resource)
                    if past.state in ("approved", "superseded") and past.due < item.due
                ]
                # The value approved before it; else what the minion had; else it is left out.
                if earlier:
                    restored[item.resource] = max(earlier, key=lambda past: past.due).wanted
                elif item.before:
                    restored[item.resource] = item.before[0]
        refuse_if(not restored, "AP015")
        self.submit(number, who, "revert", restored)

    def amend(self, who, number, wanted):
        """Give a pending request other items. Decisions stay if items only go, and are void otherwise."""
        request = self.requests[number]
        refuse_if(who not in request.parties, "AP002")
        refuse_if(request.state != "pending", "AP006")
        present = {item.resource: item.version for item in request.items}
        if wanted == present:
            return
        for item in request.items:
            item.state = "void"
        self._set_items(request, wanted)
        resolved = request.overlaps
        request.overlaps = dict.fromkeys(self._contradicted(request))
        if wanted.items() - present.items():
            request.decisions = []
            request.stages = dict.fromkeys([*request.stages, *self._stages_for(request)], False)
        else:
            request.overlaps = {other: resolved.get(other) for other in request.overlaps}

    def resolve(self, who, number, other, resolution):
        """Say what becomes of a request that this one contradicts; before anybody decided."""
        request = self.requests[number]
        refuse_if(who not in request.parties, "AP002")
        refuse_if(request.state != "pending", "AP006")
        refuse_if(request.decisions, "AP010")
        refuse_if(self.requests[other] not in request.overlaps, "AP014")
        request.overlaps[self.requests[other]] = resolution

    def cancel(self, who, number):
        """Take back what is pending, or of what is approved all that no evidence told anything of."""
        request = self.requests[number]
        refuse_if(who not in request.parties, "AP002")
        if request.state == "pending":
            self._close(request, "cancelled")
            return
        rest = [item for item in request.items if item.state == "approved" and item.outcome == "waiting"]
        refuse_if(request.state != "approved" or not rest, "AP006")
        for item in rest:
            item.state = "withdrawn"
        if any(item.state == "approved" or (item.state == "superseded" and item.applied) for item in request.items):
            self._settle(request)
        else:
            request.state = "withdrawn"

    # Deciding.

    def check_decision(self, who, authenticated, number, decision, saw_present_items=True):
        """Refuse, or give the member for whom it would count."""
        request = self.requests[number]
        refuse_if(request.state != "pending", "AP006")
        refuse_if(who in request.parties and not request.type.self_approval, "AP007")
        refuse_if(not saw_present_items, "AP011")
        used_up = set()  # one person counts once: at a stage, and unless the type says so, in all of them
        for stage, voter, counts_for in request.decisions:
            if stage == request.stage or not request.type.repeat_approval:
                used_up |= {voter, counts_for}
        refuse_if(who in used_up, "AP010")
        members = self._members_for(who, request)
        refuse_if(not members, "AP008")
        free = [member for member in members if member not in used_up]
        refuse_if(not free, "AP010")
        refuse_if(request.type.chain[request.stage].authenticated and not authenticated, "AP009")
        refuse_if(decision == "approve" and self._blocking_overlap(request), "AP018")
        return free[0]

    def decide(self, who, authenticated, number, decision, saw_present_items=True):
        """Approve or reject at the stage that the request is at."""
        member = self.check_decision(who, authenticated, number, decision, saw_present_items)
        request = self.requests[number]
        if decision == "reject":
            self._close(request, "rejected")
            return
        request.decisions.append((request.stage, who, member))
        while self._is_passed(request, request.stage):
            request.stages[request.stage] = True
            if all(request.stages.values()):
                self._approve(request)
                return

    def delegate(self, number, who, to):
        """Let another decide in one's stead."""
        refuse_if(who == to, "AP001")
        self.delegations[number] = (who, to)

    def end_delegation(self, who, number):
        """Whether there was such a delegation of one's own."""
        if self.delegations.get(number, (None,))[0] != who:
            return False
        del self.delegations[number]
        return True

    def _members_for(self, who, request):
        """Whose vote this person can give at the present stage: their own, then those delegated to them."""
        delegated = sorted({principal for principal, to in self.delegations.values() if to == who})
        excluded = set() if request.type.self_approval else request.parties
        groups = request.type.chain[request.stage].any_of
        return [member for member in [who, *delegated] if member not in excluded and self._is_in_any(member, groups)]

    def _is_passed(self, request, stage):
        approvers = {member for at, _, member in request.decisions if at == stage}
        return any(
            len(approvers & self.members[group]) >= quorum for group, quorum in request.type.chain[stage].any_of.items()
        )

    def _is_in_any(self, who, groups):
        return any(who in self.members[group] for group in groups)

    def _stages_for(self, request):
        return [
            number for number, stage in enumerate(request.type.chain) if stage.more_than_minions < len(request.minions)
        ]

    # What is approved.

    def break_glass(self, who, number):
        """Let an approved request past freezes."""
        refuse_if(who != BREAKS_GLASS, "42501")
        request = self.requests[number]
        refuse_if(request.state not in ("approved", "partial", "failed") or request.glass_broken, "AP006")
        request.glass_broken = True

    def in_force(self, minion):
        """The items that the minion's document holds, by package."""
        held = {}
        for item in self._all_items():
            free = item.applied or item.request.glass_broken or not self._is_frozen(item)
            if item.minion == minion and item.is_due and free:
                held[item.package] = max(item, held.get(item.package, item), key=lambda each: each.due)
        return held

    def record_return(self, document, verdicts, before):
        """
        Move what authentic evidence moves. ``document``: the items of the revision that it proves, by package;
        ``verdicts``, ``before``: by package.
        """
        for package, item in document.items():
            if package in before and not item.before:
                item.before = [before[package]]
            # Converged is final: what deviates later is the minion's drift, not the item's.
            if package in verdicts and not item.applied:
                item.outcome = verdicts[package]
                item.pinned = WHAT_LATEST_WAS if item.applied and item.version == "latest" else None
        self._overtake()

    def _is_frozen(self, item):
        """A freeze holds back a change that was never applied; what held before stays."""
        return any(
            type_name in (None, item.request.type.name) and (group is None or item.minion in self.minion_groups[group])
            for type_name, group in self.freezes.values()
        )

    def _approve(self, request):
        request.state = "approved"
        for item in request.items:
            self._approvals += 1
            item.state, item.due = "approved", (request.days, self._approvals)
        superseded = [other for other, resolution in request.overlaps.items() if resolution == "supersede"]
        resources = {item.resource for item in request.items}
        for other in superseded:
            for item in other.items:
                # An item that is due already is overtaken like any other: once this takes its place.
                if item.state == "approved" and not item.is_due and item.resource in resources:
                    item.state = "superseded"
        self._overtake()
        for other in superseded:
            if other.state == "pending":
                self._close(other, "cancelled")

    def _overtake(self):
        """
        Put away items for good that a later one on the same resource overtook: one that was applied; or, of
        two never applied, one of the same type, which the same freezes hold back.
        """
        due = [item for item in self._all_items() if item.is_due]
        lost = [
            item
            for item in self._all_items()
            if item.state == "approved"
            and any(
                winner.resource == item.resource
                and winner.due > item.due
                and (winner.applied or (not item.applied and self._held_back_alike(winner, item)))
                for winner in due
            )
        ]
        for item in lost:
            item.state = "superseded"
        for request in self.requests.values():
            self._settle(request)

    @staticmethod
    def _held_back_alike(one, other):
        return (
            one.request.type is other.request.type and not one.request.glass_broken and not other.request.glass_broken
        )

    @staticmethod
    def _settle(request):
        """Bring the state in line with what the items came to, once none of them waits."""
        if request.state not in ("approved", "partial", "failed"):
            return
        approved = [item for item in request.items if item.state == "approved"]
        converged = any(item.applied for item in request.items if item.state in ("approved", "superseded"))
        failed = any(item.outcome == "failed" for item in approved)
        if any(item.outcome == "waiting" for item in approved):
            return
        if failed:
            request.state = "partial" if converged else "failed"
        else:
            request.state = "converged" if converged else "superseded"

    # What contradicts what.

    def _contradicted(self, request):
        """Open requests that want something else of the same resource and are not in force yet."""
        wanted = {item.resource: item.version for item in request.items}
        return [
            other
            for other in self.requests.values()
            if other is not request
            and any(
                (item.state == "proposed" or (item.state == "approved" and not item.is_due))
                and item.resource in wanted
                and item.version != wanted[item.resource]
                for item in other.items
            )
        ]

    @staticmethod
    def _blocking_overlap(request):
        """Whether an open request that this one contradicts keeps it from being approved."""
        return any(
            resolution != "supersede"
            and (other.state == "pending" or any(item.state == "approved" and not item.is_due for item in other.items))
            for other, resolution in request.overlaps.items()
        )

    @staticmethod
    def _set_items(request, wanted):
        request.items = [Item(request, *resource, version) for resource, version in wanted.items()]

    @staticmethod
    def _close(request, state):
        request.state = state
        for item in request.items:
            item.state = "void"

    def _all_items(self):
        return [item for request in self.requests.values() for item in request.items]

    def _items(self, resource):
        return [item for item in self._all_items() if item.resource == resource]


# --- The database beside the model.


def requests_in(*states):
    """A request in one of these states; any, if there is none or none is named. The newest first."""

    def choose(self):
        requests = self.rules.requests.values()
        chosen = [request.number for request in requests if request.state in states]
        return st.sampled_from(sorted(chosen or self.rules.requests, reverse=True))

    return st.runner().flatmap(choose)


REQUESTS = requests_in()
PENDING = requests_in("pending")
APPROVED = requests_in("approved", "partial", "failed", "converged", "superseded")
# The first of each more often than the others: rules are about what happens to the same resource.
WANTED = st.dictionaries(
    st.tuples(st.sampled_from(MINIONS[:1] * 3 + MINIONS), st.sampled_from(PACKAGES[:1] * 3 + PACKAGES)),
    st.sampled_from(VERSIONS),
    min_size=1,
    max_size=3,
)
WHO = st.sampled_from(PEOPLE)
PARTY = st.none() | st.none() | WHO  # mostly None: one of those who may
RESOLUTIONS = st.sampled_from(["supersede", "wait"])
WRONG_DIGEST = "sha256:" + "0" * 64
any_request = precondition(lambda self: self.rules.requests)


# The kept counts of large requests, and pages of their items, beside one look at each item.
KEPT = """
SELECT s.request_id, s.item_set_version, c.state, c.outcome, c.items
FROM approval.item_set AS s, approval.count_items(s.request_id, s.item_set_version) AS c
"""
COUNTED = "SELECT request_id, item_set_version, state, outcome, count(*) FROM approval.item GROUP BY 1, 2, 3, 4"
GROUPS_KEPT = """
SELECT s.request_id, s.item_set_version, g.minions, g.first_minion, g.last_minion, g.group_count
FROM approval.item_set AS s, approval.item_groups(s.request_id, s.item_set_version, true, false, 100) AS g
"""
GROUPED = """
SELECT m.request_id, m.item_set_version, count(*), min(m.minion_id), max(m.minion_id),
    count(*) OVER (PARTITION BY m.request_id, m.item_set_version)
FROM (SELECT request_id, item_set_version, minion_id,
          array_agg(ARRAY[kind, name, type, content] ORDER BY kind, name) AS asked
      FROM approval.item GROUP BY 1, 2, 3) AS m
GROUP BY m.request_id, m.item_set_version, m.asked
"""
LISTED = """
SELECT l.standing, (l.item).item_id
FROM approval.item_set AS s CROSS JOIN unnest(ARRAY['waiting', 'converged', 'failed', 'drift', 'drifted']) AS wanted
CROSS JOIN LATERAL approval.list_items(s.request_id, s.item_set_version, ARRAY[wanted], NULL, 1000) AS l
WHERE l.standing = wanted
"""
STANDING = """
SELECT CASE WHEN d.item_id IS NOT NULL THEN 'drifted' ELSE i.outcome END, i.item_id
FROM approval.item AS i
LEFT JOIN approval.drift AS d ON d.minion_id = i.minion_id AND d.item_id = i.item_id AND d.cleared_at IS NULL
    AND i.state = 'approved'
WHERE i.state <> 'withdrawn' OR i.outcome <> 'waiting'
"""


class Sequence(RuleBasedStateMachine):
    """One random sequence of acts, in a database of its own."""

    def __init__(self, new_database):
        super().__init__()
        self.rules = Rules()
        self.revisions = dict.fromkeys(MINIONS, 0)
        self.documents = {}  # (minion, revision) -> the model's items in force then
        self.returns = 0
        self.start = datetime.datetime.now(datetime.timezone.utc)
        self._context = new_database("rules")
        self.connection = psycopg.connect(self._context.__enter__().dsn(), autocommit=True)
        self._load_policy()

    def teardown(self):
        self.connection.close()
        self._context.__exit__(None, None, None)

    # Asking.

    @rule(
        who=WHO, type_name=st.sampled_from(ASKED_FOR), wanted=WANTED, days=st.sampled_from([0, 0, 0, 1, 2]),
        on_behalf_of=st.none() | WHO, overlap=st.none() | RESOLUTIONS, approved=st.booleans(),
    )  # fmt: skip
    def submit(self, who, type_name, wanted, days, on_behalf_of, overlap, approved):
        after = self.start + datetime.timedelta(days=days) if days else None
        items = self._items(wanted)
        number = self._act(
            who, "submit_request", type_name, "because", *items, after, "pg", None, on_behalf_of, overlap
        )
        self._agree(number, self.rules.submit, number, who, type_name, wanted, days, on_behalf_of, overlap)
        # Half of them get all their approvals at once, so that many sequences reach what comes after.
        if approved and number in self.rules.requests:
            self.approve_as_far_as_possible(number, PEOPLE)

    @any_request
    @rule(
        who=WHO, type_name=st.sampled_from(ASKED_FOR), other=REQUESTS, version=st.sampled_from(VERSIONS),
        more=st.just({}) | WANTED, days=st.sampled_from([0, 0, 1]), overlap=st.none() | RESOLUTIONS,
        approved=st.booleans(),
    )  # fmt: skip
    def contradict(self, who, type_name, other, version, more, days, overlap, approved):
        wanted = {item.resource: version for item in self.rules.requests[other].items} | more
        self.submit(who, type_name, wanted, days, None, overlap, approved)

    @any_request
    @rule(
        who=WHO,
        undone=APPROVED | REQUESTS,
        minions=st.none() | st.lists(st.sampled_from(MINIONS), min_size=1, unique=True),
    )
    def revert(self, who, undone, minions):
        answer = self._act(who, "revert_request", undone, minions, "")
        self._agree(answer, self.rules.revert, answer, who, undone, minions)

    @any_request
    @rule(
        who=PARTY, number=PENDING, kept=st.sets(st.integers(0, 5), min_size=1),
        more=st.just({}) | WANTED,
    )  # fmt: skip
    def amend(self, who, number, kept, more):
        request = self.rules.requests[number]
        who = who or min(request.parties)
        wanted = {item.resource: item.version for place, item in enumerate(request.items) if place in kept} | more
        if wanted:
            answer = self._act(who, "amend_request", number, *self._items(wanted), "")
            self._agree(answer, self.rules.amend, who, number, wanted)

    @any_request
    @rule(who=WHO, number=REQUESTS, other=REQUESTS, resolution=RESOLUTIONS)
    def resolve(self, who, number, other, resolution):
        answer = self._act(who, "resolve_overlap", number, other, resolution)
        self._agree(answer, self.rules.resolve, who, number, other, resolution)

    @precondition(lambda self: any(request.overlaps for request in self.rules.requests.values()))
    @rule(data=st.data(), resolution=RESOLUTIONS)
    def resolve_what_there_is(self, data, resolution):
        request = data.draw(st.sampled_from([each for each in self.rules.requests.values() if each.overlaps]))
        other = data.draw(st.sampled_from(list(request.overlaps)))
        self.resolve(min(request.parties), request.number, other.number, resolution)

    @any_request
    @rule(who=PARTY, number=REQUESTS)
    def cancel(self, who, number):
        who = who or min(self.rules.requests[number].parties)
        self._agree(self._act(who, "cancel_request", number, ""), self.rules.cancel, who, number)

    # Deciding.

    @any_request
    @rule(
        who=WHO, authenticated=st.booleans(), number=REQUESTS,
        decision=st.sampled_from(["approve", "approve", "approve", "reject"]),
        sees=st.sampled_from([True, True, False]),
    )  # fmt: skip
    def decide(self, who, authenticated, number, decision, sees):
        digest = None if sees else WRONG_DIGEST
        answer = self._act(who, "decide", number, decision, "", digest, authenticated=authenticated)
        self._agree(answer, self.rules.decide, who, authenticated, number, decision, sees)

    @any_request
    @rule(number=PENDING, people=st.permutations(PEOPLE))
    def approve_once(self, number, people):
        for who in people:
            decisions = len(self.rules.requests[number].decisions)
            self.decide(who, True, number, "approve", True)
            if len(self.rules.requests[number].decisions) > decisions:
                break

    @any_request
    @rule(number=PENDING, people=st.permutations(PEOPLE))
    def approve_as_far_as_possible(self, number, people):
        for who in people:
            self.decide(who, True, number, "approve", True)

    @any_request
    @rule(number=PENDING, people=st.permutations(PEOPLE), more=WANTED)
    def amend_what_was_decided_on(self, number, people, more):
        self.approve_once(number, people)
        self.amend(None, number, {0, 1, 2}, more)
        self.approve_as_far_as_possible(number, people[::-1])

    @any_request
    @rule(number=PENDING)
    def ask_who_may_decide(self, number):
        for who in PEOPLE:
            for authenticated in (True, False):
                for decision in ("approve", "reject"):
                    with self.connection.transaction(force_rollback=True):
                        answer = self._act(who, "decide", number, decision, "", None, authenticated=authenticated)
                        self._agree(answer, self.rules.check_decision, who, authenticated, number, decision)

    @rule(who=WHO, to=WHO)
    def delegate(self, who, to):
        until = self.start + datetime.timedelta(days=1)
        answer = self._act(who, "delegate", to, None, until)
        self._agree(answer, self.rules.delegate, answer, who, to)

    @any_request
    @rule(who=WHO, number=PENDING, data=st.data())
    def decide_for_each_other(self, who, number, data):
        # Also for those who may not decide themselves.
        absent = data.draw(WHO | st.sampled_from(sorted(self.rules.requests[number].parties)))
        self.delegate(absent, who)
        self.decide(who, True, number, "approve", True)
        self.decide(absent, True, number, "approve", True)

    @precondition(lambda self: self.rules.delegations)
    @rule(who=WHO, data=st.data())
    def end_delegation(self, who, data):
        number = data.draw(st.sampled_from(sorted(self.rules.delegations)))
        assert self._act(who, "end_delegation", number) == self.rules.end_delegation(who, number)

    @rule(who=WHO, group=st.sampled_from(sorted(GROUPS)))
    def join_or_leave(self, who, group):
        members = self.rules.members[group]
        function = "drop_membership" if who in members else "put_membership"
        assert self._call(function, group, who) is True
        members ^= {who}

    # What is approved.

    @any_request
    @rule(who=st.sampled_from([BREAKS_GLASS, BREAKS_GLASS, "alice"]), number=APPROVED | REQUESTS)
    def break_glass(self, who, number):
        answer = self._act(who, "break_glass", number, "an outage")
        self._agree(answer, self.rules.break_glass, who, number)

    @rule(
        name=st.sampled_from(["first", "second"]), type_name=st.none() | st.sampled_from(sorted(TYPES)),
        group=st.none() | st.just("edge"),
    )  # fmt: skip
    def put_freeze(self, name, type_name, group):
        hour = datetime.timedelta(hours=1)
        changes = self.rules.freezes.get(name) != (type_name, group)
        arguments = (name, self.start - hour, self.start + 5 * hour, type_name, group, "no change")
        assert self._call("put_freeze", *arguments) == changes
        self.rules.freezes[name] = (type_name, group)

    @rule(minion=st.sampled_from(MINIONS), group=st.sampled_from(sorted(MINION_GROUPS)))
    def regroup(self, minion, group):
        self.rules.minion_groups[group] ^= {minion}
        minions = sorted(self.rules.minion_groups[group])
        assert self._call("put_minion_group", group, "", minions) is True

    @precondition(lambda self: self.rules.freezes)
    @rule(data=st.data())
    def drop_freeze(self, data):
        name = data.draw(st.sampled_from(sorted(self.rules.freezes)))
        assert self._call("drop_freeze", name) is True
        del self.rules.freezes[name]

    @precondition(lambda self: any(self.documents.values()))
    @rule(
        data=st.data(), authentic=st.sampled_from([True, True, True, False]),
        verdicts=st.dictionaries(st.sampled_from(PACKAGES), st.sampled_from(["converged", "failed"])),
        before=st.dictionaries(st.sampled_from(PACKAGES), st.sampled_from(["0.9", None])),
    )  # fmt: skip
    def record_return(self, data, authentic, verdicts, before):
        # Any document that the minion was ever given, the newest first.
        minion, revision = data.draw(st.sampled_from(sorted(self.documents, key=lambda key: -key[1])))
        document = self.documents[minion, revision]
        self._record(minion, revision, document, authentic, verdicts, before)
        if authentic:
            self.rules.record_return(document, verdicts, before)

    @precondition(lambda self: self._converging())
    @rule(data=st.data())
    def converge(self, data):
        """The usual case: a minion proves all of what holds now."""
        minion = data.draw(st.sampled_from(self._converging()))
        document = self.rules.in_force(minion)
        verdicts = dict.fromkeys(document, "converged")
        before = dict.fromkeys(document, "0.8")
        self._record(minion, self.revisions[minion], document, True, verdicts, before)
        self.rules.record_return(document, verdicts, before)

    def _converging(self):
        return [minion for minion in MINIONS if self.rules.in_force(minion)]

    # What must hold after each act.

    @invariant()
    def requests_are_in_the_same_state(self):
        rows = self.connection.execute("SELECT request_id, state FROM approval.request").fetchall()
        assert dict(rows) == {number: request.state for number, request in self.rules.requests.items()}

    @invariant()
    def items_are_the_same(self):
        query = """
            SELECT i.request_id, i.minion_id, i.name, i.content, i.state, i.outcome, i.pinned,
                i.before_known, i.before_content
            FROM approval.item AS i
            JOIN approval.request AS r USING (request_id, item_set_version)
            """
        expected = {
            (request.number, item.minion, item.package, item.version, item.state, item.outcome, item.pinned,
             bool(item.before), item.before[0] if item.before else None)
            for request in self.rules.requests.values() for item in request.items
        }  # fmt: skip
        assert set(self.connection.execute(query).fetchall()) == expected

    @invariant()
    def documents_hold_the_same_and_revisions_only_grow(self):
        for minion in MINIONS:
            expected = self.rules.in_force(minion)
            query = (
                "SELECT revision, names, contents FROM approval.exported_document "
                "WHERE minion_id = %s AND valid_from <= now() ORDER BY valid_from DESC LIMIT 1"
            )
            revision, names, contents = self.connection.execute(query, (minion,)).fetchone() or (0, [], [])
            assert dict(zip(names, contents, strict=True)) == {name: item.wanted for name, item in expected.items()}
            assert revision >= self.revisions[minion]
            if revision > self.revisions[minion]:
                self.documents[minion, revision] = expected
                self.revisions[minion] = revision
            assert self.documents.get((minion, revision), {}) == expected

    @invariant()
    def what_is_kept_is_what_one_look_at_each_item_gives(self):
        for kept, counted in ((KEPT, COUNTED), (GROUPS_KEPT, GROUPED), (LISTED, STANDING)):
            expected = sorted(self.connection.execute(counted).fetchall())
            assert sorted(self.connection.execute(kept).fetchall()) == expected

    @invariant()
    def the_audit_is_intact(self):
        assert self.connection.execute("SELECT * FROM approval.verify_audit()").fetchall() == []

    @invariant()
    def everybody_is_told_just_what_they_can_decide(self):
        for who in PEOPLE:
            query = "SELECT request_id, suffices, obstacle IS NULL FROM approval.inbox_of(%s, %s, NULL, 1000)"
            told = {
                sure: set(self.connection.execute(query, (who, "authenticated" if sure else "asserted")))
                for sure in (True, False)
            }
            expected = {True: set(), False: set()}
            for number in self.rules.requests:
                if self._may(who, True, number, "reject"):
                    is_free = self._may(who, True, number, "approve")
                    for sure in (True, False):
                        expected[sure].add((number, self._may(who, sure, number, "reject"), is_free))
            assert told == expected

    def _may(self, *decision):
        try:
            self.rules.check_decision(*decision)
        except Refused:
            return False
        return True

    @invariant()
    def what_is_held_back_is_told(self):
        query = """
            SELECT i.request_id, i.minion_id, i.name, held.by
            FROM approval.item AS i, approval.held_back(i.minion_id, i.item_id, clock_timestamp()) AS held
            """
        expected = set()
        for item in self.rules._all_items():
            if item.state == "approved":
                is_frozen = not (item.applied or item.request.glass_broken) and self.rules._is_frozen(item)
                if is_frozen and item.is_due:
                    expected.add((item.request.number, item.minion, item.package, "frozen"))
                elif not item.is_due:
                    expected.add((item.request.number, item.minion, item.package, "after"))
        rows = self.connection.execute(query).fetchall()
        assert {(*row[:3], "frozen" if row[3].startswith("freeze ") else row[3]) for row in rows} == expected

    # How the database is asked.

    def _act(self, who, function, *arguments, authenticated=True):
        """Call a function as that person: with their own login, or named by salt-run."""
        login, provider, subject = (
            (f"rules_{who}", "pg", f"rules_{who}") if authenticated else ("rules_runner", "salt", who)
        )
        try:
            return self._call(function, provider, subject, *arguments, login=login)
        except psycopg.Error as exc:
            return Refused(exc.sqlstate)

    def _call(self, function, *arguments, login=None):
        """The first value that the function gives, called in that login's name or as the superuser."""
        query = f"SELECT * FROM approval.{function}({', '.join(['%s'] * len(arguments))})"
        # A transaction of its own (or a savepoint), so that a refusal takes back the change of login too.
        with self.connection.transaction():
            self.connection.execute(f"SET LOCAL SESSION AUTHORIZATION {login or 'DEFAULT'}")
            value = self.connection.execute(query, arguments).fetchone()[0]
            self.connection.execute("SET LOCAL SESSION AUTHORIZATION DEFAULT")
            return value

    @staticmethod
    def _agree(answer, act, *arguments):
        """The model refuses just what the database refused, for the same reason."""
        expected = None
        try:
            act(*arguments)
        except Refused as exc:
            expected = exc.args[0]
        got = answer.args[0] if isinstance(answer, Refused) else None
        assert got == expected, f"the database says {got or 'yes'}, the model {expected or 'yes'}"

    @staticmethod
    def _items(wanted):
        minions, packages = zip(*wanted, strict=True)
        versions = ["absent" if version is None else version for version in wanted.values()]
        return list(minions), ["package"] * len(wanted), list(packages), versions

    def _record(self, minion, revision, document, authentic, verdicts, before):
        observed = {
            package: WHAT_LATEST_WAS if package in document and document[package].version == "latest" else None
            for package in verdicts
        }
        self.returns += 1
        moment = self.start + datetime.timedelta(microseconds=self.returns)
        jid = moment.strftime("%Y%m%d%H%M%S%f")
        run_id = f"run {self.returns}"
        digest = self.connection.execute(
            "SELECT digest FROM approval.document_history WHERE minion_id = %s AND revision = %s", (minion, revision)
        ).fetchone()
        findings = [
            ["package", package, verdict, "observed", None, observed[package], "evidence", "as seen"]
            for package, verdict in verdicts.items()
        ]
        arguments = (
            jid, minion, "state.apply", 0, True, "converged", authentic, revision, digest and digest[0], run_id, "boot",
            json.dumps(findings), json.dumps([["package", *each] for each in before.items()]),
            b"payload", run_id.encode(),
        )  # fmt: skip
        outcome = self._call("record_returns", *([argument] for argument in arguments), login="rules_returner")
        assert outcome == "recorded"

    def _load_policy(self):
        self._call("put_minions", MINIONS)
        for group, minions in MINION_GROUPS.items():
            self._call("put_minion_group", group, "", sorted(minions))
        for person in PEOPLE:
            self._call("put_principal", person, "person")
            self._call("put_identity", "pg", f"rules_{person}", person)
            self._call("put_identity", "salt", person, person)
        for group, members in GROUPS.items():
            self._call("put_group", group, "")
            for member in members:
                self._call("put_membership", group, member)
        for each in TYPES.values():
            self._call("put_request_type", Jsonb(each.definition()))
        # Every request counts as a large one, of which counts and groups are kept.
        (made,) = self.connection.execute("SELECT pg_get_functiondef('approval.put_items'::regproc)").fetchone()
        of_every = made.replace("counted constant integer := 1000", "counted constant integer := 0")
        assert of_every != made
        self.connection.execute(of_every)


@pytest.fixture(scope="module")
def logins(database_server):
    """A login for each person of the model, the runner and the returner."""
    roles = {f"rules_{person}": "approval_person" for person in PEOPLE}
    roles |= {"rules_runner": "approval_operator", "rules_returner": "approval_returner"}
    for login, role in roles.items():
        database_server.add_login(login, role)
    database_server.server.execute(f"GRANT approval_break_glass TO rules_{BREAKS_GLASS}")


def one_vote_by_a_deputy_and_one_by_the_absent(sequence):
    sequence.submit("dave", "careful", {("web1", "hello"): "1"}, 0, None, None, False)
    sequence.delegate("alice", "erin")
    sequence.decide("erin", True, 1, "approve", True)
    sequence.decide("alice", True, 1, "approve", True)
    sequence.ask_who_may_decide(1)


def approvals_of_what_was_amended_since(sequence):
    sequence.submit("dave", "careful", {("web1", "hello"): "1"}, 0, None, None, False)
    sequence.decide("bob", True, 1, "approve", True)
    sequence.amend("dave", 1, {0}, {("web1", "sl"): "1"})
    sequence.decide("carol", True, 1, "approve", True)
    sequence.ask_who_may_decide(1)


def reverts_of_several_versions(sequence):
    for version in ("1", "2", "latest"):
        sequence.submit("alice", "standard", {("web1", "hello"): version}, 0, None, None, False)
    sequence.revert("alice", 3, None)


@pytest.mark.usefixtures("logins")
@pytest.mark.parametrize(
    "acts",
    [
        one_vote_by_a_deputy_and_one_by_the_absent,
        approvals_of_what_was_amended_since,
        reverts_of_several_versions,
    ],
)
def test_a_sequence_that_chance_rarely_finds(new_database, acts):
    sequence = Sequence(new_database)
    try:
        acts(sequence)
        sequence.requests_are_in_the_same_state()
        sequence.items_are_the_same()
        sequence.documents_hold_the_same_and_revisions_only_grow()
        sequence.what_is_kept_is_what_one_look_at_each_item_gives()
        sequence.the_audit_is_intact()
    finally:
        sequence.teardown()


@pytest.mark.usefixtures("logins")
def test_the_database_keeps_the_rules(new_database):
    run_state_machine_as_test(
        lambda: Sequence(new_database),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
