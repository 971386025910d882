"""A ticket is told each thing once and ends where its request ends, whatever fails in between."""

import datetime
import pathlib
import sys
import types
import zoneinfo

import pytest

from saltext.approval.itsm import markup, telling, texts
from saltext.approval.itsm.ticket import Away, Comment, Denied, Gone, Ignored, NotMoved, Page, Ticket

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from news_examples import decided, news

AT = datetime.datetime(2026, 11, 30, 9, 0, tzinfo=datetime.timezone.utc)
MOVES = {
    "asked": {"declined"},
    "approved": {"waiting", "failed"},
    "waiting": {"done", "failed"},
    "revert": {"waiting"},
}


class Killed(BaseException):
    """The process ended here."""


class OneTicket:
    """
    A ticket.System with one ticket: what it holds, and each question that it was asked.

    cut
        The number of the question at which Killed is raised: before it has an effect, or (after) behind it.
    """

    def __init__(self, stage="approved", cut=None, after=False):
        self.stage, self.notes, self.files, self.links, self.asked = stage, {}, {}, {}, []
        self.bound, self.lies, self.refuses = {"package": "nginx"}, 0, None
        self.moves = dict(MOVES)
        self._cut, self._after = cut, after

    def _step(self, name, effect):
        if self.refuses is not None:
            raise self.refuses
        self.asked.append(name)
        is_cut = len(self.asked) == self._cut
        if is_cut and not self._after:
            raise Killed
        result = effect()
        if is_cut:
            raise Killed
        return result

    def fetch(self, ticket_id):
        return self._step("fetch", lambda: {"id": ticket_id})

    def ticket(self, document):
        return Ticket(document["id"], "SC21-7", None, "", self.stage, self.stage, None, bound=self.bound)

    def comments(self, ticket_id):
        return self._step("comments", lambda: {seq: Comment(seq, text, AT) for seq, (text, _) in self.notes.items()})

    def comment(self, ticket_id, seq, text, comment_id=None):
        def write():
            assert (comment_id is not None) == (seq in self.notes), "written twice"
            self.notes[seq] = (markup.plain(text), self.notes.get(seq, ("", 0))[1] + 1)

        return self._step(f"comment {seq}", write)

    def move(self, ticket_id, stage):
        def move():
            if self.stage == stage:
                return
            if stage not in self.moves.get(self.stage, ()):
                raise NotMoved(f"no way from {self.stage} to {stage}")
            if self.lies:
                self.lies -= 1
                raise NotMoved(f"it is in {self.stage}, though it said that it was moved")
            self.stage = stage

        return self._step(f"move {stage}", move)

    def link(self, ticket_id, request, page):
        self._step(f"link {page.state}", lambda: self.links.update({request: page}))

    def attach(self, ticket_id, name, content):
        return self._step(f"attach {name}", lambda: self.files.setdefault(name, content))


class Database:
    """What the functions of the database give and were given."""

    def __init__(self, shown):
        self.news, self.bound, self.held, self.requests = shown, [], [], []

    def call(self, function, *args):
        if function == "ticket_news":
            assert args == ("jira-sc21", 7)
            return [{"ticket_news": self.news}]
        if function == "requests_of_ticket":
            assert args == ("jira-sc21", "10001")
            return [{"state": state} for state in self.requests]
        {"bind_ticket": self.bound, "hold_ticket": self.held}[function].append(args)
        return [{function: None}]


def setting(ticket, shown, kind="jira", url=None):
    """(Telling, Database) for a ticket and what the database shows of its request, whose pages are below a URL."""
    site = types.SimpleNamespace(name="sc21", provider="jira-sc21", kind=kind)
    if shown is not None:
        digest = ticket.ticket({"id": "10001"}).digest
        shown = {**shown, "ticket": {**shown["ticket"], "digest": digest}}
    writer = texts.Writer(kind, "en", zoneinfo.ZoneInfo("UTC"), url, str)
    database = Database(shown)
    return telling.Telling(site, ticket, writer, database.call), database


def ended(state, **changes):
    approved_at = None if state in ("rejected", "expired", "cancelled") else "2026-11-30T09:00:00+00:00"
    return news(state=state, approved_at=approved_at, chain=decided(), **changes)


def test_a_ticket_that_comes_in_approved_is_told_bound_and_waits():
    ticket = OneTicket("approved")
    tell, database = setting(ticket, news())
    tell.tell(7, 1, "asked")
    assert list(ticket.notes) == ["7/1"]
    assert database.bound == [("jira-sc21", "10001", 1, AT, database.news["ticket"]["digest"])]
    assert ticket.stage == "waiting"


