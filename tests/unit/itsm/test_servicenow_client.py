"""The client of ServiceNow against the stand-in."""

import datetime
import json

import pytest

from saltext.approval.itsm import markup, servicenow_client
from saltext.approval.itsm.ticket import Away, Denied, Gone, NotMoved

CHANGE = "change_request"
PACKAGES = [{"name": "hello", "version": "2.10-3"}]
FIELDS = {"short_description": "Install hello", "u_minions": "web1,web2", "u_packages": PACKAGES}
SAID = (markup.Paragraph(("Thank you.",)), markup.Bullets((("web1 [code]x[/code]",),)))
CLOSING = {"state": "3", "close_code": "successful", "close_notes": "See the work notes."}
EARLIER = datetime.timedelta(hours=1)


def now():
    return datetime.datetime.now(datetime.timezone.utc)


@pytest.fixture
def site(instance, servicenow_settings, system_of):
    return system_of(servicenow_settings(instance))


@pytest.fixture
def change(instance):
    return instance.create(fields=FIELDS)


@pytest.fixture
def scheduled(instance, change):
    (row,) = instance.ask_approval(change, [instance.angel])
    instance.decide(row, instance.angel)
    return change


# Reading.


def test_a_ticket_is_fetched_with_its_approvals_and_history(instance, site, scheduled):
    other = instance.create(fields=FIELDS)
    instance.ask_approval(other, [instance.angel])
    document = site.fetch(scheduled["sys_id"])
    ticket = site.ticket(document)
    assert (ticket.id, ticket.key, ticket.stage) == (scheduled["sys_id"], scheduled["number"], "approved")
    (decision,) = ticket.decisions
    assert (decision.decision, decision.by.subject, decision.spoiled) == ("approve", instance.angel.sys_id, ())
    assert {row["documentkey"] for row in document["history"]} == {scheduled["sys_id"]}
    assert site.ask(ticket).minions == ("web1", "web2")


def test_a_ticket_is_found_by_its_number(site, change):
    assert site.fetch(change["number"])["record"]["sys_id"] == change["sys_id"]


def test_who_edited_is_known(instance, site, change):
    instance.edit(CHANGE, change["sys_id"], {"u_minions": "web1"}, instance.angel)
    (editor,) = site.ticket(site.fetch(change["sys_id"])).editors
    assert editor.subject == instance.angel.sys_id


def test_a_history_that_we_may_not_read(instance, site, scheduled):
    instance.closed.tables.add("sys_audit")
    assert site.fetch(scheduled["sys_id"])["history"] is None


@pytest.mark.parametrize("how", ["delete", "close"])
def test_a_ticket_that_is_gone(instance, site, change, how):
    if how == "delete":
        instance.delete(CHANGE, change["sys_id"])
    else:
        instance.closed.rows.add(change["sys_id"])
    for name in (change["sys_id"], change["number"]):
        with pytest.raises(Gone):
            site.fetch(name)


def test_acceptance_23_other_rows_than_were_asked_for(instance, site, change, monkeypatch):
    # A field that the instance does not have: the part of the query is dropped, and all rows come.
    other = instance.create(fields=FIELDS)
    instance.ask_approval(other, [instance.angel])
    del instance.columns["sysapproval_approver"]["sysapproval"]
    assert site.fetch(change["sys_id"])["approvals"] == []
    assert instance.dropped


def test_acceptance_23_an_approval_without_rows(instance, site, change):
    instance.approve_without_rows(change)
    ticket = site.ticket(site.fetch(change["sys_id"]))
    assert (ticket.stage, ticket.decisions) == ("approved", ())


def test_acceptance_23_a_delegate(instance, site, change):
    (row,) = instance.ask_approval(change, [instance.angel])
    instance.decide(row, instance.fred)
    (decision,) = site.ticket(site.fetch(change["sys_id"])).decisions
    assert decision.by.subject == instance.angel.sys_id
    assert "who is not the approver" in decision.spoiled[0]


