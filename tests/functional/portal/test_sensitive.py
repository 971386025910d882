"""What a type marks as sensitive stands on no page and in no answer of the API, until somebody looks."""

import json

import psycopg
import pytest

from saltext.approval import config, db
from saltext.approval.cli import main
from saltext.approval.client.database import DatabaseClient
from saltext.approval.errors import InputError, Refused
from saltext.approval.intake import items
from saltext.approval.portal import description

CANARY = "canary-3af1"
TYPE = {
    "name": "secret",
    "kind": "value",
    "requesters": ["*"],
    "sensitive": ["db.password"],
    "chain": [{"name": "review", "any_of": [{"group": "reviewers"}]}],
    "parameters": {"properties": {"values": {"properties": {"db.password": {"minLength": 3}, "db.port": {}}}}},
}
# By GET; addresses with a number of a request, the name of a minion or the number of an entry of the audit.
PAGES = (
    "/inbox", "/inbox/live", "/requests?show=all", "/requests?show=asked", "/requests?show=decided",
    "/requests/{number}", "/requests/{number}?outcomes=failed", "/requests/{number}/live",
    "/inbox/decide?number={number}", "/minions", "/minions/web1", "/compliance", "/compliance.csv", "/calendar",
    "/calendar.ics", "/calendar?request={number}", "/jobs", "/jobs/live", "/jobs?minion=web1",
    "/jobs?request={number}", "/audit", "/audit?request={number}", "/audit/{number}/1", "/what-if", "/health",
    "/sessions", "/delegations", "/requests/new", "/requests/new?type=secret",
)  # fmt: skip


@pytest.fixture
def asked(people, client):
    """The number of a request of alice for a value that is sensitive; in force, and found otherwise."""
    people.execute("SELECT approval.put_request_type(%s)", (json.dumps(TYPE),))
    number = client("alice").request("secret", ["web1"], reason="a new one", values={"db.password": CANARY})["request"]
    client("bob").approve(number)
    people.execute(
        "UPDATE approval.item SET outcome = 'failed', observed = %s, outcome_text = %s WHERE request_id = %s",
        (CANARY, f"found {CANARY}", number),
    )
    return number


def test_no_page_shows_it(visit, asked, client, people):
    waits = client("alice").request("secret", ["web2"], reason="another", values={"db.password": CANARY})["request"]
    bob, carol = visit("bob"), visit("carol")
    for visitor in (visit("alice"), bob, carol):
        for address in PAGES:
            for number in (asked, waits):
                answer = visitor.get(address.format(number=number))
                assert answer.status_code in (200, 303), address
                assert CANARY not in answer.text, address
    for address in (f"/requests/{asked}", "/minions/web1", "/compliance", "/compliance.csv"):
        assert "•••" in bob.get(address).text, address
    assert "items=db.password" not in bob.get(f"/requests/{asked}").text
    assert bob.decide(waits, "approve").status_code == 303
    assert CANARY not in visit.service.text()
    entries = people.execute("SELECT detail FROM approval.audit_entry")
    assert not any(CANARY in detail for (detail,) in entries)


def test_a_look_is_recorded_first(visit, asked, people):
    bob = visit("bob")
    page = bob.get(f"/requests/{asked}")
    assert "it was shown to 0 people so far" in page.plain
    looks = "SELECT principal, login_role FROM approval.audit_entry WHERE act = 'values-shown'"
    assert bob.post(f"/requests/{asked}/values", {"mark": "x"}).status_code == 403
    assert bob.post(f"/requests/{asked + 1000}/values", bob.hidden(f"/requests/{asked}")).status_code == 404
    odd = {**bob.hidden(f"/requests/{asked}"), "minion": "a\0", "kind": "value", "name": "b"}
    assert bob.post(f"/requests/{asked}/values", odd).status_code == 400
    assert people.execute(looks) == []
    answer = bob.post(f"/requests/{asked}/values", bob.hidden(f"/requests/{asked}"))
    assert (answer.status_code, answer.headers["Cache-Control"], "ETag" in answer.headers) == (200, "no-store", False)
    assert CANARY in answer.plain
    assert "was shown to 1 person so far" in answer.plain
    assert people.execute(looks) == [("bob", "portal")]
    assert CANARY not in bob.get(f"/requests/{asked}").text
    assert CANARY not in bob.get(f"/requests/{asked}/live").text
    assert bob.get(f"/requests/{asked}/values").headers["Location"] == f"/requests/{asked}"
    assert "values-shown" in bob.get(f"/audit?request={asked}").plain
    assert CANARY not in visit.service.text()
    form = bob.hidden(f"/requests/{asked}")
    people.execute("SELECT approval.disable_principal('bob')")
    assert bob.post(f"/requests/{asked}/values", form).status_code == 401


def test_the_form_keeps_it_in_no_browser(visit, asked):
    alice = visit("alice")
    form = {**alice.hidden("/requests/new?type=secret"), "type": "secret", "minions": "web1", "reason": "x"}
    for act, content in (
        ("look", f"db.password={CANARY}"),
        ("change", f"db.password={CANARY}"),
        ("look", 'db.password="•••"'),
    ):
        answer = alice.post("/requests/new/form", {**form, "items": content, "act": act})
        assert answer.headers["Cache-Control"] == "no-store", (act, content)
    assert "••• stands in db.password for what is not shown" in answer.plain
    answer = alice.post("/requests/new/form", {**form, "items": "db.port=5", "act": "look"})
    assert answer.headers["Cache-Control"] == "private, no-cache"


