"""People with their own logins: what each input gets, and that nothing is taken for a pattern."""

import datetime
import re

import pytest

from saltext.approval import config, db
from saltext.approval.client.database import DatabaseClient, operator
from saltext.approval.errors import ConfigError, InputError, Refused, Unavailable
from saltext.approval.policy import loader

HELLO = {"hello": "2.10-3"}


def test_a_request_goes_through_its_chain(client):
    alice = client("alice")
    shown = alice.request("package", ["web1", "web2"], {"hello": "2.10-3", "sl": "absent"}, "needed")
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


def test_a_decision_for_another_stage_than_the_present_one_is_refused(client):
    number = client("alice").request("package", "web1", HELLO, "needed")["request"]
    bob, carol = client("bob"), client("carol")
    for decide in (bob.approve, bob.reject):
        with pytest.raises(Refused, match="is at stage 1, and this decision is for stage 2") as raised:
            decide(number, "seen", stage=2)
        assert raised.value.sqlstate == "AP011"
    for stage in ("1", 0, -1, True, 1.5, 2**31):
        with pytest.raises(InputError, match=r"stage: .* is not a positive number"):
            bob.approve(number, stage=stage)
    assert bob.approve(number, stage=1)["state"] == "pending"
    with pytest.raises(Refused, match="is at stage 2, and this decision is for stage 1"):
        carol.approve(number, stage=1)
    assert carol.approve(number, stage=2)["state"] == "approved"


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


def test_what_is_approved_is_cancelled_while_nobody_has_proven_it(client):
    alice = client("alice")
    number = alice.request("package", "web1", HELLO, "needed")["request"]
    client("bob").approve(number)
    client("carol").approve(number)
    (before,) = alice.state("web1")["documents"]
    assert [item["name"] for item in before["items"]] == ["hello"]
    assert alice.cancel(number, "no longer needed") == {"request": number, "state": "withdrawn"}
    (after,) = alice.state("web1")["documents"]
    assert after["items"] == []
    assert alice.show(number)["items"][0]["standing"] == "withdrawn"
    with pytest.raises(Refused, match=r"is withdrawn: it can no longer be cancelled"):
        alice.cancel(number)


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
    again = alice.request("package", ["web2", "web1"], {"sl": "2", "hello": "1"}, "needed", external_ref="CHG-7")
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