def test_pages_that_are_short_or_empty_are_not_the_last(instance, site, monkeypatch):
    monkeypatch.setattr(servicenow_client, "PAGE", 2)
    changes = [instance.create(fields=FIELDS) for _ in range(7)]
    instance.closed.rows |= {change["sys_id"] for change in changes[:5]}
    found = [sys_id for sys_id, _ in site.changed(now() - EARLIER)]
    assert sorted(found) == sorted(change["sys_id"] for change in changes[5:])


def test_what_changed_is_found(instance, site):
    instance.create(fields=FIELDS)
    since = now() + datetime.timedelta(hours=2)
    instance.clock = lambda: now() + datetime.timedelta(hours=3)
    change = instance.create(fields=FIELDS)
    (first,) = site.changed(since)
    assert first[0] == change["sys_id"]
    instance.edit(CHANGE, change["sys_id"], {"short_description": "another"})
    (second,) = site.changed(since)
    assert second[0] == change["sys_id"]
    assert second != first


def test_rows_of_another_time_than_was_asked_for(instance, site):
    del instance.columns[CHANGE]["sys_updated_on"]
    assert list(site.changed(now() - EARLIER)) == []


# Logins.


def test_tokens_of_a_client(instance, servicenow_settings, system_of, secret_file, change):
    client_id, secret = instance.oauth_client(instance.bot)
    auth = {"client_id": client_id, "client_secret_file": secret_file("client", secret)}
    site = system_of(servicenow_settings(instance, auth=auth))
    with pytest.raises(Denied, match="not enabled on this instance") as caught:
        site.fetch(change["sys_id"])
    assert secret not in str(caught.value)
    instance.client_credentials = True
    assert site.fetch(change["sys_id"])["record"]["number"] == change["number"]
    instance.expire_tokens()
    assert site.fetch(change["sys_id"])["record"]["number"] == change["number"]
    assert len(instance.requests("POST", "oauth_token")) == 3


def test_a_key(instance, servicenow_settings, system_of, secret_file, change):
    auth = {"api_key_file": secret_file("key", instance.api_key(instance.bot))}
    assert system_of(servicenow_settings(instance, auth=auth)).fetch(change["sys_id"])["record"]


def test_a_page_instead_of_an_answer(instance, site, change):
    instance.lies.login_page = 1
    with pytest.raises(Away, match="it may be asleep"):
        site.fetch(change["sys_id"])


def test_a_limit(instance, site, change):
    instance.lies.throttled = 1
    with pytest.raises(Away) as caught:
        site.fetch(change["sys_id"])
    assert (caught.value.due_at - now()).total_seconds() > 6.5


# Work notes.


def test_a_work_note_is_written_and_found(instance, site, change):
    instance.edit(CHANGE, change["sys_id"], {"work_notes": "something\n\nelse"})
    before = now() - datetime.timedelta(seconds=1)
    assert site.comment(change["sys_id"], "7/2", SAID) == "7/2"
    instance.edit(CHANGE, change["sys_id"], {"work_notes": "later"})
    (found,) = site.comments(change["sys_id"]).items()
    assert found[0] == "7/2"
    assert found[1].text.startswith("Thank you.")
    # Notes are shown in our account's time zone.
    assert before <= found[1].at <= now() + datetime.timedelta(seconds=1)
    assert len(instance.journals[CHANGE, change["sys_id"], "work_notes"]) == 3


def test_of_two_notes_the_newer_one_is_found(instance, site, change):
    site.comment(change["sys_id"], "7/2", SAID)
    site.comment(change["sys_id"], "7/2", (markup.Paragraph(("More.",)),), "7/2")
    assert site.comments(change["sys_id"])["7/2"].text.startswith("More.")


def test_a_note_that_did_not_come_to_stand(instance, site, change):
    instance.lies.silent_patch = 1
    with pytest.raises(Away, match="is not there"):
        site.comment(change["sys_id"], "7/2", SAID)


