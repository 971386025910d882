"""Jira: what webhooks and fetched issues ask for, who decided in them, and what spoils a decision."""

import datetime
import json

import pytest

from saltext.approval.errors import InputError
from saltext.approval.itsm.ticket import Ignored, Person

WAITING, SENDING = "Waiting for Approval", "Sending to Integration"
ZOE = "712020:11111111-1111-4111-8111-111111111111"
ANGEL = "712020:22222222-2222-4222-8222-222222222222"
BOT = "712020:33333333-3333-4333-8333-333333333333"
MINIONS, CHOSEN, AFTER, TYPED = (f"customfield_1010{number}" for number in (2, 4, 6, 7))
HELLO = (("package", "hello", "2.10-3"), ("package", "cowsay", "absent"))


def at(minute):
    return datetime.datetime(2026, 11, 22, 15, minute, tzinfo=datetime.timezone.utc)


def account(subject, kind="atlassian"):
    return {"accountId": subject, "accountType": kind, "displayName": "Somebody"}


def status(start, end):
    return {"field": "status", "fieldtype": "jira", "fieldId": "status", "fromString": start, "toString": end}


def edit(field_id=MINIONS, name="Linux Minions"):
    return {"field": name, "fieldtype": "custom", "fieldId": field_id, "fromString": "a", "toString": "b"}


def entry(number, minute, who, *items, kind="atlassian"):
    created = f"2026-11-22T16:{minute:02}:00.000+0100"
    return {"id": str(number), "author": account(who, kind), "created": created, "items": list(items)}


@pytest.fixture
def event(delivered):
    """A function that gives a webhook's body with another change of status, and other fields."""

    def make(start=WAITING, end=SENDING, issue_type=None, **fields):
        content = delivered("jira_cloud_issue_updated")
        content["changelog"]["items"][0].update({"fromString": start, "toString": end})
        content["issue"]["fields"].update(fields)
        if issue_type:
            content["issue"]["fields"]["issuetype"]["name"] = issue_type
        return content

    return make


@pytest.fixture
def fetched(delivered):
    """A function that gives a document of fetch(): the issue in a status, with a history."""

    def make(*history, now=SENDING, approvals=(), **fields):
        issue = delivered("jira_cloud_issue_updated")["issue"]
        issue["fields"]["status"]["name"] = now
        issue["fields"].update(fields)
        return {"issue": issue, "history": list(history), "approvals": list(approvals), "names": None}

    return make


@pytest.fixture(scope="module")
def jira(system):
    return system("sc21")


ASKED = entry(1, 1, ZOE, status("Open", WAITING))
APPROVED = entry(3, 5, ANGEL, status(WAITING, SENDING))


def test_an_approval_asks(jira, event):
    ticket = jira.ticket(event())
    assert (ticket.id, ticket.key, ticket.stage, ticket.status) == ("10457", "SC21-101", "approved", SENDING)
    assert ticket.url == "https://example-itsm.atlassian.net/browse/SC21-101"
    assert ticket.creator == Person(ZOE)
    ask = jira.ask(ticket)
    assert (ask.type, ask.minions, ask.items) == ("package", ("heldout-m1", "heldout-m2"), HELLO)
    assert ask.after == datetime.datetime(2026, 11, 25, 22, tzinfo=datetime.timezone.utc)


def test_a_second_try_asks_and_is_no_approval(jira, event):
    ticket = jira.ticket(event(start="Failed"))
    assert (ticket.stage, ticket.decisions) == ("asked", ())
    assert jira.ask(ticket).items == HELLO


@pytest.mark.parametrize("start", ["Revert Waiting for Approval", "Failed to Revert"])
def test_a_revert(jira, event, start):
    # A revert is about what the ticket brought, whatever its fields say now.
    ticket = jira.ticket(event(start, "Sending Revert to Integration", **{MINIONS: None, CHOSEN: "*"}))
    ask = jira.ask(ticket)
    assert (ask.type, ask.minions, ask.items, ask.after) == ("revert", (), None, None)
    assert [decision.about for decision in ticket.decisions] == (["revert"] if "Waiting" in start else [])


