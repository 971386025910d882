"""What a tired operator is shown: how each item stands, what waits for whom, what minions returned."""

import json
import re

import pytest

from saltext.approval import cli
from saltext.approval.errors import Refused

MANY = [f"db{number:02}" for number in range(1, 31)]


@pytest.fixture
def run(approved, dsn_file, capsys):
    """A function that runs salt-approval as a login; gives (exit code, what it printed)."""

    def command(login, *arguments):
        code = cli.main(["--dsn-file", str(dsn_file(login)), *arguments])
        return code, capsys.readouterr().out

    return command


@pytest.fixture
def many(approved, approve):
    """A request over thirty minions of which two failed, each in its own way, and the others converged."""
    approved.execute("SELECT approval.put_minions(%s)", (MANY,), login="operator")
    number = approve(MANY, {"hello": "1.0"})
    approved.execute("UPDATE approval.item SET outcome = 'converged', applied_at = now(), observed = content")
    approved.execute(
        "UPDATE approval.item SET outcome = 'failed', applied_at = NULL, observed = NULL, "
        "outcome_text = 'no ' || minion_id WHERE minion_id IN ('db07', 'db09')"
    )
    return number


def drift(approved, minion="web1", observed=None):
    """Let a minion be seen otherwise than was proven."""
    approved.execute("UPDATE approval.item SET outcome = 'converged', applied_at = now(), observed = content")
    approved.execute(
        "INSERT INTO approval.drift "
        "(minion_id, kind, name, item_id, request_id, expected, observed, finding, jid, since, last_seen) "
        "SELECT minion_id, kind, name, item_id, request_id, content, %s, 'it was removed', '20260101000000000001', "
        "'2026-01-02 03:04Z', '2026-01-03 03:04Z' FROM approval.item WHERE minion_id = %s",
        (observed, minion),
    )


def test_alike_minions_are_one_line(run, many):
    code, text = run("alice", "show", str(many))
    assert code == 0
    assert "30 items on 30 minions: 28 converged, 2 failed\n" in text
    lines = text.split("\n\n")[1].splitlines()
    assert len(lines) == 4
    assert lines[1].startswith("  28 minions: db[01-06], db08, db[10-30]  hello  1.0 ")
    assert [line.split()[0] for line in lines[2:]] == ["db07", "db09"]


def test_only_what_failed(run, many):
    _code, text = run("alice", "show", str(many), "--failed")
    assert "28 minions:" not in text
    assert [line.split()[0] for line in text.split("\n\n")[1].splitlines()[1:]] == ["db07", "db09"]
    _code, text = run("alice", "show", str(many), "--failed", "--json")
    assert [item["minion"] for item in json.loads(text)["items"]] == ["db07", "db09"]


def test_items_in_pages(run, many):
    seen, place = [], []
    for _page in range(4):
        _code, text = run(
            "alice", "show", str(many), "--items", "--limit", "8", *(["--after", *place] if place else [])
        )
        seen += [line.split()[0] for line in text.split("\n\n")[1].splitlines()[1:] if "..." not in line]
        found = re.search(r"go on with --after (\S+) (\S+) (\S+)$", text)
        place = found.groups() if found else []
    assert seen == MANY
    assert not place


def test_an_unknown_outcome_is_refused(client, many):
    with pytest.raises(Refused, match="an outcome is waiting, converged"):
        client("alice").show(many, outcomes=["faild"])