def test_a_comment_about_what_was_asked_before_binds_nothing():
    """The process ended between comment and binding, and the ticket was amended before it came back."""
    ticket = OneTicket("asked", cut=3)
    tell, database = setting(ticket, news())
    with pytest.raises(Killed):
        tell.tell(7, 1, "asked")
    ticket.bound = {"package": "something else"}
    database.news = setting(ticket, news())[1].news
    tell.tell(7, 1, "asked")
    assert database.bound == []
    tell.tell(7, 2, "amended")
    assert [digest for *_, digest in database.bound] == [ticket.ticket({"id": "10001"}).digest]


def test_a_ticket_whose_people_have_to_decide_stays_with_them():
    ticket = OneTicket("asked")
    setting(ticket, news())[0].tell(7, 1, "asked")
    assert ticket.stage == "asked"


def test_a_ticket_that_asks_again_behind_the_approval_step_waits():
    ticket = OneTicket("asked")
    ticket.moves["asked"] = {"waiting"}
    setting(ticket, news())[0].tell(7, 1, "asked")
    assert ticket.stage == "waiting"


def test_a_change_that_asks_is_not_taken_past_its_approvals():
    ticket = OneTicket("asked")
    ticket.moves["asked"] = {"waiting"}
    setting(ticket, news(), kind="servicenow")[0].tell(7, 1, "asked")
    assert ticket.stage == "asked"


def test_a_ticket_that_is_bound_is_not_bound_again():
    bound = {**news()["ticket"], "bound_at": "2026-11-30T09:00:00+00:00"}
    tell, database = setting(OneTicket(), news(ticket=bound))
    tell.tell(7, 1, "asked")
    assert database.bound == []


def test_a_ticket_has_a_link_to_its_request_as_that_stands():
    ticket = OneTicket("asked")
    tell, database = setting(ticket, news(), url="https://approval.example.com")
    tell.tell(7, 1, "asked")
    assert ticket.links == {
        7: Page("https://approval.example.com/requests/7", "Request 7", "Packages", "waits for approval", False)
    }
    for event in ("held", "wave"):
        tell.tell(7, 2, event)
    database.news = {**database.news, "state": "rejected"}
    tell.tell(7, 3, "decided")
    assert (ticket.links[7].state, ticket.links[7].is_over) == ("rejected", True)
    assert [step for step in ticket.asked if step.startswith("link")] == ["link waits for approval", "link rejected"]


def test_without_a_web_service_there_are_no_links():
    ticket = OneTicket("asked")
    setting(ticket, news())[0].tell(7, 1, "asked")
    assert ticket.links == {}


def test_a_link_that_is_refused_stops_nothing_else(caplog):
    ticket = OneTicket("waiting")
    tell, _ = setting(ticket, ended("converged"), url="https://approval.example.com")
    ticket.link = lambda *_: (_ for _ in ()).throw(Denied("we may not do that there", 403))
    tell.tell(7, 4, "settled")
    assert (ticket.stage, list(ticket.notes)) == ("done", ["7/converged"])
    tell.tell(7, 4, "settled")
    assert [record.message for record in caplog.records] == [
        "approval: 10001 has no link to request 7: we may not do that there"
    ]


def test_a_request_of_no_ticket_is_told_to_nobody():
    ticket = OneTicket()
    setting(ticket, None)[0].tell(7, 1, "asked")
    assert ticket.asked == []


def test_done_only_when_converged_and_behind_the_verdict():
    ticket = OneTicket("waiting")
    setting(ticket, ended("converged"))[0].tell(7, 4, "settled")
    assert ticket.stage == "done"
    assert list(ticket.notes) == ["7/converged"]
    assert ticket.asked.index("comment 7/converged") < ticket.asked.index("move done")
    assert list(ticket.files) == ["approval-request-7-converged.json"]


def test_a_decision_is_told_while_more_are_needed_and_the_end_of_a_no_at_once():
    ticket = OneTicket("asked")
    tell, database = setting(ticket, news(chain=decided()))
    tell.tell(7, 2, "decided")
    database.news = {**database.news, "state": "approved", "approved_at": "2026-11-30T09:00:00+00:00"}
    tell.tell(7, 3, "decided")
    assert list(ticket.notes) == ["7/2"]
    database.news = {**database.news, "state": "rejected", "approved_at": None}
    tell.tell(7, 4, "decided")
    assert (ticket.stage, list(ticket.notes)) == ("declined", ["7/2", "7/rejected"])