def test_a_reboot(jira, event):
    content = event(issue_type="Reboot Request", customfield_10101=[{"value": "web1", "id": "5"}])
    content["issue"]["fields"].update({CHOSEN: None, TYPED: None, AFTER: None})
    ask = jira.ask(jira.ticket(content))
    assert (ask.type, ask.minions, ask.after) == ("reboot", ("web1",), None)
    assert ask.items == (("action", "system.reboot", "{}"),)


def test_a_reboot_cannot_be_taken_back(jira, event):
    content = event("Revert Waiting for Approval", "Sending Revert to Integration", issue_type="Reboot Request")
    with pytest.raises(InputError, match="cannot be taken back"):
        jira.ask(jira.ticket(content))


@pytest.mark.parametrize("field", ["customfield_10101", "customfield_10103"])
def test_windows(jira, event, field):
    content = event(issue_type="Windows Package Management Request", **{field: [{"value": "win1", "id": "5"}]})
    content["issue"]["fields"][CHOSEN] = {"value": "GoogleChrome", "child": {"value": "Latest"}}
    content["issue"]["fields"].update({MINIONS: [{"value": "not-read"}], TYPED: None})
    ask = jira.ask(jira.ticket(content))
    assert (ask.type, ask.minions) == ("package-windows", ("win1",))
    assert ask.items == (("package", "GoogleChrome", "latest"),)


def test_no_time_means_at_once(jira, event):
    assert jira.ask(jira.ticket(event(**{AFTER: None}))).after is None


@pytest.mark.parametrize(
    "change",
    [
        {AFTER: ""}, {AFTER: "2026-11-25"}, {AFTER: 1795360811502}, {AFTER: ["2026-11-25T22:00:00.000+0000"]},
        {MINIONS: None},
        {MINIONS: []}, {MINIONS: "heldout-m1"}, {MINIONS: {"heldout-m1": 1}}, {MINIONS: [{"value": None}]},
        {MINIONS: ["heldout-m1"]},
        {CHOSEN: {"value": "hello"}}, {CHOSEN: "hello 2.10-3"}, {CHOSEN: {"value": "hello", "child": {"value": 2.1}}},
        {CHOSEN: {"value": "sl", "child": {"value": "none"}}}, {CHOSEN: None, TYPED: None}, {TYPED: "hello"},
        {TYPED: 5},
        {TYPED: ["hello 2.10-3"]}, {TYPED: "hello 2.10-4"}, {TYPED: "Hello 2.10-3"}, {TYPED: {"type": "paragraph"}},
    ],
)  # fmt: skip
def test_fields_that_cannot_be_meant(jira, event, change):
    ticket = jira.ticket(event(**change))
    with pytest.raises(InputError, match="customfield_"):
        jira.ask(ticket)
    assert len(ticket.digest) == 64


@pytest.mark.parametrize(
    ("start", "end", "why"),
    [
        (WAITING, "Declined", "means declined"),
        ("Open", WAITING, "asks for nothing here"),
        ("Open", SENDING, "asks for nothing here"),
        ("Completed", SENDING, "asks for nothing here"),
        (SENDING, WAITING, "asks for nothing here"),
        (SENDING, "Waiting for Integration", "means waiting"),
        ("Waiting for Integration", "Completed", "means done"),
        ("Waiting for Integration", "Failed", "means failed"),
        ("Completed", "Revert Waiting for Approval", "asks for nothing here"),
        (WAITING, "Sending Revert to Integration", "asks for nothing here"),
    ],
)
def test_other_changes_of_status_ask_for_nothing(jira, event, start, end, why):
    with pytest.raises(Ignored, match=why):
        jira.ask(jira.ticket(event(start, end)))