class TestJobs:
    @pytest.fixture
    def jobs(self, approved):
        """A function that gives the last digits of the jobs that an operator finds, of five in five hours."""
        now = datetime.datetime.now(datetime.timezone.utc)
        for number, (fun, user, minions) in enumerate(
            [
                ("pkg.install", "alice", ["web1"]),
                ("cmd.run", "bob", ["web1", "web2"]),
                ("cmd.script", "bob", ["we%"]),
                ("pkg.remove", "alice", ["web2"]),
                ("test.version", "carol", [f"web{n}" for n in range(1, 101)]),
            ]
        ):
            published = now - datetime.timedelta(hours=5 - number)
            approved.execute(
                "SELECT approval.save_load(%s, %s, '*', 'glob', %s, %s, '', false, %s, 'salt ...', %s)",
                (f"2026120100000000000{number}", fun, user, minions, published.timestamp(), fun == "pkg.remove"),
            )

        def find(*args, **kwargs):
            with db.connect(config.Connection(approved.dsn("operator"))) as conn:
                rows = DatabaseClient(conn, "salt", "alice").jobs(*args, **kwargs)
            self.rows = rows
            return [int(row["jid"][-1]) for row in rows]

        self.now = now
        return find

    def hours_ago(self, hours):
        return (self.now - datetime.timedelta(hours=hours)).isoformat()

    def test_all_of_them_and_some(self, jobs):
        assert jobs() == [4, 3, 2, 1, 0]
        assert jobs("web1") == [4, 1, 0]
        assert jobs("we%") == [2], "an id is no pattern"
        assert jobs("web1", self.hours_ago(4), self.hours_ago(1)) == [1], "from a time until before another"
        assert jobs(fun="pkg.*") == [3, 0]
        assert jobs(user="bob", fun="cmd.r?n") == [1]
        assert jobs(request_id=7) == []

    def test_the_next_page(self, jobs):
        assert jobs(limit=2) == [4, 3]
        last = [self.rows[-1]["published_at"], self.rows[-1]["jid"]]
        assert jobs(limit=2, before=last) == [2, 1]
        assert jobs("web1", before=last) == [1, 0]

    def test_all_that_is_known_of_one(self, jobs):
        assert jobs("web2", limit=2) == [4, 3]
        many, one = self.rows
        assert (many["minion_count"], many["minions"], many["silent"]) == (100, None, 100)
        assert one.items() >= {"minions": ["web2"], "job_user": "alice", "test": True, "claim": False, "ok": 0}.items()

    @pytest.mark.parametrize(
        ("given", "error", "text"),
        [
            ({"minion": "nobody"}, Refused, "unknown minion: 'nobody'"),
            ({"minion": "web*"}, Refused, "not as patterns"),
            ({"start": "yesterday"}, InputError, "start: 'yesterday' is not a date"),
            ({"until": "25:00"}, InputError, "or 14:00 of today"),
            ({"fun": 7}, InputError, "fun must be text"),
            ({"request_id": "x"}, InputError, "is not the number of a request"),
            ({"before": ["2026-12-01"]}, InputError, "give the time and the number of the last job"),
            ({"before": ["x", "1"]}, InputError, "before: 'x' is not a date"),
            ({"limit": 0}, InputError, "limit"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, jobs, given, error, text):
        with pytest.raises(error, match=re.escape(text)):
            jobs(**given)

    def test_not_for_everybody(self, jobs, client):
        with pytest.raises(Refused, match="approval_auditor or approval_operator"):
            client("alice").jobs()


def test_unknown_requests_minions_and_states(client):
    alice = client("alice")
    with pytest.raises(Refused, match="there is no request 77"):
        alice.show(77)
    with pytest.raises(Refused, match="unknown minion: 'nowhere'"):
        alice.state("nowhere")
    with pytest.raises(Refused, match="unknown minion: 'nowhere'"):
        alice.list(minion="nowhere")
    with pytest.raises(Refused, match="'open' is not a state of a request"):
        alice.list(state="open")


def test_a_login_acts_only_as_itself(approved):
    with db.connect(config.Connection(approved.dsn("alice"))) as conn:
        forged = DatabaseClient(conn, "pg", "bob")
        with pytest.raises(Refused, match="cannot act as pg:bob"):
            forged.request("package", "web1", HELLO, "needed")


def test_the_types_that_there_are(client):
    types = {row["type"]: row for row in client("alice").types()}
    assert sorted(types) == ["emergency", "package", "reboot", "revert", "service", "standard", "value"]
    assert (types["package"]["pre_approved"], len(types["package"]["chain"])) == (False, 2)
    assert (types["standard"]["pre_approved"], types["standard"]["chain"]) == (True, [])
    shown = client("alice").type("reboot")
    assert (shown["version"], shown["definition"]["action"]["function"]) == (1, "system.reboot")
    assert client("alice").type("reboot", 1) == shown
    with pytest.raises(Refused, match="request type reboot has no version 2"):
        client("alice").type("reboot", 2)
    with pytest.raises(Refused, match="there is no request type 'restart'"):
        client("alice").type("restart")


def test_a_pre_approved_type_is_approved_at_once(client):
    assert client("bob").request("standard", "web1", HELLO, "trusted")["state"] == "approved"


def items_of(shown):
    return [(item["minion"], item["kind"], item["name"], item["value"]) for item in shown["items"]]


class TestKinds:
    def test_services_values_and_actions(self, client):
        alice = client("alice")
        shown = alice.request("service", "web1", services={"cron": "dead"}, reason="x")
        assert items_of(shown) == [("web1", "service", "cron", "dead")]
        shown = alice.request("value", "web1", values={"b": {"y": 1, "x": [None, "\u00fc"]}, "a": 1}, reason="x")
        assert items_of(shown) == [
            ("web1", "value", "a", "1"),
            ("web1", "value", "b", '{"x":[null,"\u00fc"],"y":1}'),
        ]
        shown = alice.request("reboot", ["web1", "web2"], parameters={"at_time": 5}, reason="x")
        assert items_of(shown) == [
            (minion, "action", "system.reboot", '{"at_time":5,"in_seconds":false}') for minion in ("web1", "web2")
        ]

    @pytest.mark.parametrize(
        ("type_name", "given", "error", "text"),
        [
            (
                "service",
                {"packages": HELLO},
                InputError,
                "type service are about kind service: give services, not",
            ),
            ("service", {}, InputError, "the request names no service"),
            ("service", {"services": {"cron": True}}, InputError, "the state of service cron must be text"),
            (
                "service",
                {"services": {"cron": "up"}},
                Refused,
                "service cron can be running or dead, not 'up'",
            ),
            ("package", {"packages": HELLO, "values": {"a": 1}}, InputError, "give packages, not values"),
            ("value", {"values": {"a": {1: 2}}}, InputError, "a key in the value of a must be text"),
            ("value", {"values": {"a b": 1}}, Refused, "'a b' is not a name for a value"),
            ("reboot", {}, InputError, "no request of type reboot: 'at_time' is a required property"),
            (
                "reboot",
                {"parameters": {"at_time": 90}},
                InputError,
                "at_time: 90 is greater than the maximum of 60",
            ),
            (
                "reboot",
                {"parameters": {"at_time": 5, "in_seconds": True}},
                InputError,
                "the type reboot itself says what in_seconds is",
            ),
            ("revert", {"packages": HELLO}, Refused, "type revert is for taking requests back. Use revert"),
        ],
    )
    def test_what_a_type_does_not_take(self, client, type_name, given, error, text):
        with pytest.raises(error) as raised:
            client("alice").request(type_name, ["web1"], reason="x", **given)
        assert text in str(raised.value)
        assert "\n" not in str(raised.value)


def test_an_amendment_that_adds_voids_what_was_decided(client):
    alice, bob = client("alice"), client("bob")
    number = alice.request("package", ["web1", "web2"], HELLO, "x")["request"]
    bob.approve(number)
    shown = alice.amend(number, "web1", HELLO, "web2 is gone")
    assert (items_of(shown), shown["item_set_version"]) == ([("web1", "package", "hello", "2.10-3")], 2)
    assert shown["chain"][0]["satisfied_at"]
    shown = alice.amend(number, "web1", {"hello": "3", "sl": "absent"})
    assert not shown["chain"][0]["satisfied_at"]
    with pytest.raises(Refused, match="only who asked for request 1 may amend it"):
        bob.amend(number, "web1", HELLO)
    with pytest.raises(InputError, match="give packages, not services"):
        alice.amend(number, "web1", services={"cron": "dead"})
    alice.cancel(number)
    with pytest.raises(Refused, match="request 1 is cancelled: it can no longer be amended"):
        alice.amend(number, "web1", HELLO)
    with pytest.raises(Refused, match="there is no request 77"):
        alice.amend(77, "web1", HELLO)


def test_what_contradicts_another_request_is_resolved(client):
    alice, bob = client("alice"), client("bob")
    first = alice.request("package", "web1", HELLO, "x")["request"]
    shown = alice.request("package", "web1", {"hello": "3"}, "x")
    assert [(overlap["other"], overlap["resolution"]) for overlap in shown["overlaps"]] == [(first, None)]
    second = shown["request"]
    with pytest.raises(InputError, match="the resolution must be text"):
        alice.resolve(second, first, None)
    with pytest.raises(Refused, match="resolved by supersede or wait"):
        alice.resolve(second, first, "ignore")
    with pytest.raises(Refused, match="only who asked"):
        bob.resolve(second, first, "wait")
    with pytest.raises(Refused, match="does not contradict request 77"):
        alice.resolve(second, 77, "wait")
    assert alice.resolve(second, first, "wait")["overlaps"][0]["resolution"] == "wait"
    third = alice.request("package", "web1", {"hello": "4"}, "x", overlap="supersede")
    assert {overlap["resolution"] for overlap in third["overlaps"]} == {"supersede"}
    with pytest.raises(Refused, match="resolved by supersede or wait"):
        alice.request("package", "web1", {"hello": "5"}, "x", overlap="ignore")


def test_a_request_for_somebody_else(client):
    bob = client("bob")
    shown = bob.request("service", "web1", services={"cron": "dead"}, reason="x", on_behalf_of="carol")
    assert (shown["requester"], shown["on_behalf_of"]) == ("bob", "carol")
    with pytest.raises(Refused) as raised:
        client("carol").approve(shown["request"])
    assert raised.value.sqlstate == "AP007"
    with pytest.raises(Refused, match="nobody is known as zoe"):
        bob.request("service", "web1", services={"cron": "dead"}, reason="x", on_behalf_of="zoe")


def test_reverts_of_all_and_of_some(client, approve):
    alice = client("alice")
    approve(["web1", "web2"], HELLO)
    number = approve(["web1", "web2"], {"hello": "3", "sl": "1"})
    shown = alice.revert(number, "web1", "crashes")
    assert (shown["type"], shown["reverts"], shown["reason"]) == ("revert", number, "crashes")
    assert items_of(shown) == [("web1", "package", "hello", "2.10-3")]
    unknown = {"kind": "package", "name": "sl", "reason": "nothing is known of what was there before"}
    assert shown["left_out"] == [{"minion": "web1", **unknown}]
    both = alice.revert(number)
    assert [item["minion"] for item in both["items"]] == ["web1", "web2"]
    assert both["left_out"] == [{"minion": minion, **unknown} for minion in ("web1", "web2")]
    with pytest.raises(
        Refused, match="nothing of request 1 can be taken back: package hello on web1: nothing is known"
    ):
        alice.revert(1)
    with pytest.raises(Refused, match="request 2 does not name minion '%'"):
        alice.revert(number, ["%"])
    with pytest.raises(Refused, match="type package is not for taking requests back"):
        alice.revert(number, request_type="package")
    with pytest.raises(Refused, match="is pending: there is nothing to take back"):
        alice.revert(shown["request"])


def test_an_emergency_is_reviewed_by_another(client):
    alice, bob, carol = client("alice"), client("bob"), client("carol")
    number = alice.request("emergency", "web1", HELLO, "down")["request"]
    with pytest.raises(Refused, match="is not to be reviewed"):
        bob.review(number)
    carol.approve(number)
    with pytest.raises(Refused):
        carol.review(number)
    assert bob.review(number, "it was one")["review"]["by"] == "bob"
    with pytest.raises(Refused, match="was reviewed already"):
        bob.review(number)


def test_the_glass_is_broken_by_whom_the_role_was_given(client, approved, approve):
    with db.connect(config.Connection(approved.dsn("policy_admin"))) as conn:
        loader.load(conn, loader.parse("freezes: {all: {from: 2026-01-01, until: 2099-01-01, reason: quiet}}"))
    number = approve("web1", HELLO)
    carol = client("carol")
    assert [row["freeze"] for row in carol.freezes()] == ["all"]
    assert carol.state("web1")["documents"][0]["items"] == []
    with pytest.raises(Refused, match="this login has not the role that it needs"):
        carol.break_glass(number, "down")
    approved.execute("GRANT approval_break_glass TO carol")
    try:
        with pytest.raises(InputError, match="the comment must not be empty"):
            carol.break_glass(number, "")
        assert carol.break_glass(number, "down")["break_glass_at"]
        with pytest.raises(Refused, match="nothing of it is held back"):
            carol.break_glass(number, "again")
    finally:
        approved.execute("REVOKE approval_break_glass FROM carol")
    assert [item["name"] for item in carol.state("web1")["documents"][0]["items"]] == ["hello"]


def test_a_delegation_from_its_start_to_its_end(client):
    alice, bob, carol = client("alice"), client("bob"), client("carol")
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=10)
    delegation = bob.delegate("carol", until.isoformat())["delegation"]
    (row,) = alice.delegations()
    assert (row["delegation"], row["from_principal"], row["to_principal"]) == (delegation, "bob", "carol")
    assert datetime.datetime.fromisoformat(row["ends_at"]) == until
    number = alice.request("package", "web1", HELLO, "x")["request"]
    carol.approve(number)
    (decision,) = alice.show(number)["chain"][0]["decisions"]
    assert (decision["by"], decision["counts_for"]) == ("carol", "bob")
    assert carol.undelegate(delegation) == {"delegation": delegation, "ended": False}
    assert bob.undelegate(delegation) == {"delegation": delegation, "ended": True}
    assert alice.delegations() == []
    with pytest.raises(Refused, match="bob cannot delegate to 'zoe'"):
        bob.delegate("zoe", until)
    with pytest.raises(Refused, match="within a year"):
        bob.delegate("carol", "2099-01-01")
    with pytest.raises(InputError, match="until: 'soon' is not a date"):
        bob.delegate("carol", "soon")
    with pytest.raises(Refused, match="within a year"):
        bob.delegate("carol", None)
    with pytest.raises(InputError, match="'x' is not the number of a delegation"):
        bob.undelegate("x")


def test_why_and_what_if(client, approve):
    alice = client("alice")
    number = approve("web1", HELLO)
    shown = alice.why("web1", "hello")
    assert (shown["in_force"], shown["requests"][0]["requester"]) == (number, "alice")
    assert alice.why("web1", "package:hello") == shown
    assert alice.why("web1", "service:cron")["requests"] == []
    with pytest.raises(Refused, match="unknown minion: 'nowhere'"):
        alice.why("nowhere", "hello")
    (stage,) = alice.what_if("service")["stages"]
    assert stage["any_of"][0]["approvers"] == ["bob", "carol"]
    (stage,) = client("bob").what_if("service", 5)["stages"]
    assert stage["any_of"][0]["approvers"] == ["carol"]
    assert alice.what_if("service", requester="carol")["stages"][0]["any_of"][0]["approvers"] == ["bob"]
    assert alice.what_if("standard")["may_request"] is False
    with pytest.raises(Refused, match="there is no request type 'x'"):
        alice.what_if("x")
    with pytest.raises(InputError, match="minions: the number 0 is not a positive number"):
        alice.what_if("service", 0)


def test_a_changed_type_is_replayed(client, approve):
    number = approve("web1", HELLO)
    definition = client("alice").type("package")["definition"]
    (row,) = client("alice").replay(definition)
    assert (row["request_id"], row["would_pass"]) == (number, True)
    definition["chain"][0]["any_of"][0]["quorum"] = 2
    (row,) = client("alice").replay(definition)
    assert (row["would_pass"], row["stage"]) == (False, "stage 1 (review)")


@pytest.mark.parametrize("function", ["expire_due", "renew_requests", "seal_audit"])
def test_what_time_brings_is_done_by_the_engine_alone(approved, function):
    with db.connect(config.Connection(approved.dsn("operator"))) as conn, pytest.raises(Refused) as raised:
        db.call(conn, function)
    assert raised.value.sqlstate == "42501"


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
        if approved.options:
            pytest.skip("the pooler finds another connection")
        alice = client("alice")
        approved.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'alice'")
        with pytest.raises(Unavailable, match="went away"):
            alice.types()

    def test_a_database_without_the_schema(self, database_server):
        connection = config.Connection(database_server.dsn_of("alice", "postgres"))
        with db.connect(connection) as conn, pytest.raises(Refused, match="run salt-approval db upgrade"):
            DatabaseClient.of_login(conn).types()


def test_an_act_that_gave_way_to_another_is_done_again(approved):
    approved.execute(
        "CREATE SEQUENCE approval.test_turn;"
        "CREATE FUNCTION approval.test_give_way() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN"
        " IF nextval('approval.test_turn') < 4 THEN RAISE EXCEPTION USING ERRCODE = 'deadlock_detected'; END IF;"
        " RETURN currval('approval.test_turn'); END $$"
    )
    with db.connect(config.Connection(approved.dsn())) as conn:
        assert db.value(conn, "test_give_way") == 4
        approved.execute("SELECT setval('approval.test_turn', 1)")
        with pytest.raises(Refused, match="40P01"), conn.transaction():
            db.value(conn, "test_give_way")


class TestSecretsOfMinions:
    """What minions said is shown without secrets, by every answer that has words of theirs."""

    LINE = "Command mysql -phunter2 corp-1234 failed"

    @pytest.fixture
    def number(self, approved, approve):
        """A request of whose items web1 said LINE."""
        number = approve("web1", HELLO)
        approved.execute(
            "UPDATE approval.item SET outcome = 'failed', outcome_text = %s, observed = %s", (self.LINE, self.LINE)
        )
        approved.execute(
            "INSERT INTO approval.quarantine (minion_id, jid, fun, reason, received_at, payload)"
            " VALUES ('web1', %s, %s, %s, now(), '')",
            (self.LINE, self.LINE, self.LINE),
        )
        return number

    def answers(self, acting, number):
        return acting.show(number), acting.state("web1"), acting.why("web1", "hello")

    def test_what_is_known_everywhere(self, client, number):
        for answer in self.answers(client("alice"), number):
            assert "hunter2" not in repr(answer)
            assert "mysql -p******** corp-1234" in repr(answer)

    def test_the_patterns_of_the_site(self, number, master_opts, settings_of):
        section = {"runner": settings_of("operator"), "masking": {"patterns": ["corp-[0-9]{4}"]}}
        with operator(master_opts(approval=section), "alice") as acting:
            for answer in (*self.answers(acting, number), acting.quarantine(), acting.compliance()):
                assert "hunter2" not in repr(answer)
                assert "corp-1234" not in repr(answer)
                assert "mysql -p********" in repr(answer)

    def test_with_a_wrong_pattern_all_of_it_is_hidden(self, number, master_opts, settings_of):
        section = {"runner": settings_of("operator"), "masking": {"patterns": ["("]}}
        with operator(master_opts(approval=section), "alice") as acting:
            for answer in self.answers(acting, number):
                assert "mysql" not in repr(answer)

    def test_what_people_asked_for_is_shown_as_it_is(self, client):
        alice = client("alice")
        number = alice.request("package", "web1", HELLO, "mysql -phunter2 is in the manual")["request"]
        assert alice.show(number)["reason"] == "mysql -phunter2 is in the manual"