@pytest.mark.parametrize(("observed", "told"), [(None, "absent"), ("0.9", "0.9")])
def test_drift_is_shown_where_one_looks(run, approved, approve, observed, told):
    number = approve(["web1"], {"hello": "1.0"})
    assert run("alice", "compliance")[0] == 0
    drift(approved, observed=observed)
    code, text = run("alice", "show", str(number))
    assert code == 1
    assert "1 item on 1 minion: 1 drifted\n" in text
    assert re.search(rf"web1 +hello +1\.0 +drifted +{re.escape(told)} +since 2026-01-02 03:04:00", text)
    code, text = run("alice", "why", "web1", "hello")
    assert code == 1
    assert f"drifted: {told} since 2026-01-02 03:04:00" in text
    assert "it was removed" in text
    code, text = run("alice", "state", "web1")
    assert code == 1
    assert re.search(rf"hello +1\.0 +{number} +drifted +{re.escape(told)} ", text)
    code, text = run("alice", "compliance")
    assert code == 1
    assert run("alice", "compliance", "--metrics")[0] == 0
    code, text = run("alice", "show", str(number), "--failed")
    assert code == 1
    assert "hello" in text.split("\n\n")[1]


def test_drift_that_is_over_is_not_shown(run, approved, approve):
    number = approve(["web1"], {"hello": "1.0"})
    drift(approved)
    approved.execute("UPDATE approval.drift SET cleared_at = now()")
    assert "drifted" not in run("alice", "show", str(number))[1] + run("alice", "state", "web1")[1]
    for words in (["compliance"], ["show", str(number)], ["why", "web1", "hello"], ["state", "web1"]):
        assert run("alice", *words)[0] == 0, words


def test_only_drift_of_what_is_in_force_shows_in_the_exit_code(run, approved, approve):
    number = approve(["web1"], {"hello": "1.0"})
    approved.execute("UPDATE approval.item SET outcome = 'drift', observed = '0.9', outcome_text = 'it is older'")
    for words in (["show", str(number)], ["why", "web1", "hello"], ["state", "web1"]):
        assert run("alice", *words)[0] == 1, words
    approve(["web1"], {"hello": "2.0"})
    assert run("alice", "why", "web1", "hello")[0] == 0
    assert run("alice", "state", "web1")[0] == 0
    approved.execute("UPDATE approval.item SET state = 'superseded' WHERE request_id = %s", (number,))
    assert run("alice", "show", str(number))[0] == 0


def test_approvers_see_what_will_be_carried_out(run, client):
    number = client("alice").request("reboot", "web1", parameters={"at_time": 5}, reason="x")["request"]
    _code, text = run("carol", "show", str(number))
    assert 'carries out: system.reboot {"at_time":5,"in_seconds":false}\n' in text


def test_long_arguments_are_shown_whole(run, client, approved):
    approved.execute(
        "SELECT approval.put_request_type(%s)",
        (
            json.dumps(
                {
                    "name": "long", "kind": "action", "requesters": ["*"],
                    "action": {"function": "cmd.run", "kwarg": {"cmd": "a" * 300}},
                    "chain": [{"name": "release", "any_of": [{"group": "managers"}]}],
                }
            ),
        ),
    )  # fmt: skip
    number = client("alice").request("long", "web1", parameters={}, reason="x")["request"]
    assert "a" * 300 in run("carol", "show", str(number))[1]


def test_who_took_it_back(run, client, approve):
    approve(["web1"], {"hello": "0.9"})
    number = approve(["web1"], {"hello": "1.0"})
    revert = client("alice").revert(number)["request"]
    assert f"taken back by: request {revert}, pending\n" in run("alice", "show", str(number))[1]


def test_a_revert_says_what_becomes_of_what_it_contradicts(run, client, approve):
    approve(["web1"], {"hello": "0.9"})
    number = approve(["web1"], {"hello": "1.0"})
    rival = client("alice").request("package", "web1", {"hello": "2.0"}, "x")["request"]
    code, text = run("alice", "revert", str(number), "--overlap", "supersede")
    assert code == 0
    assert re.search(rf"contradicts: request {rival} .*: supersede\n", text)