@pytest.mark.parametrize("state", [state for state in texts.SETTLED if state != "converged"])
def test_all_other_ends_are_failures_of_the_ticket(state):
    ticket = OneTicket("waiting")
    setting(ticket, ended(state))[0].tell(7, 4, "settled")
    assert (ticket.stage, list(ticket.notes)) == ("failed", [f"7/{state}"])


@pytest.mark.parametrize(
    "event", ["decided", "approved", "wave", "hurried", "held", "released", "escalated", "reviewed"]
)
def test_nothing_else_ends_a_ticket(event):
    ticket = OneTicket("waiting")
    setting(ticket, news(state="approved", approved_at="2026-11-30T09:00:00+00:00"))[0].tell(7, 3, event)
    assert ticket.stage == "waiting"


def test_a_ticket_that_was_approved_here_is_taken_over_first():
    ticket = OneTicket("approved")
    setting(ticket, ended("converged"))[0].tell(7, 4, "settled")
    assert [step for step in ticket.asked if step.startswith("move")] == ["move waiting", "move done"]


def test_what_was_never_approved_in_the_ticket_is_declined_there():
    ticket = OneTicket("asked")
    setting(ticket, ended("rejected"))[0].tell(7, 4, "settled")
    assert ticket.stage == "declined"
    setting(ticket, ended("rejected"))[0].tell(7, 4, "settled")
    assert ticket.stage == "declined"


def test_an_older_request_of_the_ticket_moves_nothing():
    ticket = OneTicket("approved")
    older = {**news()["ticket"], "is_newest": False}
    setting(ticket, ended("failed", ticket=older))[0].tell(7, 4, "settled")
    assert (ticket.stage, list(ticket.notes)) == ("approved", ["7/failed"])


def test_progress_is_one_comment_and_written_where_it_changed():
    ticket = OneTicket("waiting")
    tell, database = setting(ticket, news(state="approved"))
    for converged in (0, 0, 1, 1, 2):
        database.news = {**database.news, "verdicts": {"converged": converged, "failed": 0}}
        tell.tell(7, 2 + converged, "wave")
    assert list(ticket.notes) == ["7/progress"]
    text, writes = ticket.notes["7/progress"]
    assert "2 of 2" in text
    assert writes == 3


def test_work_notes_stay_so_nothing_under_way_is_told_in_them():
    ticket = OneTicket("waiting")
    tell, database = setting(ticket, news(state="approved"), kind="servicenow")
    tell.tell(7, 2, "wave")
    database.news = {**database.news, "state": "failed", "approved_at": "2026-11-30T09:00:00+00:00"}
    tell.tell(7, 3, "settled")
    tell.tell(7, 3, "settled")
    assert {seq: writes for seq, (_, writes) in ticket.notes.items()} == {"7/failed": 1}


def test_a_request_that_fails_and_is_mended_has_a_verdict_of_each():
    ticket = OneTicket("waiting")
    tell, database = setting(ticket, ended("failed"))
    tell.tell(7, 3, "settled")
    ticket.moves["failed"] = {"done"}
    database.news = {**database.news, "state": "converged"}
    tell.tell(7, 4, "settled")
    assert (ticket.stage, list(ticket.notes)) == ("done", ["7/failed", "7/converged"])


def test_a_late_message_tells_what_is_now():
    """Two ends that were told while the site was away make one verdict: that of now."""
    ticket = OneTicket("waiting")
    tell, _ = setting(ticket, ended("converged"))
    tell.tell(7, 3, "settled")
    tell.tell(7, 4, "settled")
    assert list(ticket.notes) == ["7/converged"]


def test_an_edited_ticket_does_not_end_as_done():
    ticket = OneTicket("waiting")
    tell, _ = setting(ticket, ended("converged"))
    ticket.bound = {"package": "something else"}
    with pytest.raises(NotMoved, match="something else than what was approved"):
        tell.tell(7, 4, "settled")
    assert ticket.stage == "waiting"


def test_a_ticket_that_is_gone_is_held():
    ticket = OneTicket("waiting")
    ticket.refuses = Gone("SC21-7 was deleted")
    tell, database = setting(ticket, ended("converged"))
    with pytest.raises(Gone):
        tell.tell(7, 4, "settled")
    assert database.held == [("jira-sc21", "10001", "SC21-7 was deleted", True)]


@pytest.mark.parametrize("refusal", [Away("it is down"), Denied("its token ended", 401)])
def test_a_site_that_says_no_holds_nothing(refusal):
    ticket = OneTicket("waiting")
    ticket.refuses = refusal
    tell, database = setting(ticket, ended("converged"))
    with pytest.raises(type(refusal)):
        tell.tell(7, 4, "settled")
    assert database.held == []


