"""
What a ticket says now becomes what the database knows: requests, decisions, holds.

A delivery is a hint that something happened to a ticket. The ticket as it is fetched is the fact, so deliveries that
come late, twice or in another order change nothing. Who may ask and decide, SQL says; what it refuses, the ticket is
told by the outbox, once, whoever else takes the same ticket at the same time.
"""

import datetime

from ..errors import InputError, Refused
from . import automation, body
from .ticket import ASKING, REVERTING, UNDER_WAY, Deleted, Gone, Ignored

OUR_CLASS = "AP"
# The login does not speak for the site: a fault of the configuration, of which a ticket knows nothing.
NOT_OURS = "AP002"
# There is nothing more to decide; that person has decided.
OVER, VOTED = "AP006", "AP010"
# The stages into which approvals lead.
LED_ON = ("approved", "revert")
LATEST = "latest"
REASON_MAX, NAME_MAX = 1000, 255


class Intake:
    """
    The intake of one site.

    site
        A sites.Site.
    system
        Its ticket.System.
    call
        Calls a function of the database by its name, with arguments, and gives its rows.
    json
        Makes an argument of type jsonb.
    """

    def __init__(self, site, system, call, json):
        self._site, self._system, self._call, self._json = site, system, call, json

    @property
    def can_ask(self):
        """Whether tickets can be fetched; where not, deliveries are all that there is, and they only assert."""
        return bool(self._site.url and self._site.auth)

    def take(self, ticket_id, delivery):
        """
        Have the database know what a ticket says now; gives what came of it, for people.

        delivery
            What came: ``{"way": ..., "route": ..., "body": TEXT}``, as the web service keeps it; a poll has no body.

        Raises Away, Denied, Refused (of the database, where that is no answer to the ticket) and Unavailable.
        """
        seen_at = datetime.datetime.now(datetime.timezone.utc)
        rule = None
        if delivery["way"] == "automation":
            if delivery["route"] == "sync":
                self._rows("want_options")
                return "options are brought in line soon"
            try:
                rule = automation.read(delivery["route"], delivery["body"].encode(), self._site).ask
            except InputError as exc:
                return f"refused: {exc}"
        document = None
        if self.can_ask:
            try:
                document = self._system.fetch(ticket_id)
            except Gone as exc:
                return f"{exc}; held: {_numbers(self._hold_gone(ticket_id, exc))}"
        elif delivery["way"] == "webhook":
            document = body.read(delivery["body"].encode())
        else:
            return "ignored: the site cannot be asked, and nothing else was delivered than that there is a ticket"
        try:
            ticket = self._system.ticket(document)
        except Deleted as exc:
            return f"{exc}; held: {_numbers(self._hold_gone(ticket_id, exc))}"
        except Ignored as exc:
            return f"ignored: {exc}{self._hold_foreign(ticket_id, exc)}"
        except InputError as exc:
            return self._refuse(ticket_id, exc)
        return self._taken(ticket, rule, seen_at, self.can_ask and document.get("history") is not None)

    def _hold_gone(self, ticket_id, exc):
        """Hold what a ticket asked for that cannot be read any more; gives the requests. A rule knows the key alone."""
        return [
            number
            for row in self._rows("ticket_of", ticket_id)
            for number in self._value("hold_ticket", row["ticket_id"], str(exc)[:REASON_MAX], True)
        ]

    def _hold_foreign(self, ticket_id, exc):
        """Hold what a ticket asked for that is none of this site's any more; gives what to note of it."""
        if not self.can_ask or not self._rows("requests_of_ticket", ticket_id):
            return ""
        held = self._value("hold_ticket", ticket_id, f"its ticket is another one now: {exc}"[:REASON_MAX], False)
        return f"; held: {_numbers(held)}"

    def _taken(self, ticket, rule, seen_at, is_proven):
        if ticket.stage in ASKING:
            return self._ask(ticket, rule, seen_at, is_proven)
        if ticket.stage in REVERTING:
            return self._revert(ticket, seen_at, is_proven)
        if ticket.stage == "declined":
            return self._decline(ticket, is_proven)
        return self._look_again(ticket, is_proven)

    def _ask(self, ticket, rule, seen_at, is_proven):
        """A ticket asks: a request is made, or found, and decided on."""
        try:
            ask = self._system.ask(ticket)
            if rule is not None:
                _check_rule(rule, ask)
        except Ignored as exc:
            return f"ignored: {exc}"
        except InputError as exc:
            # The ticket no longer asks for what it asked for before.
            self._value(
                "hold_ticket", ticket.id, f"its ticket cannot be understood any more: {exc}"[:REASON_MAX], False
            )
            return self._refuse(ticket.id, exc, ticket)
        if ticket.creator is None:
            return self._refuse(ticket.id, InputError("nobody is known who created it"), ticket)
        minions, kinds, names, values = _columns(ask)
        try:
            (made,) = self._rows(
                "ask_by_ticket", ticket.creator.subject, ticket.on_behalf_of and ticket.on_behalf_of.subject,
                self._of(ticket, seen_at), ask.type, ticket.title, minions, kinds, names, values, ask.after,
                [editor.subject for editor in ticket.editors],
            )  # fmt: skip
        except Refused as exc:
            return self._refuse(ticket.id, _for_people(exc), ticket)
        if made["outcome"] == "held":
            return f"request {made['request_id']}: held, since it was changed after it was approved"
        self._value("release_ticket", ticket.id, ticket.digest)
        may_change = ticket.is_elsewhere or any(value == LATEST for _, _, value in ask.items or ())
        return self._decide(ticket, made, "request", is_proven, may_change)

    def _revert(self, ticket, seen_at, is_proven):
        """A ticket asks for taking back what it brought."""
        asker = ticket.asker or ticket.creator
        if asker is None:
            return self._refuse(ticket.id, InputError("nobody is known who asked for taking it back"), ticket)
        try:
            (made,) = self._rows(
                "revert_by_ticket", asker.subject, self._of(ticket, seen_at), ticket.title,
                [editor.subject for editor in ticket.editors],
            )  # fmt: skip
        except Refused as exc:
            return self._refuse(ticket.id, _for_people(exc), ticket)
        return self._decide(ticket, made, "revert", is_proven, False)

    def _decline(self, ticket, is_proven):
        """Somebody said no in a ticket: to a request that is pending; one that was approved is held."""
        noted = []
        for row in self._rows("requests_of_ticket", ticket.id):
            if row["state"] == "pending":
                about = "revert" if row["is_revert"] else "request"
                noted.append(self._decide(ticket, row, about, is_proven, False))
            elif row["state"] == "approved":
                held = self._value(
                    "hold_ticket", ticket.id, "it was declined in its ticket after it was approved", False
                )
                noted.append(f"held: {_numbers(held)}")
        return "; ".join(noted) or "declined, and there is nothing to decline"

    def _look_again(self, ticket, is_proven):
        """A ticket asks for nothing new; whether it still says what its requests were made of."""
        known = self._rows("requests_of_ticket", ticket.id)
        if not known:
            return f"ignored: its status {ticket.status!r} asks for nothing"
        if all(row["digest"] == ticket.digest for row in known):
            self._value("release_ticket", ticket.id, ticket.digest)
            # Between a decision and this look, the ticket may have been taken over already.
            undecided = [row for row in known if row["state"] == "pending"] if ticket.stage == "waiting" else []
            noted = [
                self._decide(ticket, row, "revert" if row["is_revert"] else "request", is_proven, False)
                for row in undecided
            ]
            return "; ".join(noted) or f"nothing new: {_numbers([row['request_id'] for row in known])}"
        held = self._value("hold_ticket", ticket.id, "its ticket was changed after it was approved", False)
        return f"changed after it was approved, held: {_numbers(held)}"

    def _decide(self, ticket, made, about, is_proven, may_change):
        """
        Take the decisions that stand in the ticket about a request, the oldest first.

        is_proven
            Whether they stand in what was fetched, with the history of the ticket.
        may_change
            Whether what it asks for may become another thing without a change of the ticket.
        """
        number = made["request_id"]
        noted = [f"request {number}: {made.get('outcome') or made['state']}"]
        decisions = [decision for decision in ticket.decisions if decision.about == about]
        is_clean = bool(decisions) and is_proven and _is_clean(decisions[-1], ticket)
        if is_clean and not may_change and ticket.stage in (*LED_ON, "declined"):
            # The decision brought the ticket here, and nothing of it has changed since it came to be decided on: what
            # was decided on is what it says now. An older decision is of an older time.
            self._value("bind_ticket", ticket.id, made["generation"], decisions[-1].asked_at, ticket.digest)
        for decision in decisions:
            # To say no, less is enough.
            is_sure = is_proven and (is_clean or decision.decision == "approve")
            reason = self._decided(ticket, decision, number, is_sure)
            if reason is None:
                noted.append(f"{decision.decision} of {decision.by.subject} counts")
            elif reason:
                noted.append(f"{decision.decision} of {decision.by.subject} does not count: {reason}")
                if decision is decisions[-1] and ticket.stage in (*LED_ON, "declined"):
                    self._tell(ticket.id, reason, decider=decision.by.name or decision.by.subject)
        return "; ".join(noted)

    def _decided(self, ticket, decision, number, is_sure):
        """Hand a decision to the database: gives None where it counts, else why not, for people; "" of an old one."""
        if not decision.by.is_human:
            return "it is of a rule, an app, or somebody who is a customer there alone"
        if decision.spoiled and (decision.decision == "approve" or ticket.stage != "declined"):
            return "; ".join(decision.spoiled)
        proof = {
            "key": decision.key,
            "at": decision.at.isoformat(),
            "ticket": ticket.id,
            "by": decision.by.subject,
            "digest": ticket.digest,
        }
        try:
            self._value(
                "decide_by_ticket", decision.by.subject, number, decision.decision, "", ticket.digest,
                self._json(proof), "authenticated" if is_sure else "asserted",
            )  # fmt: skip
        except Refused as exc:
            return "" if exc.sqlstate in (OVER, VOTED) else str(_for_people(exc))
        return None

    def _refuse(self, ticket_id, error, ticket=None):
        """Have a ticket told why there is no request of it, and ended where it was approved already."""
        ends = ticket is not None and ticket.stage in LED_ON
        # A request that it made before is held, and goes on when the ticket is set back.
        if ends and any(row["state"] in UNDER_WAY for row in self._rows("requests_of_ticket", ticket_id)):
            ends = False
        self._tell(ticket_id, str(error), ends=ends)
        return f"refused: {error}"

    def _tell(self, ticket_id, reason, decider=None, ends=False):
        """Have a ticket told of a refusal, if its site can be told anything: see Telling.refuse()."""
        if self.can_ask:
            self._value("refuse_ticket", ticket_id, reason[:REASON_MAX], decider and decider[:NAME_MAX], ends)

    def _of(self, ticket, seen_at):
        """A ticket as SQL takes it."""
        return self._json(
            {
                "id": ticket.id,
                "key": ticket.key,
                "url": ticket.url,
                "digest": ticket.digest,
                "seen_at": seen_at.isoformat(),
            }
        )

    def _rows(self, function, *arguments):
        return self._call(function, self._site.provider, *arguments)

    def _value(self, function, *arguments):
        (row,) = self._rows(function, *arguments)
        return next(iter(row.values()))