def test_what_cannot_be_renewed_is_told_with_both_requests(run, client, approved):
    definition = {"name": "brief", "kind": "package", "requesters": ["*"], "valid_for": "8 days",
                  "chain": [{"name": "release", "any_of": [{"group": "managers"}]}]}  # fmt: skip
    approved.execute("SELECT approval.put_request_type(%s)", (json.dumps(definition),))
    number = client("alice").request("brief", "web1", {"hello": "1", "ed": "1"}, "x")["request"]
    client("carol").approve(number)
    approved.execute("UPDATE approval.item SET content = 'installed' WHERE name = 'ed'")
    approved.execute(
        "UPDATE approval.item SET effective_at = now() - interval '7 days', expires_at = now() + interval '1 day'"
    )
    assert approved.execute("SELECT approval.renew_requests()", login="engine") == [(1,)]
    reason = "package ed on web1: 'installed' is not a version of package ed\n"
    assert f"  not renewed: {reason}" in run("alice", "show", str(number))[1]
    assert f"  not renewed: {reason}" in run("alice", "show", str(number + 1))[1]


def test_a_window_that_flips_is_told_once(run, client, approved):
    approved.execute(
        "SELECT approval.put_calendar('weekly', 'FREQ=WEEKLY', 'UTC', '2 hours', '2026-01-01', "
        "ARRAY(SELECT now() + make_interval(days => 7 * n) FROM generate_series(1, 8) AS n))"
    )
    for name, calendar in (("now", {}), ("weekly", {"calendar": "weekly"})):
        approved.execute(
            "SELECT approval.put_request_type(%s)",
            (
                json.dumps(
                    {
                        "name": name, "kind": "package", "requesters": ["*"], "pre_approved": True, "chain": [],
                        **calendar,
                    }
                ),
            ),
        )  # fmt: skip
    client("alice").request("now", "web1", {"hello": "1"}, "x")
    client("alice").request("weekly", "web1", {"hello": "2"}, "x")
    _code, text = run("alice", "state", "web1")
    assert text.count("  revision ") == 3
    assert re.search(r"then the same by turns, 6 more times until \d{4}-\d\d-\d\d", text)
    assert re.search(r"hello 2 \(request 2\): held until .* by calendar weekly", text)
    _code, text = run("alice", "calendars")
    assert "for the types weekly\n" in text


class TestInbox:
    def test_what_waits_for_me(self, run, client):
        number = client("alice").request("package", ["web1", "web2"], {"hello": "1"}, "CHG-1")["request"]
        code, text = run("bob", "list", "--waiting-for-me")
        assert code == 0
        assert text.startswith(f"request {number}: package on 2 minions, stage 1 (review)\n  asked for by alice")
        assert "as one of reviewers\n" in text
        assert "then it expires" in text
        assert run("alice", "list", "--waiting-for-me") == (0, "nothing waits\n")
        assert run("carol", "list", "--waiting-for-me") == (0, "nothing waits\n")

    def test_what_waits_for_others(self, run, client):
        client("alice").request("package", "web1", {"hello": "1"}, "x")
        assert "stage 1 (review)" in run("auditor", "list", "--for", "bob")[1]
        assert run("alice", "list", "--for", "bob")[0] == 1
        assert run("auditor", "list", "--for", "nobody")[0] == 1

    def test_mine(self, run, client):
        client("alice").request("package", "web1", {"hello": "1"}, "by-alice")
        client("bob").request("package", "web2", {"hello": "1"}, "by-bob")
        client("carol").request("package", "web2", {"sl": "1"}, "for-bob", on_behalf_of="bob")
        _code, text = run("bob", "list", "--mine")
        assert "by-bob" in text
        assert "for-bob" in text
        assert "by-alice" not in text

    def test_pages(self, run, client):
        for number in range(5):
            client("alice").request("package", "web1", {f"hello{number}": "1"}, "x")
        _code, text = run("alice", "list", "--limit", "2")
        assert text.endswith("... 2 of 5 requests; go on with --after 4\n")
        rows = json.loads(run("alice", "list", "--limit", "3", "--after", "4", "--json")[1])
        assert [row["request_id"] for row in rows] == [3, 2, 1]
        rows = json.loads(run("bob", "list", "--waiting-for-me", "--limit", "2", "--after", "2", "--json")[1])
        assert [row["request_id"] for row in rows] == [3, 4]
        assert run("bob", "list", "--waiting-for-me", "--state", "pending")[0] == 2