def test_letter_case_of_statuses_makes_no_difference(jira, event):
    assert jira.ticket(event(WAITING.upper(), SENDING.lower())).stage == "approved"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"webhookEvent": "comment_created"}, "none about an issue"),
        ({"webhookEvent": "jira:worklog_updated"}, "none about an issue"),
        ({"webhookEvent": "jira:issue_deleted"}, "was deleted"),
        ({"changelog": None}, "no change of status"),
        ({"changelog": {"id": "1", "items": []}}, "no change of status"),
        ({"changelog": {"id": "1", "items": [{"field": "summary", "fieldId": "summary"}]}}, "no change of status"),
        ({"changelog": {"id": "1", "items": [edit()]}}, "no change of status"),
    ],
)
def test_other_events_ask_for_nothing(jira, event, change, why):
    with pytest.raises(Ignored, match=why):
        jira.ask(jira.ticket({**event(), **change}))


def test_other_projects_and_issue_types_are_ignored(jira, event):
    for content in (event(issue_type="Story"), event(project={"key": "OTHER"})):
        with pytest.raises(Ignored, match="none of those that this site reads"):
            jira.ticket(content)


@pytest.mark.parametrize(
    "change",
    [
        {"webhookEvent": None}, {"webhookEvent": 5}, {"issue": None}, {"issue": []}, {"issue": {}}, {"changelog": []},
        {"changelog": {"items": {}}}, {"changelog": {"items": [None]}}, {"changelog": {"items": [{"field": None}]}},
        {"changelog": {"items": [{"field": "status"}]}}, {"timestamp": 10**30},
        {"changelog": {"items": [{"field": "status", "fromString": WAITING, "toString": [SENDING]}]}},
        {"changelog": {"items": [status(WAITING, SENDING), status(SENDING, "Declined")]}},
    ],
)  # fmt: skip
def test_bodies_that_are_broken(jira, event, change):
    with pytest.raises(InputError):
        jira.ticket({**event(), **change})


@pytest.mark.parametrize(
    "change",
    [
        {"id": None}, {"id": 10457}, {"id": "10457 "}, {"id": "-1"}, {"key": None}, {"key": "sc21-1"},
        {"key": ["SC21-1"]},
        {"key": "SC21-1\n"}, {"key": "../SC21-1"}, {"fields": None}, {"fields": []}, {"fields": {}},
        {"fields": {"issuetype": None}}, {"fields": {"issuetype": {"name": 5}}},
    ],
)  # fmt: skip
def test_issues_that_are_broken(jira, event, change):
    content = event()
    content["issue"].update(change)
    with pytest.raises(InputError):
        jira.ticket(content)


def test_no_address_is_taken_from_a_body(jira, event):
    content = event()
    content["issue"]["self"] = "https://evil.example.org/rest/api/2/10457"
    assert "evil" not in repr((jira.ticket(content), jira.ask(jira.ticket(content))))


def test_a_delivery_is_known_by_its_identifier_or_by_its_bytes(jira, event):
    body = json.dumps(event()).encode()
    assert jira.delivery({"x-atlassian-webhook-identifier": "3f1c8c3a"}, body) == ("3f1c8c3a", "10457")
    for headers in ({}, {"X-Atlassian-Webhook-Identifier": ""}, {"X-Atlassian-Webhook-Identifier": "x" * 201}):
        key, ticket_id = jira.delivery(headers, body)
        assert key.startswith("sha256:")
        assert ticket_id == "10457"


def test_a_deleted_issue_is_delivered_and_a_comment_is_not(jira, event):
    assert jira.delivery({}, json.dumps({**event(), "webhookEvent": "jira:issue_deleted"}).encode())[1] == "10457"
    with pytest.raises(Ignored):
        jira.delivery({}, json.dumps({**event(), "webhookEvent": "comment_created"}).encode())


