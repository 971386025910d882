"""ServiceNow: what business rules send and what records ask for, and who decided in them."""

import base64
import datetime
import json

import pytest

from saltext.approval.errors import ConfigError, InputError
from saltext.approval.itsm import signature
from saltext.approval.itsm.ticket import Ignored, NoSignature, Person, Unsigned

NOW = datetime.datetime(2026, 11, 25, 12, tzinfo=datetime.timezone.utc)
FRED = "5137153cc611227c000bbd1bd8cd2005"
ABEL = "62826bf03710200044e0bfc8bcbe5df1"
HELLO = (("package", "hello", "2.10-3"), ("package", "cowsay", "absent"))


@pytest.fixture
def body(delivered):
    """A function that gives what a business rule sends, with some fields changed."""
    return lambda **changes: {**delivered("servicenow_change_approved"), **changes}


@pytest.fixture
def fetched(body):
    """A function that gives a document of fetch()."""

    def make(approvals=(), history=(), **changes):
        record = {name: value for name, value in body(**changes).items() if name not in ("event", "table", "instance")}
        return {
            "table": "change_request", "record": record, "approvals": list(approvals), "history": list(history),
            "users": {"fred": FRED, "abel": ABEL},
        }  # fmt: skip

    return make


@pytest.fixture(scope="module")
def servicenow(system):
    return system("dev")


def approval(**changes):
    return {
        "sys_id": "a" * 32, "approver": ABEL, "approver.user_name": "abel", "state": "approved",
        "sys_updated_by": "abel", "sys_updated_on": "2026-11-22 15:20:11",
        "sys_created_on": "2026-11-22 15:00:00", **changes,
    }  # fmt: skip


def audited(user, time, name="u_minions"):
    return {"fieldname": name, "user": user, "sys_created_on": f"2026-11-22 {time}", "oldvalue": "a", "newvalue": "b"}


def test_an_approved_change_asks(servicenow, body):
    ticket = servicenow.ticket(body())
    assert (ticket.id, ticket.key, ticket.stage) == ("46e18c0fa9fe19810066a0083f76bd56", "CHG0030052", "approved")
    assert ticket.url == f"https://dev00000.service-now.com/change_request.do?sys_id={ticket.id}"
    assert ticket.creator == Person(FRED)
    ask = servicenow.ask(ticket)
    assert (ask.type, ask.minions, ask.items) == ("package", ("heldout-m1", "heldout-m2"), HELLO)
    assert ask.after == datetime.datetime(2026, 11, 25, 22, tzinfo=datetime.timezone.utc)


@pytest.mark.parametrize(
    "changes",
    [
        {"u_packages": json.dumps([{"name": "hello", "version": "2.10-3"}, {"name": "cowsay", "version": "absent"}])},
        {"u_minions": "heldout-m1, heldout-m2"},
        {"u_minions": {"value": "heldout-m1,heldout-m2", "display_value": "another"}},
        {"state": "-2"},
        {"state": "-3"},
        {"state": {"value": "-1", "display_value": "Implement"}},
        {"end_date": ""},
        {"assignment_group": {"display_value": "Network", "link": "https://example.org"}},
        {"event": "change_request.updated"},
    ],
)
def test_forms_of_the_same(servicenow, body, changes):
    ask = servicenow.ask(servicenow.ticket(body(**changes)))
    assert (ask.minions, ask.items) == (("heldout-m1", "heldout-m2"), HELLO)


def test_no_time_means_at_once(servicenow, body):
    for empty in ("", None):
        assert servicenow.ask(servicenow.ticket(body(start_date=empty))).after is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"approval": "rejected"}, "means declined"),
        ({"approval": "requested", "state": "-3"}, "means nothing here"),
        ({"approval": "requested"}, "means nothing here"),
        ({"approval": "not requested", "state": "-5"}, "means nothing here"),
        ({"approval": ""}, "means nothing here"),
        ({"approval": None}, "means nothing here"),
        ({"state": "-5"}, "means nothing here"),
        ({"state": "0"}, "means nothing here"),
        ({"state": "3", "close_code": "successful"}, "means done"),
        ({"state": "3", "close_code": "unsuccessful"}, "means failed"),
        ({"state": "3"}, "means nothing here"),
        ({"state": "4"}, "means nothing here"),
        ({"state": "Implement"}, "means nothing here"),
        ({"approval": {"value": "requested", "display_value": "approved"}}, "means nothing here"),
        ({"event": "change_request.deleted"}, "was deleted"),
        ({"table": "incident"}, "table 'incident' is none of those"),
    ],
)
def test_what_asks_for_nothing(servicenow, body, changes, why):
    with pytest.raises(Ignored, match=why):
        servicenow.ask(servicenow.ticket(body(**changes)))


