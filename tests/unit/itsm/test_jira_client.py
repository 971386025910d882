"""The client of Jira against the stand-in, Cloud and Data Center."""

import dataclasses
import datetime
import logging

import pytest
from standins import acme
from standins.jira import JiraStandIn

from saltext.approval.itsm import jira_client, markup
from saltext.approval.itsm.ticket import Away, Denied, Gone, NotMoved, Page

MINIONS, PACKAGE, AFTER, LINES = (f"customfield_{number}" for number in (10102, 10104, 10106, 10107))
FIELDS = {MINIONS: ["web1"], PACKAGE: ("hello", "2.10-3")}
SAID = (markup.Paragraph(("Thank you for *this*.",)), markup.Bullets((("web1 {x}",),)))
EARLIER = datetime.timedelta(hours=1)


def now():
    return datetime.datetime.now(datetime.timezone.utc)


@pytest.fixture
def site(jira, jira_settings, system_of):
    return system_of(jira_settings(jira))


@pytest.fixture
def issue(jira):
    return jira.create(fields=FIELDS)


def approved(jira, issue):
    jira.transition(issue, "Approve")
    return issue


# Reading.


def test_a_ticket_is_fetched_with_its_whole_history(jira, site, issue):
    # Of the Cloud, what an issue itself gives is the newest hundred of it.
    for number in range(230):
        jira.edit(issue.key, {"summary": f"Title {number}"})
    jira.transition(issue, "Approve")
    ticket = site.ticket(site.fetch(issue.id))
    assert (ticket.id, ticket.key, ticket.stage, ticket.title) == (issue.id, issue.key, "approved", "Title 229")
    assert len(site.fetch(issue.id)["history"]) == 231
    (decision,) = ticket.decisions
    angel = jira.angel.account_id if jira.is_cloud else jira.angel.key
    assert (decision.decision, decision.by.subject, decision.spoiled) == ("approve", angel, ())
    assert ticket.url == f"{jira.url}/browse/{issue.key}"


def test_a_moved_ticket_is_the_same_one(jira, site, issue):
    old = issue.key
    jira.move(issue.key, "OPS")
    assert issue.key != old
    assert site.fetch(issue.id)["issue"]["key"] == issue.key
    assert site.fetch(old)["issue"]["id"] == issue.id


@pytest.mark.parametrize("how", ["delete", "hide", "archive"])
def test_a_ticket_that_is_gone(jira, site, issue, how):
    getattr(jira, how)(issue.key)
    with pytest.raises(Gone, match="was deleted, or cannot be read any more"):
        site.fetch(issue.id)


def test_a_token_that_is_not_valid_makes_no_ticket_gone(jira, site, issue, secret_file):
    secret_file("jira.token", "another")
    jira.anonymous_may_read = True
    with pytest.raises(Denied) as caught:
        site.fetch(issue.id)
    assert caught.value.status == 401
    # The file is read anew.
    secret_file("jira.token", jira.bot.token)
    assert site.fetch(issue.id)["issue"]["id"] == issue.id


def test_approvals_of_the_service_desk(jira, site, issue):
    for number in range(60):
        jira.ask_approval(issue.key, [jira.angel], f"step {number}")
    jira.answer_approval(issue.key, jira.angel, then=None)
    approvals = site.fetch(issue.id)["approvals"]
    assert len(approvals) == 60
    assert approvals[0]["finalDecision"] == "approved"


