"""What tickets say becomes requests, decisions and holds; nothing that is not proven there does."""

import datetime
import json

import pytest
from standins import acme

from .conftest import AFTER, MINIONS, PACKAGE

TWO_STAGES = (
    {"name": "review", "min_assurance": "authenticated", "any_of": [{"group": "reviewers", "quorum": 1}]},
    {"name": "release", "min_assurance": "authenticated", "any_of": [{"group": "managers", "quorum": 1}]},
)


def no_decision(office, ticket):
    """That nothing was decided, and the ticket is told why: gives whose decision, and the reason."""
    assert office.decisions() == []
    assert office.requests() == [(f"{ticket.id}#1", "pending")]
    ((decider, reason, ends),) = office.refusals(ticket)
    assert decider is not None
    assert not ends
    return f"{decider}: {reason}"


def test_a_ticket_asks(office):
    ticket = office.ticket(("web1", "web2"))
    (note,) = office.work(ticket)
    assert note == "request 1: new"
    assert office.requests() == [(f"{ticket.id}#1", "pending")]
    assert office.items() == [("web1", "hello", "2.10-3"), ("web2", "hello", "2.10-3")]
    assert office.work(ticket) == ["request 1: same"]


def test_acceptance_07_the_ticket_counts_not_the_body(office):
    ticket = office.ticket(package=("hello", "2.10-3"))
    office.send(ticket, body=json.dumps({"issue": {"fields": {PACKAGE: {"value": "evil"}}}}))
    office.work()
    assert office.items() == [("web1", "hello", "2.10-3")]


def test_acceptance_07_a_rule_that_says_something_else(office):
    ticket = office.ticket()
    office.jira.transition(ticket, "Approve")
    rule = {"itsm_id": ticket.key, "minion_ids": ["web1"], "package_name": "evil", "package_version": "1", "after": ""}
    office.send(ticket, way="automation", route="install", body=json.dumps(rule))
    (note,) = office.work()
    assert note.startswith("refused: the rule sent other packages than the ticket has now")
    assert office.requests() == []
    ((decider, reason, ends),) = office.refusals(ticket)
    assert (decider, ends) == (None, True)
    assert "the rule sent other packages" in reason
    # One that says the same as the ticket.
    office.send(
        ticket,
        way="automation",
        route="install",
        body=json.dumps({**rule, "package_name": "hello", "package_version": "2.10-3"}),
    )
    (note,) = office.work()
    assert note.startswith("request 1: new")


def test_acceptance_08_events_in_another_order(office):
    ticket = office.ticket()
    office.jira.transition(ticket, "Approve")
    (first,) = office.work(ticket)
    assert first.startswith("request 1: new; approve of")
    for _ in range(3):
        (again,) = office.work(ticket)
        assert again.startswith("request 1: same")
    assert len(office.requests()) == len(office.decisions()) == 1


def test_acceptance_09_an_event_that_was_lost(office):
    ticket = office.ticket()
    assert office.requests() == []
    assert office.poll() == ["request 1: new"]
    assert office.requests() == [(f"{ticket.id}#1", "pending")]
    # The next poll knows what it finds in its look back, but not the look at what is open.
    assert office.poll() == ["request 1: same"]
    office.jira.transition(ticket, "Approve")
    notes = office.poll()
    assert any("counts" in note for note in notes)
    assert office.requests() == [(f"{ticket.id}#1", "approved")]


@pytest.mark.parametrize("order", ["with", "after"])
def test_acceptance_10_a_field_changed_with_or_after_the_approval(office, order):
    ticket = office.ticket()
    office.work(ticket)
    if order == "with":
        office.jira.edit(
            ticket.key, {PACKAGE: ("hello", "9.9")}, by=office.jira.angel, with_status="Sending to Integration"
        )
    else:
        office.jira.transition(ticket, "Approve")
        office.jira.edit(ticket.key, {PACKAGE: ("hello", "9.9")}, by=office.jira.zoe)
    (note,) = office.work(ticket)
    assert note.startswith("request 1: amended; approve of ")
    assert "was changed" in no_decision(office, ticket)
    assert office.items() == [("web1", "hello", "9.9")]