def test_an_issue_that_moves_out_of_the_site_is_delivered(jira, event):
    content = event(project={"key": "OTHER"})
    with pytest.raises(Ignored):
        jira.delivery({}, json.dumps(content).encode())
    content["changelog"]["items"] = [{"field": "Key", "fromString": "SC21-101", "toString": "OTHER-1"}]
    assert jira.delivery({}, json.dumps(content).encode())[1] == "10457"


def test_a_decision_that_is_clean(jira, fetched):
    ticket = jira.ticket(fetched(APPROVED, ASKED))
    (decision,) = ticket.decisions
    assert (decision.key, decision.decision, decision.by, decision.at) == ("3", "approve", Person(ANGEL), at(5))
    assert (decision.asked_at, decision.spoiled, decision.about) == (at(1), (), "request")
    assert decision.by.is_human
    assert decision.by.name == "Somebody"
    assert ticket.stage == "approved"


def test_an_issue_may_be_created_in_the_status_in_which_it_waits(jira, fetched, event):
    (decision,) = jira.ticket(fetched(APPROVED)).decisions
    assert decision.asked_at.isoformat() == "2026-11-22T14:58:02.118000+00:00"
    # Where the history is not whole, nobody knows since when it waits.
    (decision,) = jira.ticket(fetched(entry(1, 1, ZOE, status("Open", "Closed")), APPROVED)).decisions
    assert decision.asked_at is None
    assert jira.ticket(event()).decisions[0].asked_at is None


def test_a_refusal(jira, fetched):
    ticket = jira.ticket(fetched(ASKED, entry(3, 5, ANGEL, status(WAITING, "Declined")), now="Declined"))
    assert [decision.decision for decision in ticket.decisions] == ["reject"]
    assert ticket.stage == "declined"


@pytest.mark.parametrize(
    ("history", "spoiled"),
    [
        ((ASKED, entry(3, 5, ANGEL, status(WAITING, SENDING), edit())), "changed in the same step"),
        ((ASKED, APPROVED, entry(4, 6, ZOE, edit())), "Linux Minions was changed afterwards"),
        ((ASKED, entry(2, 3, ANGEL, edit()), APPROVED), "changed by the same person"),
        ((ASKED, APPROVED, entry(4, 6, ZOE, edit("issuetype", "issuetype"))), "issuetype was changed afterwards"),
    ],
)
def test_what_spoils_a_decision(jira, fetched, history, spoiled):
    (decision,) = jira.ticket(fetched(*history)).decisions
    assert spoiled in decision.spoiled[0]


def test_what_was_taken_back_is_no_decision_any_more(jira, fetched):
    history = (ASKED, APPROVED, entry(4, 6, ZOE, status(SENDING, WAITING)))
    ticket = jira.ticket(fetched(*history, now=WAITING))
    assert ticket.decisions[0].spoiled == ("the ticket was taken back to 'Waiting for Approval'",)
    assert ticket.stage is None


def test_an_edit_before_the_decision_is_told_and_spoils_nothing(jira, fetched):
    ticket = jira.ticket(fetched(ASKED, entry(2, 3, ZOE, edit()), APPROVED))
    assert ticket.decisions[0].spoiled == ()
    assert [(one.field, one.by, one.at) for one in ticket.edits] == [("Linux Minions", Person(ZOE), at(3))]
    assert ticket.editors == (Person(ZOE),)


def test_other_fields_may_change(jira, fetched):
    other = {"field": "summary", "fieldtype": "jira", "fieldId": "summary"}
    ticket = jira.ticket(fetched(ASKED, APPROVED, entry(4, 6, ANGEL, other, edit("customfield_10999", "Colour"))))
    assert ticket.decisions[0].spoiled == ()
    assert ticket.editors == ()