def test_a_text_with_formatting_is_read(jira, site):
    texts = [{"type": "text", "text": "hello 2.10-3"}, {"type": "hardBreak"}, {"type": "text", "text": "cowsay 3.03"}]
    document = {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": texts}]}
    lines = document if jira.is_cloud else "hello 2.10-3\ncowsay 3.03"
    issue = jira.create(fields={MINIONS: ["web1"], LINES: lines})
    ask = site.ask(site.ticket(site.fetch(issue.id)))
    assert ask.items == (("package", "hello", "2.10-3"), ("package", "cowsay", "3.03"))


def test_what_changed_is_found(jira, site):
    issues = [jira.create(fields=FIELDS) for _ in range(120)]
    jira.edit(issues[0].key, {"summary": "newest"})
    found = list(site.changed(now() - EARLIER))
    assert [ticket_id for ticket_id, _ in found] == [issue.id for issue in (*issues[1:], issues[0])]
    assert len(set(found)) == 120
    jira.edit(issues[0].key, {"summary": "again"})
    assert list(site.changed(now() - EARLIER))[-1] not in found


def test_what_changed_long_ago_is_not_found(jira, site):
    jira.clock = lambda: now() - datetime.timedelta(hours=3)
    jira.create(fields=FIELDS)
    jira.clock = now
    new = jira.create(fields=FIELDS)
    assert [ticket_id for ticket_id, _ in site.changed(now() - EARLIER)] == [new.id]


# Comments.


def test_a_comment_is_written_and_found(jira, site, issue):
    before = now() - datetime.timedelta(seconds=1)
    comment_id = site.comment(issue.id, "7/2", SAID)
    comment = site.comments(issue.id)["7/2"]
    assert comment.id == comment_id
    assert "Thank you for" in comment.text
    assert before <= comment.at <= now() + datetime.timedelta(seconds=1)
    (standing,) = issue.comments
    assert standing.body == (markup.adf(SAID) if jira.is_cloud else markup.wiki(SAID))
    # Customers of the service desk do not see it.
    assert standing.properties["sd.public.comment"] == {"internal": True}


def test_a_comment_is_written_anew(jira, site, issue):
    first = site.comment(issue.id, "7/progress", SAID)
    assert site.comment(issue.id, "7/progress", (markup.Paragraph(("half",)),), first) == first
    assert len(issue.comments) == 1
    assert "half" in site.comments(issue.id)["7/progress"].text


def test_comments_of_many_pages(jira, site, issue):
    for number in range(120):
        jira.comment(issue.key, markup.adf(SAID) if jira.is_cloud else "text", by=jira.zoe)
        if number == 110:
            site.comment(issue.id, "7/1", SAID)
    assert list(site.comments(issue.id)) == ["7/1"]


def test_a_mark_of_somebody_else_is_none(jira, site, issue, caplog):
    body = markup.adf(SAID) if jira.is_cloud else "text"
    forged = jira.comment(issue.key, body, by=jira.zoe, properties={"approval": {"seq": "7/1"}})
    for value in ("7/1", None, {"seq": 7}, {"seq": ["7/1"]}):
        jira.comment(issue.key, body, by=jira.bot, properties={"approval": value})
    with caplog.at_level(logging.WARNING):
        assert site.comments(issue.id) == {}
    assert caplog.messages == [f"approval: {issue.id}: comment {forged.id} of somebody else bears our mark"]


def test_a_comment_that_is_too_long(jira, site, issue):
    with pytest.raises(Denied) as caught:
        site.comment(issue.id, "7/2", (markup.Paragraph(("x" * 40_000,)),))
    assert caught.value.status == 400


@pytest.mark.parametrize("lie", ["cut_before", "cut_after", "bad_gateway", "bad_gateway_after"])
def test_a_comment_is_never_repeated_here(jira, site, issue, lie):
    site.comments(issue.id)
    jira.lies.where = ("POST", "/comment$")
    setattr(jira.lies, lie, 1)
    with pytest.raises(Away):
        site.comment(issue.id, "7/2", SAID)
    assert len(jira.requests("POST", "/comment")) == 1
    assert ("7/2" in site.comments(issue.id)) == lie.endswith("after")


def test_a_limit_of_one_issue(jira, site, issue):
    other = jira.create(fields=FIELDS)
    jira.limits.issue_writes_2s = 1
    site.comment(issue.id, "7/1", SAID)
    with pytest.raises(Away) as caught:
        site.comment(issue.id, "7/2", SAID)
    assert caught.value.due_at > now()
    if jira.is_cloud:
        site.comment(other.id, "8/1", SAID)


# Transitions.


def test_a_ticket_is_moved(jira, site, issue):
    approved(jira, issue)
    site.move(issue.id, "waiting")
    assert issue.status == "Waiting for Integration"
    site.move(issue.id, "done")
    assert issue.status == "Completed"


def test_a_ticket_that_is_there_is_left(jira, site, issue):
    approved(jira, issue)
    site.move(issue.id, "waiting")
    site.move(issue.id, "waiting")
    assert len(jira.requests("POST", "/transitions")) == 1


def test_the_same_names_in_the_other_half(jira, site, issue):
    for name in ("Approve", "Wait", "Complete", "Revert", "Approve"):
        jira.transition(issue, name)
    site.move(issue.id, "waiting")
    site.move(issue.id, "done")
    assert issue.status == "Reverted"


def test_a_transition_that_is_not_there(jira, site, issue):
    with pytest.raises(NotMoved, match="has no transition 'Complete' for us from 'Waiting for Approval'; there is: "):
        site.move(issue.id, "done")
    assert issue.status == "Waiting for Approval"


def test_a_transition_that_we_may_not_take(jira, site, issue):
    approved(jira, issue)
    jira.permit("Wait", [jira.angel])
    with pytest.raises(NotMoved, match="our account may not take it"):
        site.move(issue.id, "waiting")


def test_a_name_of_several_transitions(jira, site, issue):
    approved(jira, issue)
    jira.add_transition("WAIT", ["Sending to Integration"], "Closed")
    with pytest.raises(NotMoved, match="several transitions 'Wait'"):
        site.move(issue.id, "waiting")
    assert issue.status == "Sending to Integration"


RESOLVED = {"transition": "Complete", "resolution": "Won't Do"}


@pytest.fixture
def resolving(jira, jira_settings, system_of):
    """The site, where a resolution is set when a ticket is done or has failed."""
    moves = {"waiting": "Wait", "done": RESOLVED, "failed": {**RESOLVED, "transition": "Fail"}}
    return system_of(jira_settings(jira, workflow={**acme.WORKFLOW, "moves": moves}))


def test_a_resolution_is_set_with_a_move(jira, resolving, issue):
    jira.transition(issue, "Approve")
    for stage in ("waiting", "done"):
        resolving.move(issue.id, stage)
    assert (issue.status, issue.resolution) == ("Completed", "Won't Do")


def test_a_resolution_is_not_set_where_the_screen_has_none(jira, resolving, issue):
    jira.transition(issue, "Approve")
    resolving.move(issue.id, "failed")
    assert (issue.status, issue.resolution) == ("Failed", None)


def test_a_resolution_that_there_is_not(jira, jira_settings, system_of, issue):
    moves = {"waiting": "Wait", "done": {**RESOLVED, "resolution": "Finished"}}
    site = system_of(jira_settings(jira, workflow={**acme.WORKFLOW, "moves": moves}))
    jira.transition(issue, "Approve")
    site.move(issue.id, "waiting")
    with pytest.raises(NotMoved, match="Resolution name 'Finished' is not valid"):
        site.move(issue.id, "done")


def test_a_stage_without_a_move(jira, site, issue):
    with pytest.raises(NotMoved, match="says nothing of declined"):
        site.move(issue.id, "declined")


def test_acceptance_20_yes_and_nothing_changed(jira, site, issue):
    approved(jira, issue)
    jira.lies.silent_transition = 1
    with pytest.raises(NotMoved, match=r"is in 'Sending to Integration' after the transition 'Wait' \(Jira said"):
        site.move(issue.id, "waiting")
    site.move(issue.id, "waiting")
    assert issue.status == "Waiting for Integration"


def test_acceptance_20_somebody_else_at_the_same_time(jira, site, issue):
    approved(jira, issue)
    jira.lies.conflict = 1
    with pytest.raises(NotMoved, match="409"):
        site.move(issue.id, "waiting")
    site.move(issue.id, "waiting")
    assert issue.status == "Waiting for Integration"


@pytest.mark.parametrize("lie", ["cut_after", "bad_gateway_after"])
def test_a_move_whose_answer_was_lost(jira, site, issue, lie):
    approved(jira, issue)
    jira.lies.where = ("POST", "/transitions$")
    setattr(jira.lies, lie, 1)
    with pytest.raises(Away):
        site.move(issue.id, "waiting")
    site.move(issue.id, "waiting")
    assert len(jira.requests("POST", "/transitions")) == 1


# Links.

PAGE = Page("https://approval.example.com/requests/7", "Request 7", "Packages", "waits for approval", False)


def test_a_link_to_the_request(jira, site, issue):
    site.link(issue.id, 7, PAGE)
    ((key, link),) = issue.links.items()
    assert key == "approval=jira-acme&request=7"
    assert link["object"] == {
        "url": "https://approval.example.com/requests/7",
        "title": "Request 7",
        "summary": "Packages: waits for approval",
        "status": {"resolved": False, "icon": {"title": "waits for approval"}},
    }
    site.link(issue.id, 7, PAGE)
    assert len(jira.requests("POST", "/remotelink")) == 1
    site.link(issue.id, 7, dataclasses.replace(PAGE, state="done", is_over=True))
    assert issue.links[key]["id"] == link["id"]
    assert issue.links[key]["application"] == {"type": "saltext-approval", "name": "Salt approval"}
    assert issue.links[key]["object"]["status"] == {"resolved": True, "icon": {"title": "done"}}
    site.link(issue.id, 8, PAGE)
    assert len(issue.links) == 2
    assert jira.dropped == []


def test_a_link_that_somebody_changed_is_mended(jira, site, issue):
    site.link(issue.id, 7, PAGE)
    issue.links["approval=jira-acme&request=7"].pop("application")
    site.link(issue.id, 7, PAGE)
    assert issue.links["approval=jira-acme&request=7"]["application"]["name"] == "Salt approval"


def test_links_that_a_site_does_not_want(jira, jira_settings, system_of, issue):
    system_of(jira_settings(jira, remote_links=False)).link(issue.id, 7, PAGE)
    assert jira.requests(None, "/remotelink") == []


def test_a_link_without_permission(jira, site, issue):
    jira.withheld = {"LINK_ISSUES"}
    with pytest.raises(Denied):
        site.link(issue.id, 7, PAGE)


@pytest.mark.parametrize("lie", ["cut_after", "bad_gateway_after", "cut_before"])
def test_a_link_whose_answer_was_lost(jira, site, issue, lie):
    jira.lies.where = ("POST", "/remotelink$")
    setattr(jira.lies, lie, 1)
    with pytest.raises(Away):
        site.link(issue.id, 7, PAGE)
    site.link(issue.id, 7, PAGE)
    assert len(issue.links) == 1


# The address.


def test_tokens_of_service_accounts_work_at_the_gateway(jira_settings, secret_file, system_of, monkeypatch):
    with JiraStandIn(seed=1) as jira:
        robot = jira.person("Robot", token=True, scopes=("read:jira-work", "write:jira-work"))
        auth = {"token_file": secret_file("scoped.token", robot.token)}
        issue = jira.create(fields=FIELDS)
        with pytest.raises(Denied):
            system_of(jira_settings(jira, auth=auth)).fetch(issue.id)
        monkeypatch.setattr(jira_client, "GATEWAY", jira.url)
        site = system_of(jira_settings(jira, auth={**auth, "cloud_id": jira.cloud_id}))
        assert site.fetch(issue.id)["issue"]["key"] == issue.key
        site.comment(issue.id, "1/1", SAID)
        assert list(site.comments(issue.id)) == ["1/1"]