@pytest.mark.parametrize(
    "changes",
    [
        {"sys_id": None}, {"sys_id": ""}, {"sys_id": "46E18C0FA9FE19810066A0083F76BD56"}, {"sys_id": "46e1"},
        {"sys_id": "46e18c0fa9fe19810066a0083f76bd56\n"}, {"sys_id": ["46e18c0fa9fe19810066a0083f76bd56"]},
        {"number": None}, {"number": 30052}, {"number": "CHG 1"}, {"table": None}, {"table": ""}, {"table": 5},
        {"table": "change_request^active=true"}, {"state": -1}, {"state": True}, {"approval": ["approved"]},
        {"event": 5},
    ],
)  # fmt: skip
def test_records_that_are_broken(servicenow, body, changes):
    with pytest.raises(InputError):
        servicenow.ticket(body(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"u_minions": ""}, {"u_minions": None}, {"u_minions": "heldout-m1,"}, {"u_minions": "*"},
        {"u_minions": ["heldout-m1"]},
        {"u_minions": "heldout-m1,HELDOUT-M1"}, {"u_minions": "heldout-m1;heldout-m2"},
        {"u_minions": {"display_value": "x"}},
        {"u_packages": ""}, {"u_packages": "[]"}, {"u_packages": []}, {"u_packages": None},
        {"u_packages": "hello"}, {"u_packages": {}},
        {"u_packages": [{"name": "hello"}]}, {"u_packages": [{"name": "hello", "version": 2.1}]},
        {"u_packages": [{"name": "hello", "version": "none"}]}, {"u_packages": [{"name": "Hello", "version": "1"}]},
        {"u_packages": [{"name": "hello", "version": "1"}, {"name": "hello", "version": "2"}]},
        {"start_date": "2026-11-25T22:00:00Z"}, {"start_date": "2026-11-25"}, {"start_date": "25-11-2026 22:00:00"},
        {"start_date": {"display_value": "2026-11-25 22:00:00"}}, {"start_date": "2026-11-26 22:00:00"},
        {"end_date": "soon"}, {"end_date": 5},
    ],
)  # fmt: skip
def test_fields_that_cannot_be_meant(servicenow, body, changes):
    ticket = servicenow.ticket(body(**changes))
    with pytest.raises(InputError):
        servicenow.ask(ticket)


def test_a_delivery_is_known_by_its_bytes(servicenow, body):
    first, second = (json.dumps(body(sys_mod_count=count)).encode() for count in ("7", "8"))
    assert servicenow.delivery({}, first) == servicenow.delivery({}, first)
    assert servicenow.delivery({}, first)[0] != servicenow.delivery({}, second)[0]
    assert servicenow.delivery({}, second)[1] == "46e18c0fa9fe19810066a0083f76bd56"
    with pytest.raises(Ignored):
        servicenow.delivery({}, json.dumps(body(table="incident")).encode())


def test_deliveries_are_signed_or_come_with_user_and_password(system, tmp_path):
    for name in ("secret", "password"):
        (tmp_path / name).write_text(f"the {name} of the site")
        (tmp_path / name).chmod(0o600)
    signed = {"webhook_secrets": [{"file": str(tmp_path / "secret")}]}
    basic = {"basic": {"user": "mid", "password_file": str(tmp_path / "password")}}
    headers = {"Authorization": "Basic " + base64.b64encode(b"mid:the password of the site").decode()}
    both = system("dev", **signed, **basic)
    own = signature.sign_own(both.site.secrets, b"{}", NOW)
    assert both.verify(own, b"{}", NOW) is None
    assert both.verify(headers, b"{}", NOW) is None
    with pytest.raises(Unsigned):
        both.verify({"Authorization": "Basic bWlkOndyb25n"}, b"{}", NOW)
    # A signature that is wrong is not mended by a password that is right.
    with pytest.raises(Unsigned):
        both.verify({**own, **headers}, b"{ }", NOW)
    with pytest.raises(NoSignature):
        system("dev", **signed).verify(headers, b"{}", NOW)
    with pytest.raises(NoSignature):
        both.verify({}, b"{}", NOW)


