"""People with their own logins: what each input gets, and that nothing is taken for a pattern."""

import datetime

import pytest

from saltext.approval import client as client_module
from saltext.approval import config, db
from saltext.approval.errors import ConfigError, InputError, Refused, Unavailable

HELLO = {"hello": "2.10-3"}


def test_a_request_goes_through_its_chain(client):
    alice = client("alice")
    shown = alice.request("package", ["web1", "web2"], {"hello": "2.10-3", "sl": None}, "needed")
    number = shown["request"]
    assert (shown["state"], shown["requester"], shown["assurance"]) == ("pending", "alice", "authenticated")
    assert "stage 1 (review)" in shown["waiting_for"]
    assert [(item["minion"], item["name"], item["value"]) for item in shown["items"]] == [
        ("web1", "hello", "2.10-3"),
        ("web1", "sl", None),
        ("web2", "hello", "2.10-3"),
        ("web2", "sl", None),
    ]
    with pytest.raises(Refused, match="alice asked for request") as raised:
        alice.approve(number)
    assert raised.value.sqlstate == "AP007"
    assert client("bob").approve(number, "fine", shown["digest"]) == {"request": number, "state": "pending"}
    with pytest.raises(Refused, match="bob has decided"):
        client("bob").approve(number)
    assert client("carol").approve(str(number)) == {"request": number, "state": "approved"}
    (document,) = alice.state("web1")["documents"]
    assert [(item["name"], item["value"]) for item in document["items"]] == [
        ("hello", "2.10-3"),
        ("sl", None),
    ]
    assert [row["act"] for row in alice.audit(number)][:3] == ["submitted", "approve", "approve"]
    assert alice.verify_audit() == []


def test_reject_and_cancel_end_a_request(client):
    first = client("alice").request("package", "web1", HELLO, "needed")["request"]
    assert client("bob").reject(first, "no")["state"] == "rejected"
    second = client("alice").request("package", "web1", HELLO, "needed")["request"]
    with pytest.raises(Refused, match="only who asked"):
        client("bob").cancel(second)
    assert client("alice").cancel(second)["state"] == "cancelled"
    with pytest.raises(Refused, match="nothing left to decide"):
        client("bob").approve(second)
    assert [row["request_id"] for row in client("bob").list(state="rejected")] == [first]


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"request_type": "nonsense"}, Refused, "there is no request type 'nonsense'"),
        ({"request_type": None}, InputError, "the request type must be text"),
        ({"request_type": "standard"}, Refused, "alice may not make requests of type standard"),
        ({"minions": ["web9"]}, Refused, "unknown minion: 'web9'"),
        ({"minions": ["web1", "we%%"]}, Refused, "unknown minion: 'we%%'"),
        ({"minions": ["'; DROP SCHEMA approval; --"]}, Refused, "unknown minion"),
        ({"minions": []}, InputError, "names no minion"),
        ({"minions": None}, InputError, "names no minion"),
        ({"packages": {}}, InputError, "names no package"),
        ({"packages": {"hello; reboot": "1"}}, Refused, "'hello; reboot' is not a package name"),
        ({"packages": {"$(reboot)": "1"}}, Refused, "is not a package name"),
        ({"packages": {"--help": "1"}}, Refused, "is not a package name"),
        ({"packages": {"hel\nlo": "1"}}, Refused, "is not a package name"),
        (
            {"packages": {"hello": "1'; DROP TABLE approval.item; --"}},
            Refused,
            "is not a version of package hello",
        ),
        ({"packages": {"hello": "`id`"}}, Refused, "is not a version of package hello"),
        ({"packages": {"hello": 2.1}}, InputError, "YAML reads an unquoted 2.10 as the number 2.1"),
        ({"after": "tomorrow"}, InputError, "'tomorrow' is not a date"),
        ({"after": "2099-01-01"}, Refused, "more than five years away"),
        ({"reason": 7}, InputError, "the reason must be text"),
        ({"external_ref": 12}, InputError, "external_ref must be text"),
    ],
)
def test_bad_input_is_one_clear_sentence_and_changes_nothing(client, change, error, text):
    alice = client("alice")
    arguments = {
        "request_type": "package",
        "minions": ["web1"],
        "packages": HELLO,
        "reason": "needed",
        **change,
    }
    with pytest.raises(error) as raised:
        alice.request(**arguments)
    assert text in str(raised.value)
    assert "\n" not in str(raised.value)
    assert alice.list() == []


