"""Any other system: a signed body is the ticket, and its form is the schema's."""

import datetime
import json

import pytest

from saltext.approval.errors import InputError
from saltext.approval.intake.items import check_schema
from saltext.approval.itsm import generic, signature, sites
from saltext.approval.itsm.ticket import Ignored, Person, Unsigned

NOW = datetime.datetime(2026, 11, 25, 12, tzinfo=datetime.timezone.utc)


def body(**changes):
    content = {
        "event": "asked",
        "ticket": {"id": "4711", "key": "OPS-4711", "title": "Install hello", "url": "https://desk.example.org/4711"},
        "type": "package",
        "requester": "alice",
        "minions": ["web1", "web2"],
        "packages": [{"name": "hello", "version": "2.10-3"}, {"name": "sl", "version": "absent"}],
        "after": "2026-11-25T22:00:00+01:00",
        **changes,
    }
    return {name: value for name, value in content.items() if value is not None}


@pytest.fixture
def desk(tmp_path):
    """The System of a site."""
    (tmp_path / "secret").write_text("the secret of the desk")
    (tmp_path / "secret").chmod(0o600)
    described = {
        "kind": "generic", "webhook_secrets": [{"file": str(tmp_path / "secret")}], "ignore_actors": ["robot"],
        "types": {
            "package": {"request_type": "package"},
            "restart": {"request_type": "reboot", "action": "system.reboot", "parameters": {"at_time": 5}},
        },
    }  # fmt: skip
    return sites.system(sites.load({"desk": described})["desk"])


def test_the_schema_is_one():
    check_schema("the schema", generic.schema())


def test_a_ticket_that_asks(desk):
    ticket = desk.ticket(body())
    assert (ticket.id, ticket.key, ticket.stage, ticket.creator) == ("4711", "OPS-4711", "asked", Person("alice"))
    ask = desk.ask(ticket)
    assert (ask.type, ask.minions) == ("package", ("web1", "web2"))
    assert ask.items == (("package", "hello", "2.10-3"), ("package", "sl", "absent"))
    assert ask.after == datetime.datetime(2026, 11, 25, 21, tzinfo=datetime.timezone.utc)


def test_an_action(desk):
    ask = desk.ask(desk.ticket(body(type="restart", packages=None, after=None)))
    assert (ask.type, ask.items, ask.after) == ("reboot", (("action", "system.reboot", '{"at_time":5}'),), None)
    with pytest.raises(InputError, match="about none"):
        desk.ask(desk.ticket(body(type="restart")))


def test_a_revert(desk):
    ask = desk.ask(desk.ticket({"event": "revert", "ticket": {"id": "4711"}, "requester": "alice"}))
    assert (ask.type, ask.items) == ("revert", None)


def test_decisions(desk):
    given = [
        {"key": "2", "decision": "approve", "by": "robot", "at": "2026-11-25T11:00:00Z"},
        {"key": "1", "decision": "reject", "by": "bob", "at": "2026-11-25T10:00:00Z"},
    ]
    ticket = desk.ticket(body(event="approved", decisions=given, editors=["carol"], on_behalf_of="dave"))
    assert [(one.key, one.decision, one.by.is_human) for one in ticket.decisions] == [
        ("1", "reject", True),
        ("2", "approve", False),
    ]
    assert ticket.editors == (Person("carol"),)
    assert ticket.on_behalf_of == Person("dave")


def test_what_asks_for_nothing(desk):
    with pytest.raises(Ignored, match="was deleted"):
        desk.ticket(body(event="deleted"))
    with pytest.raises(Ignored, match="asks for nothing"):
        desk.ask(desk.ticket(body(event="declined")))


@pytest.mark.parametrize(
    "changes",
    [
        {"event": "opened"}, {"event": None}, {"ticket": None}, {"ticket": {}}, {"ticket": {"id": 4711}},
        {"ticket": {"id": ""}},
        {"ticket": {"id": "4711\n"}}, {"ticket": {"id": "4711#1"}},
        {"ticket": {"id": "1", "url": "javascript:alert(1)"}},
        {"requester": None}, {"requester": ""}, {"requester": "alice smith"}, {"requester": "alice\n"},
        {"requester": {"id": "alice"}},
        {"minions": "web1"}, {"minions": []}, {"minions": [None]}, {"minions": {"web1": 1}},
        {"packages": {"hello": "1"}},
        {"packages": []}, {"packages": [{"name": "hello"}]},
        {"packages": [{"name": "hello", "version": 2.1}]}, {"after": 5},
        {"packages": [{"name": "hello", "version": "1", "action": "remove"}]}, {"target": "*"}, {"type": 5},
        {"type": ""},
        {"decisions": [{"key": "1", "decision": "maybe", "by": "bob", "at": "2026-11-25T10:00:00Z"}]},
        {"decisions": [{"key": "1", "decision": "approve", "by": "bob", "at": "yesterday"}]},
        {"decisions": [{"key": "1", "decision": "approve", "at": "2026-11-25T10:00:00Z"}]},
    ],
)  # fmt: skip
def test_bodies_that_are_none(desk, changes):
    with pytest.raises(InputError):
        desk.ticket(body(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "service"}, {"type": None}, {"minions": ["*"]}, {"minions": ["web1", "WEB1"]}, {"minions": None},
        {"packages": None}, {"packages": [{"name": "hello", "version": "none"}]}, {"after": "2026-11-25T22:00:00"},
        {"packages": [{"name": "hello", "version": "1"}, {"name": "hello", "version": "2"}]}, {"after": ""},
    ],
)  # fmt: skip
def test_what_cannot_be_meant(desk, changes):
    ticket = desk.ticket(body(**changes))
    with pytest.raises(InputError):
        desk.ask(ticket)


def test_only_what_is_signed_is_from_the_site(desk):
    content = json.dumps(body()).encode()
    headers = signature.sign_own(desk.site.secrets, content, NOW)
    assert desk.verify(headers, content, NOW) is None
    assert desk.delivery(headers, content)[1] == "4711"
    with pytest.raises(Unsigned):
        desk.verify(headers, content + b" ", NOW)
    with pytest.raises(Unsigned):
        desk.verify({}, content, NOW)


def test_the_digest_is_of_what_is_asked_for(desk):
    digest = desk.ticket(body()).digest
    assert desk.ticket(body(event="approved", requester="bob")).digest == digest
    assert desk.ticket(body(minions=["web1"])).digest != digest