def test_acceptance_10_votes_are_void(office):
    office.stages(*TWO_STAGES)
    ticket = office.ticket()
    office.jira.transition(ticket, "Approve")
    office.work(ticket)
    assert office.standing_votes() == 1
    office.jira.edit(ticket.key, {PACKAGE: ("hello", "9.9")}, by=office.jira.zoe)
    office.work(ticket)
    assert office.standing_votes() == 0
    assert office.requests() == [(f"{ticket.id}#1", "pending")]


def test_acceptance_11_who_created_it_does_not_approve_it(office):
    ticket = office.ticket(by=office.jira.angel)
    office.jira.transition(ticket, "Approve", by=office.jira.angel)
    office.work(ticket)
    assert "asked for request 1 and may not decide on it" in no_decision(office, ticket)


def test_acceptance_11_who_reports_it_does_not_approve_it(office):
    ticket = office.ticket(reporter=office.jira.angel)
    office.jira.transition(ticket, "Approve")
    office.work(ticket)
    assert "was made for bob, who may not decide on it" in no_decision(office, ticket)


def test_acceptance_11_who_changed_it_does_not_approve_it(office):
    ticket = office.ticket()
    office.jira.edit(ticket.key, {PACKAGE: ("hello", "2.12")}, by=office.jira.angel)
    office.work(ticket)
    office.jira.transition(ticket, "Approve")
    office.work(ticket)
    assert "was changed by the same person" in no_decision(office, ticket)


def test_acceptance_12_somebody_unknown(office):
    ticket = office.ticket()
    stranger = office.jira.person("Stranger")
    office.jira.transition(ticket, "Approve", by=stranger)
    office.work(ticket)
    assert no_decision(office, ticket).startswith("Stranger: ")


@pytest.mark.parametrize("kind", ["app", "customer"])
def test_acceptance_12_an_app_or_a_customer(office, kind):
    ticket = office.ticket()
    other = office.jira.person("Other", kind=kind)
    office.know(other, "carol")
    office.jira.transition(ticket, "Approve", by=other)
    office.work(ticket)
    assert "a rule, an app, or somebody who is a customer" in no_decision(office, ticket)


def test_acceptance_12_who_rules_act_as(office):
    ticket = office.ticket()
    office.know(office.jira.bot, "carol")
    office.restart(ignore_actors=[office.jira.bot.account_id])
    office.jira.transition(ticket, "Approve", by=office.jira.bot)
    office.work(ticket)
    assert "a rule, an app" in no_decision(office, ticket)


def test_acceptance_12_an_unknown_person_asks(office):
    ticket = office.ticket(by=office.jira.person("Stranger"))
    (note,) = office.work(ticket)
    assert note.startswith("refused: ")
    assert office.requests() == []
    ((decider, _, ends),) = office.refusals(ticket)
    assert (decider, ends) == (None, False)
    # Once, however often it is read.
    office.work(ticket)
    assert len(office.refusals(ticket)) == 1


def test_acceptance_13_what_a_body_alone_says_is_asserted(office, delivered):
    ticket = office.ticket()
    office.restart(auth={})
    office.jira.transition(ticket, "Approve")
    office.send(ticket, body=delivered())
    (note,) = office.work()
    assert "authenticated" in note.partition("does not count: ")[2]
    assert office.decisions() == []
    office.stage("asserted")
    ticket = office.ticket()
    office.jira.transition(ticket, "Approve")
    office.send(ticket, body=delivered())
    (note,) = office.work()
    assert note.endswith("counts")
    assert [row[2] for row in office.decisions()] == ["asserted"]