def test_the_same_external_reference_is_the_same_request(client):
    alice = client("alice")
    arguments = ("package", ["web1", "web2"], {"hello": "1", "sl": "2"}, "needed")
    first = alice.request(*arguments, external_ref="CHG-7")
    again = alice.request(
        "package", ["web2", "web1"], {"sl": "2", "hello": "1"}, "needed", external_ref="CHG-7"
    )
    assert again["request"] == first["request"]
    with pytest.raises(Refused, match=r"CHG-7 is request \d+ already"):
        alice.request("package", ["web1"], HELLO, "needed", external_ref="CHG-7")
    assert len(alice.list()) == 1


def test_odd_minion_ids_are_exact(client, approve, odd_minions):
    alice = client("alice")
    web = approve(["web1", "web2"], HELLO)
    numbers = {}
    for count, minion in enumerate(odd_minions):
        assert alice.list(minion=minion) == []
        assert alice.state(minion)["documents"] == []
        numbers[minion] = approve([minion], {"only-here": str(count)})
    for count, minion in enumerate(odd_minions):
        (document,) = alice.state(minion)["documents"]
        assert [(item["name"], item["value"]) for item in document["items"]] == [("only-here", str(count))]
        assert [row["request_id"] for row in alice.list(minion=minion)] == [numbers[minion]]
    assert [row["request_id"] for row in alice.list(minion="web1")] == [web]


def test_a_later_date_is_kept_with_its_zone(client):
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=30)
    local = when.astimezone(datetime.timezone(datetime.timedelta(hours=5)))
    shown = client("alice").request("package", "web1", HELLO, "needed", after=local.isoformat())
    assert datetime.datetime.fromisoformat(shown["after"]) == when


def test_unknown_requests_minions_and_states(client):
    alice = client("alice")
    with pytest.raises(Refused, match="there is no request 77"):
        alice.show(77)
    with pytest.raises(Refused, match="unknown minion: 'nowhere'"):
        alice.state("nowhere")
    with pytest.raises(Refused, match="'open' is not a state of a request"):
        alice.list(state="open")


def test_a_login_acts_only_as_itself(approved):
    with db.connect(config.Connection(approved.dsn("alice"))) as conn:
        forged = client_module.Client(conn, "pg", "bob")
        with pytest.raises(Refused, match="cannot act as pg:bob"):
            forged.request("package", "web1", HELLO, "needed")


def test_the_types_that_there_are(client):
    package, standard = client("alice").types()
    assert (package["type"], package["pre_approved"], len(package["chain"])) == ("package", False, 2)
    assert (standard["type"], standard["pre_approved"], standard["chain"]) == ("standard", True, [])


def test_a_pre_approved_type_is_approved_at_once(client):
    assert client("bob").request("standard", "web1", HELLO, "trusted")["state"] == "approved"


class TestUnreachable:
    def test_no_server(self, tmp_path):
        connection = config.Connection(f"host={tmp_path} user=salt password=hunter2")
        with pytest.raises(Unavailable, match="the approval database cannot be reached") as raised:
            db.connect(connection)
        assert "hunter2" not in str(raised.value)

    def test_a_connection_string_that_is_none(self):
        with pytest.raises(ConfigError, match="not one that libpq understands") as raised:
            db.connect(config.Connection("host=x hunter2"))
        assert "hunter2" not in str(raised.value)

    def test_a_server_that_goes_away(self, approved, client):
        alice = client("alice")
        approved.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'alice'")
        with pytest.raises(Unavailable, match="went away"):
            alice.types()

    def test_a_database_without_the_schema(self, database_server):
        connection = config.Connection(database_server.dsn_of("alice", "postgres"))
        with db.connect(connection) as conn, pytest.raises(Refused, match="run salt-approval db upgrade"):
            client_module.Client.of_login(conn).types()