def test_no_answer_of_the_api_shows_it(program, asked, people, limit):
    bob = program("bob", "read")
    paths = {"request_id": asked, "minion": "web1", "name": "secret", "request_type": "secret"}
    queries = {"packages": {"pattern": "hello"}, "returns": {"minion": "web1"}}
    for operation in description.operations():
        if operation.method == "GET":
            answer = bob.get(operation.path.format(**paths), **queries.get(operation.name, {}))
            assert answer.status_code == 200, operation.name
            assert CANARY not in answer.text, operation.name
    assert bob.get(f"/requests/{asked}").json["shown_to"] == 0
    tried = program("alice").post(
        "/requests",
        {
            "request_type": "secret",
            "minions": ["web1"],
            "reason": "x",
            "values": {"db.password": CANARY},
            "dry_run": True,
        },
    )
    assert (tried.status_code, CANARY in tried.text) == (200, False)
    made = program("alice").post(
        "/requests",
        {"request_type": "secret", "minions": ["web1"], "reason": "x", "overlap": "supersede",
         "values": {"db.password": CANARY}, "digest": tried.json["digest"]},
    )  # fmt: skip
    assert made.status_code == 201
    short = program("alice").post(
        "/requests", {"request_type": "secret", "minions": ["web1"], "reason": "x", "values": {"db.password": "¶¶"}}
    )
    assert (short.status_code, "¶¶" in short.text, "minLength" in short.text) == (422, False, True)
    answer = bob.post(f"/requests/{asked}/values", {}, {"Idempotency-Key": None})
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert (answer.json["items"][0]["value"], answer.json["next"]) == (f'"{CANARY}"', None)
    assert bob.post(f"/requests/{asked}/values", {"after": ["web1", "value", "db.password"]}).json["items"] == []
    assert bob.get(f"/requests/{asked}").json["shown_to"] == 1
    assert program("bob", "decide").post(f"/requests/{asked}/values", {}).status_code == 403
    assert bob.post(f"/requests/{asked + 1000}/values", {}).status_code == 404
    limit("values")
    carol = program("carol", "read")
    assert carol.post(f"/requests/{asked}/values", {}).status_code == 403
    assert people.execute("SELECT count(*) FROM approval.api_call WHERE answer::text ~ %s", (CANARY,)) == [(0,)]
    assert people.execute("SELECT count(*) FROM approval.look") == [(2,)]


def test_the_command_looks_by_both_ways(open_portal, make_token, asked, people, dsn_file, tmp_path, capsys):
    file = tmp_path / "bob.token"
    file.touch(mode=0o600)
    file.write_text(make_token("bob", "read"))
    server = ["--server", f"http://localhost:{open_portal().port}", "--token-file", str(file)]
    for way in (server, ["--dsn-file", str(dsn_file("bob"))]):
        for options, is_shown in (
            (["--json"], False),
            ([], False),
            (["--show-values"], True),
            (["--json", "--show-values"], True),
        ):
            flags = [option for option in options if option == "--json"]
            main([*way, *flags, "show", str(asked), *(option for option in options if option != "--json")])
            said = capsys.readouterr()
            assert (CANARY in said.out, CANARY in said.err) == (is_shown, False), (way, options)
    assert people.execute("SELECT count(*), count(DISTINCT principal_id) FROM approval.look") == [(4, 1)]


def test_a_look_that_is_taken_back_shows_nothing(asked, people):
    settings = config.Connection(people.dsn("bob"), people.options)
    with db.connect(settings) as conn:
        with conn.transaction(force_rollback=True):
            look = conn.execute("SELECT approval.note_look('pg', 'bob', %s)", (asked,)).fetchone()["note_look"]
            with pytest.raises(psycopg.errors.DatabaseError, match="is not recorded"):
                conn.execute("SELECT approval.show_values(%s)", (look,))
        with pytest.raises(psycopg.errors.DatabaseError, match="is not recorded"):
            conn.execute("SELECT approval.show_values(%s)", (look,))
        with pytest.raises(Refused, match="there is no request"):
            DatabaseClient(conn, "pg", "bob").values(asked + 1000)
        shown = DatabaseClient(conn, "pg", "bob").values(asked)
        assert shown["items"][0]["value"] == f'"{CANARY}"'
        ((look,),) = people.execute("SELECT max(look_no) FROM approval.look")
        with pytest.raises(psycopg.errors.DatabaseError, match="is not recorded"):
            people.execute("SELECT approval.show_values(%s)", (look,), login="portal")
        people.execute("SELECT approval.disable_principal('bob')")
        with pytest.raises(psycopg.errors.DatabaseError, match="is not recorded"):
            conn.execute("SELECT approval.show_values(%s)", (look,))


def test_a_refusal_of_the_schema_does_not_repeat_it():
    with pytest.raises(InputError, match="it is not as minLength of its schema says") as refused:
        items.of_type(TYPE, {"values": {"db.password": "¶¶"}})
    assert "¶¶" not in str(refused.value)