def test_acceptance_14_a_mapped_person_approves_with_proof(office):
    ticket = office.ticket()
    entry = office.jira.transition(ticket, "Approve")
    (note,) = office.work(ticket)
    angel = office.jira.angel.account_id
    assert note == f"request 1: new; approve of {angel} counts"
    assert office.requests() == [(f"{ticket.id}#1", "approved")]
    assert office.decisions() == [("bob", "approve", "authenticated", f"jira-acme:{angel}")]
    ((proof,),) = office.database.execute("SELECT proof FROM approval.decision_proof")
    assert (proof["key"], proof["ticket"], proof["by"]) == (entry.id, ticket.id, angel)
    assert set(proof) == {"key", "ticket", "by", "at", "digest"}


def test_acceptance_14_a_stage_that_wants_signatures(office):
    office.stage("signed")
    ticket = office.ticket()
    office.jira.transition(ticket, "Approve")
    office.work(ticket)
    assert "signed" in no_decision(office, ticket)


def test_the_latest_version_is_not_approved_before_it_was_told(office):
    ticket = office.ticket(package=("hello", "Latest"))
    office.jira.transition(ticket, "Approve")
    office.work(ticket)
    assert "before that told" in no_decision(office, ticket)


def test_acceptance_15_an_edit_after_the_approval_holds(office, now):
    ticket = office.ticket(fields={AFTER: now() + datetime.timedelta(days=1)})
    office.jira.transition(ticket, "Approve")
    office.work(ticket)
    office.jira.edit(ticket.key, {PACKAGE: ("hello", "9.9")})
    (note,) = office.work(ticket)
    assert note == "request 1: held, since it was changed after it was approved"
    assert office.holds() == [(1, "edited", "its ticket was changed after it was approved")]
    assert office.items() == [("web1", "hello", "2.10-3")]
    # Set back, it goes on.
    office.jira.edit(ticket.key, {PACKAGE: ("hello", "2.10-3")})
    office.work(ticket)
    assert office.holds() == []


def test_acceptance_15_an_edit_that_nobody_told_of(office, now):
    ticket = office.ticket(fields={AFTER: now() + datetime.timedelta(seconds=300)})
    office.jira.transition(ticket, "Approve")
    office.work(ticket)
    office.jira.transition(ticket, "Wait", by=office.jira.bot)
    office.jira.edit(ticket.key, {MINIONS: ["web2"]})
    # It is not in what the search gives, but takes effect soon.
    office.jira.lies.search_lags = True
    notes = office.poll()
    assert notes[-1] == "changed after it was approved, held: request 1"
    assert [cause for _, cause, _ in office.holds()] == ["edited"]


def test_a_ticket_that_cannot_be_understood_any_more_holds(office):
    ticket = office.ticket()
    office.jira.transition(ticket, "Approve")
    office.work(ticket)
    office.jira.edit(ticket.key, {MINIONS: ["web*"]})
    (note,) = office.work(ticket)
    assert note.startswith("refused: ")
    assert len(office.holds()) == 1
    # It goes on when it is set back, so it does not end there.
    assert [ends for _, _, ends in office.refusals(ticket)] == [False]
    assert office.items() == [("web1", "hello", "2.10-3")]


def test_acceptance_17_a_moved_ticket_is_the_same(office):
    ticket = office.ticket()
    office.work(ticket)
    office.jira.move(ticket.key, "OPS")
    office.restart(projects={"OPS": office.site["projects"]["SC21"], **office.site["projects"]})
    assert office.work(ticket) == ["request 1: same"]
    assert office.requests() == [(f"{ticket.id}#1", "pending")]
    assert office.database.execute("SELECT key FROM approval.ticket") == [(ticket.key,)]


def test_acceptance_19_one_ticket_waits_and_others_go_on(office, now):
    one, other = office.ticket(), office.ticket()
    office.jira.lies.throttled = 1
    office.jira.retry_after_s = 7
    office.jira.throttle_reason = "jira-per-issue-on-write"
    before = now()
    office.work(one, other)
    assert office.requests() == [(f"{other.id}#1", "pending")]
    ((state, due_at),) = office.database.execute(
        "SELECT state, due_at FROM approval.ticket_delivery WHERE ticket = %s", (one.id,)
    )
    assert state == "waiting"
    assert (due_at - before).total_seconds() >= 7
    office.come_back()
    office.work()
    assert len(office.requests()) == 2