def test_approvals_by_the_approvers_themselves(servicenow, fetched):
    (decision,) = servicenow.ticket(fetched([approval()])).decisions
    assert (decision.key, decision.decision, decision.by) == (f"approval/{'a' * 32}", "approve", Person(ABEL))
    assert decision.at == datetime.datetime(2026, 11, 22, 15, 20, 11, tzinfo=datetime.timezone.utc)
    assert decision.asked_at == datetime.datetime(2026, 11, 22, 15, tzinfo=datetime.timezone.utc)
    assert decision.spoiled == ()
    assert servicenow.ticket(fetched([approval(state="rejected")])).decisions[0].decision == "reject"


@pytest.mark.parametrize(
    "changes", [{"sys_updated_by": "fred"}, {"approver.user_name": None}, {"sys_updated_by": None}]
)
def test_approvals_that_somebody_else_wrote(servicenow, fetched, changes):
    (decision,) = servicenow.ticket(fetched([approval(**changes)])).decisions
    assert "who is not the approver" in decision.spoiled[0]


@pytest.mark.parametrize("changes", [{"state": "requested"}, {"state": None}, {"approver": "abel"}, {"sys_id": None}])
def test_what_is_no_decision(servicenow, fetched, changes):
    assert servicenow.ticket(fetched([approval(**changes)])).decisions == ()


def test_approved_without_a_row_is_no_decision(servicenow, fetched):
    ticket = servicenow.ticket(fetched())
    assert (ticket.stage, ticket.decisions) == ("approved", ())


@pytest.mark.parametrize(
    ("row", "spoiled"),
    [(audited("fred", "15:30:00"), "afterwards"), (audited("abel", "15:10:00"), "by the same person")],
)
def test_what_spoils_an_approval(servicenow, fetched, row, spoiled):
    (decision,) = servicenow.ticket(fetched([approval()], [row])).decisions
    assert spoiled in decision.spoiled[0]


def test_edits(servicenow, fetched):
    rows = [audited("fred", "15:10:00"), audited("gone", "15:05:00"), audited("abel", "15:15:00", "description")]
    ticket = servicenow.ticket(fetched([approval()], rows))
    assert [edit.by for edit in ticket.edits] == [None, Person(FRED)]
    assert ticket.editors == (Person(FRED),)
    assert ticket.decisions[0].spoiled == ()


def test_who_opened_it_is_who_asks(servicenow, fetched):
    ticket = servicenow.ticket(fetched(opened_by={"value": ABEL, "link": "https://example.org"}))
    assert (ticket.creator, ticket.on_behalf_of) == (Person(ABEL), Person(FRED))


def test_an_answer_of_the_table_api(servicenow, fetched):
    record = {**fetched()["record"], "sys_class_name": "change_request"}
    assert servicenow.ask(servicenow.ticket({"result": record})).items == HELLO


def test_the_digest_is_of_what_is_asked_for(servicenow, body):
    digest = servicenow.ticket(body()).digest
    assert servicenow.ticket(body(state="-2", sys_mod_count="9")).digest == digest
    for changes in ({"u_minions": "heldout-m1"}, {"u_packages": []}, {"start_date": ""}):
        assert servicenow.ticket(body(**changes)).digest != digest


def test_a_site_without_waiting_has_its_tickets_where_they_are(servicenow):
    # Neither asks the site anything, as neither could: there is no file with a secret.
    assert servicenow.move("46e18c0fa9fe19810066a0083f76bd56", "waiting") is None
    with pytest.raises(ConfigError):
        servicenow.move("46e18c0fa9fe19810066a0083f76bd56", "done")