class TestReturns:
    @pytest.fixture(autouse=True)
    def returned(self, approved):
        approved.execute(
            "INSERT INTO approval.job_return (jid, minion_id, attempt, fun, verdict, authenticated, flags, "
            "received_at, payload_digest, payload, findings) VALUES "
            "('20260101000000000001', 'web1', 1, 'state.apply', 'failed', true, '{}', '2026-01-01Z', '', '', "
            '\'[["package", "hello", "failed", "not-installed", "1", null, "evidence", "hello is not there"]]\'), '
            "('20260102000000000001', 'web2', 1, 'state.apply', 'unproven', false, '{replayed}', '2026-01-02Z', '', "
            "'', '[]'), "
            "('20260103000000000001', 'web2', 1, 'test.ping', 'invalid', false, '{}', '2026-01-03Z', '', '', '[]')"
        )
        approved.execute(
            "INSERT INTO approval.quarantine (minion_id, jid, fun, reason, received_at, payload) "
            "VALUES ('stranger', 'x', 'test.ping', 'the jid is none', '2026-01-01Z', '')"
        )

    def test_verdicts(self, run):
        code, text = run("auditor", "returns")
        assert code == 0
        assert [line.split()[3] for line in text.splitlines()[1:3]] == ["web2", "web1"]
        assert text.endswith("\n    package hello: failed (not-installed): hello is not there\n")
        assert "web2" not in run("auditor", "returns", "--verdict", "failed")[1]
        assert "web1" not in run("auditor", "returns", "--flagged")[1]
        assert "web1" not in run("auditor", "returns", "--since", "2026-01-01T12:00")[1]
        assert "web2" not in run("auditor", "returns", "web1")[1]
        assert "web2" not in run("auditor", "returns", "--after", "20260102000000000001", "web2", "1")[1]
        assert "test.ping" in run("auditor", "returns", "--all")[1]
        assert "test.ping" in run("auditor", "returns", "--verdict", "invalid")[1]
        assert run("auditor", "returns", "--verdict", "faild")[0] == 1
        assert run("auditor", "returns", "nowhere")[0] == 1
        assert run("alice", "returns")[0] == 1

    def test_quarantine(self, run):
        assert "the jid is none" in run("auditor", "quarantine")[1]
        assert run("auditor", "quarantine", "web1") == (0, "nothing was put aside\n")
        assert run("auditor", "quarantine", "--since", "2026-02-01")[1] == "nothing was put aside\n"


def test_the_job_log(run, approved):
    approved.execute(
        "SELECT approval.save_load(to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD') || lpad(n::text, 12, '0'), 'cmd.run', "
        "'*', 'glob', 'root', ARRAY(SELECT 'm' || m FROM generate_series(1, n) AS m), '', n = 1, 1767225600 + n, "
        "'do ' || n, n = 2) "
        "FROM unnest(ARRAY[1, 2, 60]) AS n"
    )
    code, text = run("auditor", "--utc", "jobs")
    assert code == 0
    heading, *lines = text.splitlines()
    assert heading.split() == ["PUBLISHED", "JOB", "BY", "ON", "OUTCOME", "TOOK", "REQUEST", "MARKS"]
    assert [line.split("  ")[0] for line in lines] == [
        f"2026-01-01 00:0{time} UTC" for time in ("1:00", "0:02", "0:01")
    ]
    assert [re.split("  +", line)[3:] for line in lines] == [
        ["60 minions", "60 silent", "-", "-", "-", "do 60"],
        ["m1, m2", "2 silent", "-", "-", "test", "do 2"],
        ["m1", "1 silent", "-", "-", "claim", "do 1"],
    ]
    last = json.loads(run("auditor", "--json", "jobs", "m1", "--until", "2026-01-01T00:00:02")[1])
    assert [job["command"] for job in last] == ["do 1"]
    assert [job["command"] for job in json.loads(run("auditor", "--json", "jobs", "m2", "--limit", "1")[1])] == [
        "do 60"
    ]
    page = run("auditor", "jobs", "m2", "--after", "2026-01-01T00:01:00Z", lines[0].split()[3])[1]
    assert "do 2" in page
    assert "do 60" not in page
    assert run("auditor", "jobs", "--fun", "pkg.*") == (0, "no jobs\n")
    assert run("auditor", "jobs", "m999")[0] == 1
    assert run("alice", "jobs")[0] == 1


