"""
Tickets are told what becomes of their requests, and end where these end.

A message says that something happened to a request; what is told is what the database knows of the request now. Each
step looks before it writes, and looks again afterwards: a comment that stands is not written again, and a ticket that
is where it belongs is not moved. So a message may be told any number of times, wherever this process ended before.
"""

import contextlib
import hashlib
import json
import logging

from . import texts
from .ticket import UNDER_WAY, Away, Denied, Gone, Ignored, NotMoved

log = logging.getLogger(__name__)

# Kinds of sites whose comments can be written anew. In the others nothing is told of what is under way, since each step
# would leave a note for good.
REWRITABLE = ("jira",)
PROGRESS = "/progress"
MOST_REMEMBERED = 1000
# Events after which the ticket is told what approvals of it are for.
BINDING = ("asked", "amended")
# States of a request that change nothing any more, and the stage in which each leaves its ticket.
STAGES = {"converged": "done"} | {state: "failed" for state in texts.SETTLED if state != "converged"}
# Stages in which a ticket waits for us to take it over.
TAKEN_OVER = ("approved", "revert")
# Stages in which people of the ticket's system have to decide.
UNDECIDED = ("asked", "revert-asked")


def comment_of(writer, news, seq, event):
    """
    What the ticket of a request is told about an event: (mark, blocks, whether a comment that stands with this mark is
    written anew); None: nothing.
    """
    number, state = news["request"], news["state"]
    if event in BINDING:
        blocks = writer.asked(news, event == "amended")
    elif event == "decided" and state == "pending":
        # The last approval is told as such.
        blocks = writer.decided(news)
    elif event == "escalated":
        blocks = writer.escalated(news)
    elif event in ("approved", "hurried"):
        blocks = writer.approved(news, event == "hurried")
    elif event in ("held", "released"):
        blocks = writer.held(news)
    elif event in ("settled", "decided") and state in texts.SETTLED:
        # One for each state, however often the request comes to it again.
        return f"{number}/{state}", writer.verdict(news), True
    elif event in ("settled", "wave"):
        return f"{number}{PROGRESS}", writer.progress(news), True
    else:
        return None
    return f"{number}/{seq}", blocks, False