@pytest.mark.parametrize(
    "approved",
    [
        entry(3, 5, ANGEL, status(WAITING, SENDING), kind="app"),
        entry(3, 5, ANGEL, status(WAITING, SENDING), kind="customer"),
        {**entry(3, 5, BOT, status(WAITING, SENDING))},
    ],
)
def test_apps_customers_and_rules_are_no_people(system, fetched, approved):
    (decision,) = system("sc21", ignore_actors=[BOT]).ticket(fetched(ASKED, approved)).decisions
    assert not decision.by.is_human


@pytest.mark.parametrize(
    "approved",
    [
        entry(3, 5, ANGEL, status("Open", SENDING)),
        entry(3, 5, ANGEL, status("Failed", SENDING)),
        entry(3, 5, ANGEL, status(WAITING, SENDING), status(SENDING, "Declined")),
        {**entry(3, 5, ANGEL, status(WAITING, SENDING)), "author": None},
        {**entry(3, 5, ANGEL, status(WAITING, SENDING)), "author": {"displayName": "Somebody", "emailAddress": "a@b"}},
        {**entry(3, 5, ANGEL, status(WAITING, SENDING)), "id": None},
    ],
)
def test_what_is_no_decision(jira, fetched, approved):
    assert jira.ticket(fetched(ASKED, approved)).decisions == ()


def test_the_stage_is_that_of_the_last_change(jira, fetched):
    assert jira.ticket(fetched(ASKED, entry(3, 5, ANGEL, status("Failed", SENDING)))).stage == "asked"
    assert jira.ticket(fetched(ASKED, entry(3, 5, ANGEL, status("Open", SENDING)))).stage is None
    # Without its history, a ticket asks, and nobody decided.
    document = fetched()
    document["history"] = None
    ticket = jira.ticket(document)
    assert (ticket.stage, ticket.decisions) == ("asked", ())


def test_an_issue_that_somebody_fetched_by_hand(jira, fetched):
    document = fetched()
    issue = {**document["issue"], "changelog": {"histories": [APPROVED, ASKED]}}
    assert [one.by.subject for one in jira.ticket(issue).decisions] == [ANGEL]


def test_who_asked_for_a_revert(jira, fetched):
    asked = entry(4, 6, BOT, status("Completed", "Revert Waiting for Approval"))
    approved = entry(5, 7, ANGEL, status("Revert Waiting for Approval", "Sending Revert to Integration"))
    ticket = jira.ticket(fetched(ASKED, APPROVED, asked, approved, now="Sending Revert to Integration"))
    assert ticket.asker == Person(BOT)
    assert [(one.about, one.by.subject) for one in ticket.decisions] == [("request", ANGEL), ("revert", ANGEL)]
    assert ticket.stage == "revert"


def desk(final="approved", decision="approved", minute=5, subject=ANGEL):
    return {
        "id": "1",
        "finalDecision": final,
        "createdDate": {"iso8601": "2026-11-22T16:01:00+0100"},
        "completedDate": {"iso8601": f"2026-11-22T16:{minute:02}:00+0100"},
        "approvers": [{"approver": account(subject), "approverDecision": decision}],
    }


def test_approvals_of_the_service_desk(jira, fetched):
    (decision,) = jira.ticket(fetched(ASKED, approvals=[desk()])).decisions
    assert (decision.key, decision.decision, decision.asked_at) == (f"approval/1/{ANGEL}", "approve", at(1))
    assert decision.spoiled == ()
    (decision,) = jira.ticket(fetched(ASKED, approvals=[desk("declined", "declined")])).decisions
    assert decision.decision == "reject"
    for row in (desk("pending", "approved"), desk("approved", "pending"), {"finalDecision": ["approved"]}):
        assert jira.ticket(fetched(ASKED, approvals=[row])).decisions == ()


@pytest.mark.parametrize(
    ("change", "spoiled"),
    [(entry(4, 6, ZOE, edit()), "afterwards"), (entry(2, 2, ANGEL, edit()), "by the same person")],
)
def test_what_spoils_approvals_of_the_service_desk(jira, fetched, change, spoiled):
    (decision,) = jira.ticket(fetched(ASKED, change, approvals=[desk()])).decisions
    assert spoiled in decision.spoiled[0]