def test_acceptance_19_a_whole_site_that_wants_rest(office, now):
    one, other = office.ticket(), office.ticket()
    office.jira.lies.throttled = 1
    office.jira.retry_after_s = 7
    office.work(one, other)
    asked = len(office.jira.requests())
    office.work()
    assert len(office.jira.requests()) == asked
    assert [state for _, state, _, _ in office.deliveries()] == ["waiting", "waiting"]


def test_a_site_that_is_away_is_left_alone(office):
    one, other = office.ticket(), office.ticket()
    office.jira.lies.bad_gateway = 1
    office.work(one, other)
    assert len(office.jira.requests()) == 1
    office.come_back()
    office.work()
    assert len(office.requests()) == 2


def test_a_site_that_refuses_our_token_is_not_asked_again_and_again(office, tmp_path):
    one, other = office.ticket(), office.ticket()
    acme.secret_file(tmp_path, "jira.token", "another")
    office.work(one, other)
    assert len(office.jira.requests()) == 1
    assert [(state, attempts) for _, state, attempts, _ in office.deliveries()] == [("waiting", 0)] * 2
    office.poll()
    assert len(office.jira.requests()) == 1
    acme.secret_file(tmp_path, "jira.token", office.jira.bot.token)
    office.come_back()
    office.work()
    assert len(office.requests()) == 2


def test_a_token_that_cannot_be_read(office, tmp_path):
    ticket = office.ticket()
    (tmp_path / "jira.token").chmod(0o644)
    office.work(ticket)
    assert office.jira.requests() == []
    ((_, state, attempts, note),) = office.deliveries()
    assert (state, attempts) == ("waiting", 0)
    assert "has mode 0644" in note
    (tmp_path / "jira.token").chmod(0o600)
    office.come_back()
    office.work()
    assert len(office.requests()) == 1


def test_the_end_of_a_token_is_an_alarm(office, now):
    for days, expected in ((15, []), (14, ["token-expiry"]), (13, ["token-expiry", "token-expiry"])):
        day = now().date() + datetime.timedelta(days=days)
        office.restart(auth={**office.site["auth"], "expires": day})
        office.work()
        assert office.alarms() == expected


def test_a_ticket_that_breaks_everything_holds_up_no_other(office, monkeypatch):
    bad, good = office.ticket(), office.ticket()
    take = office.desk._intake.take

    def broken(ticket_id, delivery):
        if ticket_id == bad.id:
            raise RuntimeError("s3cret")
        return take(ticket_id, delivery)

    monkeypatch.setattr(office.desk._intake, "take", broken)
    for _ in range(12):
        office.work(*([bad, good] if not office.sent else []))
        office.come_back()
    assert office.requests() == [(f"{good.id}#1", "pending")]
    assert office.deliveries()[0][1:] == ("dead", 12, "a fault of the intake: RuntimeError")


@pytest.mark.parametrize("how", ["delete", "hide", "archive"])
def test_a_ticket_that_is_gone_holds(office, how):
    ticket = office.ticket()
    office.jira.transition(ticket, "Approve")
    office.work(ticket)
    getattr(office.jira, how)(ticket.key)
    (note,) = office.work(ticket)
    assert note.endswith("held: request 1")
    assert [cause for _, cause, _ in office.holds()] == ["gone"]
    assert office.alarms() == ["ticket-gone"]


def test_a_ticket_that_can_be_read_again_goes_on(office):
    ticket = office.ticket()
    office.work(ticket)
    office.jira.hide(ticket.key)
    office.work(ticket)
    assert len(office.holds()) == 1
    office.jira.hide(ticket.key, False)
    office.work(ticket)
    assert office.holds() == []