class Telling:
    """
    Tells the tickets of one site.

    site
        A sites.Site.
    system
        Its ticket.System.
    writer
        A texts.Writer for it.
    call
        Calls a function of the database by its name, with arguments, and gives its rows.
    """

    def __init__(self, site, system, writer, call):
        self._site, self._system, self._writer, self._call = site, system, writer, call
        self._told = {}  # mark -> the progress that was told last
        self._linked = {}  # request -> the page that its ticket has a link to

    def tell(self, request, seq, event):
        """
        Tell the ticket of a request about an event, as message ``seq`` of the request has it, and have the ticket where
        it belongs. Raises Away, Denied, Gone and NotMoved; after Gone the ticket is held.
        """
        news = self._value("ticket_news", self._site.provider, request)
        if news is None:
            return
        try:
            self._comment(news, seq, event)
            self._link(news)
            # A wave moves no ticket, and there may be very many.
            if event != "wave":
                self._bring(news)
        except Gone as exc:
            self._value("hold_ticket", self._site.provider, news["ticket"]["id"], str(exc)[:1000], True)
            raise

    def refuse(self, refusal):
        """
        Tell a ticket that there is no request of it, or that a decision in it does not count, and why; where it was
        approved for nothing, it ends as failed.

        refusal
            What approval.refuse_ticket posts: a mapping of ticket, reason, decider and ends.

        Raises Away, Denied and NotMoved.
        """
        ticket_id, reason, decider = refusal["ticket"], refusal["reason"], refusal["decider"]
        mark = f"no/{hashlib.sha256(json.dumps([decider, reason]).encode()).hexdigest()[:16]}"
        blocks = self._writer.refused(reason) if decider is None else self._writer.decision_refused(decider, reason)
        try:
            self._say(ticket_id, mark, blocks)
            if refusal["ends"]:
                self._end(ticket_id)
        except Gone as exc:
            # Nothing was made of it that would have to be held.
            log.info("approval: %s of %s is told nothing: %s", ticket_id, self._site.provider, exc)

    def _end(self, ticket_id):
        """Have a ticket that stands as approved end as failed, unless it has a request that is under way by now."""
        try:
            stage = self._system.ticket(self._system.fetch(ticket_id)).stage
        except Ignored:
            return
        requests = self._call("requests_of_ticket", self._site.provider, ticket_id)
        if stage in TAKEN_OVER and not any(row["state"] in UNDER_WAY for row in requests):
            self._system.move(ticket_id, "failed")

    def _comment(self, news, seq, event):
        """Have the comment on the ticket that the event wants, if it wants one."""
        found = comment_of(self._writer, news, seq, event)
        if found is None:
            return
        mark, blocks, is_renewed = found
        if mark.endswith(PROGRESS):
            if self._site.kind not in REWRITABLE or self._told.get(mark) == blocks:
                return
            if len(self._told) >= MOST_REMEMBERED:
                self._told.clear()
        said = self._say(news["ticket"]["id"], mark, blocks, is_renewed)
        if mark.endswith(PROGRESS):
            self._told[mark] = blocks
        elif event in BINDING:
            self._bind(news["ticket"], said)

    def _link(self, news):
        """Have a link to the request's page on the ticket; a site that refuses links is told all else nevertheless."""
        request, page = news["request"], self._writer.page(news)
        if page is None or self._linked.get(request) == page:
            return
        try:
            self._system.link(news["ticket"]["id"], request, page)
        except Denied as exc:
            log.warning("approval: %s has no link to request %s: %s", news["ticket"]["id"], request, exc)
        if len(self._linked) >= MOST_REMEMBERED:
            self._linked.clear()
        self._linked[request] = page

    def _bind(self, ticket, said):
        """Have decisions count from our comment on, if it tells what the ticket says now."""
        # One that stood there already may be about what was asked for before an amendment, which has its own.
        if ticket["bound_at"] is None and texts.checksum(ticket["digest"]) in said.text:
            self._value(
                "bind_ticket", self._site.provider, ticket["id"], ticket["generation"], said.at, ticket["digest"]
            )

    def _say(self, ticket_id, seq, blocks, is_renewed=False):
        """Have our comment ``seq`` on a ticket, written anew where it stood if ``is_renewed``; gives the Comment."""
        standing = self._system.comments(ticket_id).get(seq)
        if standing is not None and not (is_renewed and self._site.kind in REWRITABLE):
            return standing
        self._system.comment(ticket_id, seq, blocks, *([] if standing is None else [standing.id]))
        standing = self._system.comments(ticket_id).get(seq)
        if standing is None:
            raise Away(f"{self._site.name}: it took a comment for {ticket_id}, which is not there")
        return standing

    def _bring(self, news):
        """Have the ticket in the stage that the request's state means, if the request is the ticket's newest."""
        ticket_id, stage = news["ticket"]["id"], STAGES.get(news["state"])
        if not news["ticket"]["is_newest"]:
            return
        ticket = self._system.ticket(self._system.fetch(ticket_id))
        if ticket.stage in TAKEN_OVER:
            self._system.move(ticket_id, "waiting")
        elif ticket.stage in UNDECIDED and self._site.kind == "jira":
            # One that asks again stands behind the approval step already; before it there is no such transition.
            with contextlib.suppress(NotMoved):
                self._system.move(ticket_id, "waiting")
        if stage is None or ticket.stage in (stage, "declined"):
            return
        if stage == "done":
            self._check(news, ticket)
        if news["approved_at"] is not None:
            self._attach(news)
        try:
            self._system.move(ticket_id, stage)
        except NotMoved:
            if stage != "failed" or ticket.stage not in UNDECIDED:
                raise
            # In many workflows nothing fails that was never approved there.
            self._system.move(ticket_id, "declined")

    def _check(self, news, ticket):
        """Raises NotMoved where the ticket says something else than what was done for it."""
        if ticket.digest != news["ticket"]["digest"]:
            raise NotMoved(
                f"{ticket.key} says something else than what was approved and done, so it does not end as done: set "
                "its fields back, or end it by hand and drop this message"
            )

    def _attach(self, news):
        """Attach the evidence: how each request ended on its minions, as the database has it."""
        name = f"approval-request-{news['request']}-{news['state']}.json"
        content = json.dumps(self._writer.evidence(news), ensure_ascii=False, indent=1, sort_keys=True)
        self._system.attach(news["ticket"]["id"], name, content.encode())

    def _value(self, function, *arguments):
        (row,) = self._call(function, *arguments)
        return next(iter(row.values()))