def test_what_is_busy(run, approved):
    assert run("alice", "busy", "web2")[1].splitlines()[1] == "nothing runs"
    approved.execute(
        "SELECT approval.save_load(to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDDHH24MI') || '00000000', 'cmd.run', "
        "'*', 'glob', 'root', '{web1,web2}', '', false, NULL, 'salt ''*'' cmd.run uptime')"
    )
    approved.execute(
        "SELECT approval.put_freeze('fair', now() + interval '1 day', now() + interval '2 days', NULL, NULL, 'busy')"
    )
    code, text = run("alice", "--utc", "busy", "web1")
    assert code == 0
    lines = text.splitlines()
    assert re.fullmatch(r"on web1, as of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", lines[0])
    assert lines[1].split() == ["PUBLISHED", "JOB", "BY", "OUTCOME", "REQUEST"]
    assert lines[2].endswith("  root  2 silent  -        salt '*' cmd.run uptime")
    assert lines[3] == "nothing is due"
    assert re.split("  +", lines[-1])[0] == "fair"
    shown = json.loads(run("alice", "--json", "busy")[1])
    assert [job["command"] for job in shown["running"]] == ["salt '*' cmd.run uptime"]
    code, text = run("alice", "busy", "m999")
    assert code == 1
    assert run("auditor", "busy")[0] == 1


def test_acts_on_the_policy(run):
    assert "principal-put" in run("alice", "audit", "trail")[1]
    assert run("alice", "audit", "trail", "0") == run("alice", "audit", "trail")


def test_a_ticket_is_named_with_why_it_holds_its_request_and_where_it_can_decide(run, approved):
    stages = [
        {"name": "site", "accept": ["jira-acme"], "any_of": [{"group": "reviewers"}]},
        {"name": "own", "accept": [], "any_of": [{"group": "managers"}]},
    ]
    definition = {"name": "ticketed", "kind": "package", "requesters": ["*"], "chain": stages}
    approved.execute("SELECT approval.put_request_type(%s)", (json.dumps(definition),))
    approved.execute("SELECT approval.put_speaker('itsm', 'jira-acme', 'authenticated')")
    approved.execute("SELECT approval.put_identity('jira-acme', '712020:a', 'alice')")
    ticket = {"id": "10001", "key": "SC-7", "url": "https://acme.example/browse/SC-7", "digest": "d1"}
    ((number,),) = approved.execute(
        "SELECT request_id FROM approval.ask_by_ticket('jira-acme', '712020:a', NULL, %s, 'ticketed', 'x', "
        "'{web1}', '{package}', '{hello}', '{1.0}', NULL, '{}')",
        (json.dumps(ticket),),
        login="itsm",
    )
    text = run("alice", "show", str(number))[1]
    assert "ticket: SC-7 https://acme.example/browse/SC-7\n" in text
    assert "held: " not in text
    assert "at least asserted; in tickets of jira-acme too\n" in text
    assert "at least asserted; not in tickets\n" in text
    approved.execute("SELECT approval.hold_ticket('jira-acme', '10001', 'somebody changed it')", login="itsm")
    assert re.search(r"^ +held: .*: somebody changed it$", run("alice", "show", str(number))[1], re.MULTILINE)