def test_data_center_knows_people_by_key_and_fields_by_name(system, delivered):
    server = system("sc21", api="datacenter")
    ticket = server.ticket(delivered("jira_server_issue_updated"))
    assert ticket.creator == Person("JIRAUSER10300")
    assert ticket.decisions[0].by == Person("JIRAUSER10900")
    issue = delivered("jira_server_issue_updated")["issue"]
    author = {"name": "zoe", "key": "JIRAUSER10300"}
    changed = {"field": "Linux Minions", "fieldtype": "custom", "fromString": "a", "toString": "b"}
    history = [{"id": "4", "author": author, "created": "2026-11-22T16:06:00.000+0100", "items": [changed]}]
    names = {MINIONS: "Linux Minions", "customfield_10999": "Colour"}
    assert server.ticket({"issue": issue, "history": history, "names": names}).editors == (Person("JIRAUSER10300"),)
    # A field of which nobody can say that it is another one counts as one that is bound.
    assert len(server.ticket({"issue": issue, "history": history}).edits) == 1
    changed["field"] = "Colour"
    assert server.ticket({"issue": issue, "history": history, "names": names}).edits == ()


def test_the_cloud_does_not_know_people_by_their_names(jira, delivered):
    ticket = jira.ticket(delivered("jira_server_issue_updated"))
    assert (ticket.creator, ticket.on_behalf_of, ticket.decisions) == (None, None, ())


def test_who_reported_it_is_the_one_it_is_for(jira, event):
    ticket = jira.ticket(event(reporter=account(ANGEL)))
    assert (ticket.creator, ticket.on_behalf_of) == (Person(ZOE), Person(ANGEL))


def rich(*lines):
    return {
        "type": "doc",
        "version": 1,
        "content": [{"type": "paragraph", "content": [{"type": "text", "text": line}]} for line in lines],
    }


def test_rich_text_is_read_as_its_lines(jira, event):
    ask = jira.ask(jira.ticket(event(**{TYPED: rich("hello 2.10-3", "cowsay remove")})))
    assert ask.items == HELLO
    broken = rich("hello 2.10-3")
    broken["content"][0]["content"] += [{"type": "hardBreak"}, {"type": "text", "text": "cowsay remove"}]
    assert jira.ask(jira.ticket(event(**{TYPED: broken}))).items == HELLO


@pytest.mark.parametrize(
    "part", [{"type": "mention", "attrs": {"text": "sl 1"}}, {"type": "text"}, {"type": "inlineCard"}, "sl 1", None]
)
def test_rich_text_that_is_more_than_lines(jira, event, part):
    content = rich("hello 2.10-3")
    content["content"][0]["content"].append(part)
    with pytest.raises(InputError, match=TYPED):
        jira.ask(jira.ticket(event(**{TYPED: content})))


def test_the_digest_is_of_what_is_asked_for(jira, event):
    digest = jira.ticket(event()).digest
    same = (
        event(summary="another", project={"key": "SC21"}),
        event(**{AFTER: "2026-11-25T23:00:00.000+0100"}),
        event(start="Failed"),
        event(**{TYPED: rich("hello 2.10-3", "cowsay remove")}),
    )
    assert {jira.ticket(content).digest for content in same} == {digest}
    swapped = event()
    swapped["issue"]["fields"][MINIONS].reverse()
    assert jira.ticket(swapped).digest == digest
    other = (
        event(**{AFTER: None}), event(**{TYPED: None}), event(**{CHOSEN: None}), event(**{MINIONS: []}),
        event(**{CHOSEN: {"value": "hello", "child": {"value": "2.10-3", "id": "1"}}}),
        event(issue_type="Windows Package Management Request"),
    )  # fmt: skip
    found = {jira.ticket(content).digest for content in other}
    assert len(found) == len(other)
    assert digest not in found