def test_a_ticket_that_was_deleted_and_nobody_told_of(office):
    ticket = office.ticket()
    office.work(ticket)
    office.jira.delete(ticket.key)
    office.poll()
    assert [cause for _, cause, _ in office.holds()] == ["gone"]


def test_looks_go_around(office):
    tickets = [office.ticket() for _ in range(5)]
    office.work(*tickets)
    office.desk._looks = 2
    office.jira.lies.search_lags = True
    office.jira._index = {}
    looked = []
    for _ in range(3):
        before = len(office.deliveries())
        office.poll()
        looked.append([ticket_id for ticket_id, *_ in office.deliveries()[before:]])
    assert [len(ids) for ids in looked] == [2, 2, 1]
    assert set().union(*looked) == {ticket.id for ticket in tickets}


def test_a_ticket_is_declined(office):
    ticket = office.ticket()
    office.work(ticket)
    office.jira.transition(ticket, "Decline")
    (note,) = office.work(ticket)
    assert note.endswith("counts")
    assert office.requests() == [(f"{ticket.id}#1", "rejected")]
    assert office.work(ticket) == ["declined, and there is nothing to decline"]


def test_what_was_approved_and_is_declined_then_is_held(office, client):
    ticket = office.ticket()
    office.work(ticket)
    client("carol").approve(1)
    office.jira.transition(ticket, "Decline")
    office.work(ticket)
    assert [cause for _, cause, _ in office.holds()] == ["edited"]


def test_an_old_approval_is_none_of_what_is_asked_anew(office):
    office.stages(*TWO_STAGES)
    ticket = office.ticket()
    office.jira.transition(ticket, "Approve")
    office.work(ticket)
    assert office.standing_votes() == 1
    office.end()
    office.jira.transition(ticket, "Fail")
    office.jira.transition(ticket, "Retry")
    (note,) = office.work(ticket)
    assert note.startswith("request 2: new")
    assert office.requests() == [(f"{ticket.id}#1", "rejected"), (f"{ticket.id}#2", "pending")]
    assert [who for who, *_ in office.decisions()] == ["bob", "carol"]
    # It is none once this was taken over, either.
    office.jira.transition(ticket, "Wait", by=office.jira.bot)
    (note,) = office.work(ticket)
    assert "does not count" in note
    assert [who for who, *_ in office.decisions()] == ["bob", "carol"]


@pytest.fixture
def done(office, client):
    """A ticket whose request was approved, and that says that it is done, where another version was there before."""
    number = client("alice").request("package", ["web1"], {"hello": "2.9"}, "before")["request"]
    client("carol").approve(number)
    ticket = office.ticket()
    office.jira.transition(ticket, "Approve")
    office.work(ticket)
    for name in ("Wait", "Complete"):
        office.jira.transition(ticket, name, by=office.jira.bot)
    return ticket


def test_what_was_done_is_taken_back(office, done):
    office.jira.transition(done, "Revert", by=office.jira.zoe)
    office.work(done)
    assert office.requests()[2] == (f"{done.id}#1/revert", "pending")
    office.jira.transition(done, "Approve")
    (note,) = office.work(done)
    assert note.endswith("counts")
    assert office.requests()[2] == (f"{done.id}#1/revert", "approved")


def test_who_asked_for_taking_it_back_does_not_approve_that(office, done):
    office.jira.transition(done, "Revert", by=office.jira.angel)
    office.jira.transition(done, "Approve", by=office.jira.angel)
    (note,) = office.work(done)
    assert "asked for request 3 and may not decide on it" in note
    assert office.requests()[2] == (f"{done.id}#1/revert", "pending")


def test_a_ticket_that_is_none_of_ours(office):
    ticket = office.ticket()
    office.restart(
        projects={"SC21": {"types": {"Reboot Request": office.site["projects"]["SC21"]["types"]["Reboot Request"]}}}
    )
    (note,) = office.work(ticket)
    assert note.startswith("ignored: ")
    assert office.requests() == []