# States.


def test_a_ticket_is_moved(instance, site, scheduled):
    site.move(scheduled["sys_id"], "waiting")
    assert scheduled["state"] == "-1"
    site.move(scheduled["sys_id"], "done")
    assert (scheduled["state"], scheduled["close_code"]) == ("3", "successful")
    assert [entry.body["state"] for entry in instance.requests("PATCH")] == ["-1", "0", "3"]
    asked = len(instance.requests("PATCH"))
    site.move(scheduled["sys_id"], "done")
    assert len(instance.requests("PATCH")) == asked


def test_acceptance_20_yes_and_nothing_changed(instance, site, scheduled):
    instance.lies.silent_patch = 1
    with pytest.raises(NotMoved, match="has state '-2' after"):
        site.move(scheduled["sys_id"], "waiting")
    site.move(scheduled["sys_id"], "waiting")
    assert scheduled["state"] == "-1"


def test_a_state_that_it_does_not_lead_to(instance, site, scheduled):
    with pytest.raises(NotMoved, match="has state '-2'"):
        site.move(scheduled["sys_id"], "failed")


@pytest.fixture
def moved_by(instance, servicenow_settings, system_of):
    """A function that gives the site with other moves."""

    def make(**moves):
        settings = servicenow_settings(instance)
        return system_of({**settings, "workflow": {**settings["workflow"], "moves": moves}})

    return make


def test_a_change_is_not_closed_past_its_review(instance, site, moved_by, scheduled):
    site.move(scheduled["sys_id"], "waiting")
    with pytest.raises(NotMoved, match="has state '-1' after"):
        moved_by(done=CLOSING).move(scheduled["sys_id"], "done")
    site.move(scheduled["sys_id"], "done")
    assert scheduled["state"] == "3"


@pytest.mark.parametrize("stage", ["done", "failed"])
def test_a_change_that_is_in_review_is_closed_from_there(instance, site, scheduled, stage):
    for state in ("-1", "0"):
        instance.edit(CHANGE, scheduled["sys_id"], {"state": state})
    site.move(scheduled["sys_id"], stage)
    assert (scheduled["state"], len(instance.requests("PATCH"))) == ("3", 1)


@pytest.mark.parametrize(
    ("states", "code", "left"),
    [
        ([], "", ["-1", None, "0", "3"]),
        ([], "successful", ["-1", None, "0", "3"]),
        (["-1"], "", [None, "0", "3"]),
        (["-1"], "successful", ["0", "3"]),
        (["-1", "0"], "successful", ["3"]),
        # Of a review that somebody else began it is not known how it came about.
        (["-1", "0"], "", ["-1", None, "0", "3"]),
    ],
)
def test_a_move_of_several_steps_goes_on_where_it_was_cut(instance, moved_by, scheduled, states, code, left):
    for state in states:
        instance.edit(CHANGE, scheduled["sys_id"], {"state": state})
    instance.edit(CHANGE, scheduled["sys_id"], {"close_code": code})
    site = moved_by(done=[{"state": "-1"}, {"close_code": "successful"}, {"state": "0"}, CLOSING])
    site.move(scheduled["sys_id"], "done")
    assert scheduled["state"] == "3"
    assert [entry.body.get("state") for entry in instance.requests("PATCH")] == left


def test_fields_that_are_mandatory(instance, moved_by, scheduled):
    site = moved_by(done={"state": "3"})
    for state in ("-1", "0"):
        instance.edit(CHANGE, scheduled["sys_id"], {"state": state})
    with pytest.raises(NotMoved, match="mandatory: close_code, close_notes"):
        site.move(scheduled["sys_id"], "done")


# Evidence.


def test_a_file_is_attached_once(instance, site, change):
    for _ in range(2):
        site.attach(change["sys_id"], "evidence-7.json", json.dumps({"a": 1}).encode())
    (content,) = instance.files.values()
    assert json.loads(content) == {"a": 1}