def _columns(ask):
    """The minions, kinds, names and values of all items on all minions, in parallel lists."""
    rows = [(minion, *item) for minion in ask.minions for item in ask.items or ()]
    return tuple(map(list, zip(*rows, strict=True))) if rows else ([], [], [], [])


def _check_rule(rule, ask):
    """Raises InputError where a rule sent something else than what its ticket says now."""
    if rule.items is None or ask.items is None:
        return
    for name, is_same in (
        ("minions", set(rule.minions) == set(ask.minions)),
        # Of several packages rules name one.
        ("packages", set(rule.items) <= set(ask.items)),
        ("time", rule.after == ask.after),
    ):
        if not is_same:
            raise InputError(f"the rule sent other {name} than the ticket has now: let it send what the ticket says")


def _is_clean(decision, ticket):
    """Whether all that a ticket asks for stood there when it came to be decided on, and does so still."""
    return (
        decision.asked_at is not None
        and not decision.spoiled
        and decision.by.is_human
        and all(edit.at is not None and edit.at < decision.asked_at for edit in ticket.edits)
    )


def _for_people(exc):
    """The error, if it is the answer of a rule to what a ticket says. Raises it where it is none."""
    if not exc.sqlstate.startswith(OUR_CLASS) or exc.sqlstate == NOT_OURS:
        raise exc
    return exc


def _numbers(requests):
    return ", ".join(f"request {number}" for number in requests or ()) or "none"