def test_a_comment_that_vanishes_is_no_comment():
    class Swallows(OneTicket):
        def comment(self, ticket_id, seq, text, comment_id=None):
            return "1"

    ticket = Swallows("waiting")
    with pytest.raises(Away, match="is not there"):
        setting(ticket, ended("converged"))[0].tell(7, 4, "settled")
    assert ticket.stage == "waiting"


# Refusals.


def refusal(**changes):
    usual = {"event": "refused", "ticket": "10001", "reason": "web9 is unknown", "decider": None, "ends": True}
    return {**usual, **changes}


def test_a_ticket_that_was_approved_for_nothing_is_told_and_ends_behind_that():
    ticket = OneTicket("approved")
    setting(ticket, None)[0].refuse(refusal())
    ((mark, (text, _)),) = ticket.notes.items()
    assert mark.startswith("no/")
    assert text == "I cannot make a request of this ticket: web9 is unknown"
    assert ticket.stage == "failed"
    assert ticket.asked.index(f"comment {mark}") < ticket.asked.index("move failed")


def test_a_decision_that_does_not_count_ends_nothing():
    ticket = OneTicket("approved")
    tell, _ = setting(ticket, None)
    tell.refuse(refusal(decider="Bob", ends=False))
    tell.refuse(refusal(decider="Carol", ends=False))
    said = [text for text, _ in ticket.notes.values()]
    assert said == [f"I cannot count the decision of {name}: web9 is unknown" for name in ("Bob", "Carol")]
    assert ticket.stage == "approved"


@pytest.mark.parametrize(
    ("stage", "requests", "after"),
    [
        ("asked", [], "asked"),
        ("waiting", [], "waiting"),
        ("approved", ["pending"], "approved"),
        ("approved", ["failed", "approved"], "approved"),
        ("approved", ["failed"], "failed"),
    ],
)
def test_a_ticket_that_got_its_request_meanwhile_or_was_moved_on_does_not_end(stage, requests, after):
    ticket = OneTicket(stage)
    tell, database = setting(ticket, None)
    database.requests = requests
    tell.refuse(refusal())
    assert ticket.stage == after


def test_a_ticket_that_is_none_of_ours_any_more_does_not_end():
    class Foreign(OneTicket):
        def ticket(self, document):
            raise Ignored("its project is another")

    ticket = Foreign("approved")
    setting(ticket, None)[0].refuse(refusal())
    assert (len(ticket.notes), ticket.stage) == (1, "approved")


def test_a_ticket_that_does_not_end_is_tried_again():
    ticket = OneTicket("approved")
    ticket.lies = 1
    tell, _ = setting(ticket, None)
    with pytest.raises(NotMoved):
        tell.refuse(refusal())
    tell.refuse(refusal())
    assert (len(ticket.notes), ticket.stage) == (1, "failed")


def test_a_refused_ticket_that_is_gone_is_left():
    ticket = OneTicket("approved")
    ticket.refuses = Gone("SC21-7 was deleted")
    tell, database = setting(ticket, None)
    tell.refuse(refusal())
    assert database.held == []


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("cut", range(1, 6))
def test_a_refusal_that_was_killed_at_any_step_is_there_once(cut, after):
    ticket = OneTicket("approved", cut, after)
    tell, _ = setting(ticket, None)
    with pytest.raises(Killed):
        tell.refuse(refusal())
    tell.refuse(refusal())
    assert ([writes for _, writes in ticket.notes.values()], ticket.stage) == ([1], "failed")


EVENTS = [("pending", 1, "asked"), ("approved", 2, "approved"), ("approved", 3, "wave"), ("converged", 4, "settled")]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("cut", range(1, 22))
def test_killed_at_any_step_and_told_again_it_is_as_if_nothing_had_been(cut, after):
    ticket = OneTicket("approved", cut, after)
    tell, database = setting(ticket, news(), url="https://approval.example.com")
    for state, seq, event in EVENTS:
        database.news = {
            **database.news,
            "state": state,
            "approved_at": None if state == "pending" else "2026-11-30T09:00:00+00:00",
        }
        try:
            tell.tell(7, seq, event)
        except Killed:
            tell.tell(7, seq, event)
    assert list(ticket.notes) == ["7/1", "7/2", "7/progress", "7/converged"]
    assert (ticket.stage, len(ticket.files)) == ("done", 1)
    assert [(number, page.state) for number, page in ticket.links.items()] == [(7, "done")]
    assert len(ticket.asked) > cut, "the cut was never reached"
    assert {args[:3] for args in database.bound} == {("jira-sc21", "10001", 1)}
