"""The runner through Salt's loader, and through salt-run where the exit code and the printed text matter."""

import json
import re

import child
import pytest
import salt.loader
import yaml


@pytest.fixture
def runner(approved, master_opts):
    """A function that calls a runner function as a user, as salt.client.mixins does."""
    functions = salt.loader.runner(master_opts())

    def call(function, *args, user="alice", **kwargs):
        functions[f"approval.{function}"].__globals__["__user__"] = user
        return functions[f"approval.{function}"](*args, **kwargs)

    return call


@pytest.fixture
def salt_run(approved, master_config):
    """A function that runs salt-run; gives (exit code, output)."""

    def run(*arguments, **changes):
        folder = master_config(**changes).parent
        (folder / "master").write_text((folder / "master.yaml").read_text())
        command = ["salt-run", "-c", folder, "--no-color", "--log-level=quiet", *arguments]
        result = child.run(child.program("salt-run"), command)
        return result.returncode, result.stdout

    return run


def refusal(call, *args, **kwargs):
    with pytest.raises(salt.exceptions.NotImplemented) as raised:
        call(*args, **kwargs)
    return str(raised.value)


def test_a_request_and_its_approvals(runner):
    shown = runner("request", "package", minions=["web1"], packages={"hello": "2.10-3"}, reason="needed")
    number = shown["request"]
    assert (shown["requester"], shown["assurance"], shown["source"]) == ("alice", "asserted", "salt")
    assert "alice asked for request" in refusal(runner, "approve", number)
    assert "this decision is for stage 2" in refusal(runner, "approve", number, user="bob", stage=2)
    assert "this decision is for stage 2" in refusal(runner, "reject", number, "no", user="bob", stage=2)
    assert runner("approve", number, user="bob", stage=1) == {"request": number, "state": "pending"}
    assert "asks for an identity that is authenticated" in refusal(runner, "approve", number, user="carol")
    assert [row["request_id"] for row in runner("list", state="pending")] == [number]
    assert runner("cancel", number)["state"] == "cancelled"
    assert [row["act"] for row in runner("audit", number)] == ["submitted", "approve", "cancelled"]
    assert runner("verify_audit") == []


def test_all_kinds_and_what_becomes_of_them(runner, client, approved):
    service = runner("request", "service", "web1", services={"cron": "dead"}, reason="x", on_behalf_of="bob")
    assert service["on_behalf_of"] == "bob"
    value = runner("request", "value", "web1", values={"motd": "Hi"}, reason="x")
    assert value["items"][0]["value"] == '"Hi"'
    other = runner("request", "value", "web1", values={"motd": "Ho"}, reason="x")
    resolved = runner("resolve", other["request"], value["request"], "supersede")
    assert resolved["overlaps"][0]["resolution"] == "supersede"
    amended = runner("amend", value["request"], "web2", values={"motd": "Hi"}, comment="moved")
    assert (amended["item_set_version"], amended["items"][0]["minion"]) == (2, "web2")
    reboot = runner("request", "reboot", "web1", parameters='{"at_time": 5}', reason="x")
    assert (reboot["items"][0]["kind"], reboot["items"][0]["name"]) == ("action", "system.reboot")
    assert "give services, not packages" in refusal(
        runner, "request", "service", "web1", packages={"a": "1"}, reason="x"
    )
    client("carol").approve(value["request"])
    assert runner("why", "web2", "value:motd")["in_force"] == value["request"]
    reverted = refusal(runner, "revert", service["request"])
    assert "is pending: there is nothing to take back" in reverted
    assert runner("what_if", "service", 3)["may_request"] is True
    assert [runner(name) for name in ("calendars", "freezes", "delegations")] == [[], [], []]
    approved.execute("SELECT approval.seal_audit()", login="engine")
    assert runner("audit_head")["seal_no"] == 1


def test_what_needs_a_login_of_ones_own_is_refused(runner):
    number = runner("request", "package", "web1", {"hello": "1"}, "x")["request"]
    assert "this login has not the role" in refusal(runner, "break_glass", number, "x")
    assert "Use your own login" in refusal(runner, "delegate", "carol", until="2026-12-24")
    assert "is not to be reviewed" in refusal(runner, "review", number)
    assert runner("undelegate", 7) == {"delegation": 7, "ended": False}


class TestTargets:
    @pytest.fixture(autouse=True)
    def keys(self, master_opts, accept_key, remember_grains):
        """Three minions with accepted keys; the master knows grains of two of them, and of a fourth."""
        opts = master_opts()
        for minion in ("web1", "web2", "we%"):
            accept_key(opts, minion)
        for minion, system in (("web1", "Debian"), ("web2", "Windows"), ("gone", "Debian")):
            remember_grains(opts, minion, {"os": system})

    @pytest.mark.parametrize(
        ("tgt", "tgt_type", "minions"),
        [
            ("web*", "glob", ["web1", "web2"]),
            ("os:Debian", "grain", ["web1"]),
            ("web* and not G@os:Windows", "compound", ["web1"]),
            ("we%,web2", "list", ["we%", "web2"]),
            ("web[0-9]", "pcre", ["web1", "web2"]),
        ],
    )
    def test_a_target_is_resolved_to_exact_ids(self, runner, tgt, tgt_type, minions):
        shown = runner("request", "package", tgt=tgt, tgt_type=tgt_type, packages={"a": "1"}, reason="x")
        assert shown["resolved"] == minions
        assert [item["minion"] for item in shown["items"]] == minions

    @pytest.mark.parametrize(
        ("target", "text"),
        [
            ({"tgt": "db*"}, "the target 'db*' (glob) means no minion"),
            ({"tgt": "os:BSD", "tgt_type": "grain"}, "means no minion"),
            ({"tgt": "web1,db1", "tgt_type": "list"}, "the target names 'db1', whose key is not accepted"),
            ({"tgt": "web*", "tgt_type": "golb"}, "'golb' is not a type of target"),
            ({"tgt": 7}, "tgt must be a target"),
            ({"tgt": "web*", "minions": "web1"}, "not both"),
        ],
    )
    def test_a_target_that_means_nothing_is_refused(self, runner, target, text):
        assert text in refusal(runner, "request", "package", packages={"a": "1"}, reason="x", **target)
        assert runner("list") == []


def test_what_can_be_seen(runner, approve):
    approve(["web1"], {"hello": "1"})
    assert {"package", "standard"} <= {row["type"] for row in runner("types")}
    assert runner("show_type", "package")["definition"]["kind"] == "package"
    assert "web1" in [row["minion_id"] for row in runner("minions")]
    assert runner("state", "web1")["documents"][0]["items"][0]["name"] == "hello"
    assert runner("state", "%")["documents"] == []


def test_the_provider_is_configurable(approved, master_opts, settings_of):
    settings = {"runner": {**settings_of("operator"), "provider": "ldap"}}
    functions = salt.loader.runner(master_opts(approval=settings))
    functions["approval.types"].__globals__["__user__"] = "alice"
    arguments = ("package", ["web1"], {"hello": "1"}, "needed")
    assert "does not speak for ldap" in refusal(functions["approval.request"], *arguments)
    approved.execute("SELECT approval.put_speaker('approval_operator', 'ldap', 'asserted')", login="policy_admin")
    assert "nobody is known as ldap:alice" in refusal(functions["approval.request"], *arguments)


@pytest.mark.parametrize(
    ("function", "given", "text"),
    [
        ("list", {"mine": "no"}, "mine: 'no' is neither true nor false"),
        ("returns", {"flagged": "maybe"}, "flagged: 'maybe' is neither true nor false"),
        ("returns", {"before": 5}, "before: the number 5 is not a list"),
        ("remove_minions", {"minions": "web1", "yes": "False"}, "yes: 'False' is neither true nor false"),
        ("request", {"request_type": "package", "minions": "web1", "packages": {"a": "1"}, "reason": "x", "dry_run": 0},
         "dry_run: the number 0 is neither true nor false"),
        ("show", {"request_id": 1, "outcomes": {}}, "outcomes: a dict is not a list"),
        ("show", {"request_id": 1, "after": 7}, "after: the number 7 is not a list"),
        ("show", {"request_id": 1, "after": "x"}, "items are shown from behind a minion, a kind and a name"),
    ],
)  # fmt: skip
def test_what_is_no_flag_or_list_is_refused_by_name(runner, function, given, text):
    assert text in refusal(runner, function, **given)


def test_outcomes_are_a_list_or_text_with_commas(runner):
    number = runner("request", "package", "web1", {"hello": "1"}, "x")["request"]
    assert len(runner("show", number, outcomes="waiting,failed")["items"]) == 1
    assert runner("show", number, outcomes=["failed"])["items"] == []


@pytest.mark.parametrize("user", [None, "", "UNKNOWN", "mallory", "sudo_alice", "%", "' OR true --"])
def test_unknown_users_are_refused(runner, user):
    text = refusal(runner, "request", "package", ["web1"], {"hello": "1"}, "needed", user=user)
    assert "nobody is known as" in text or "does not say who" in text


def test_a_login_in_the_users_name_is_not_taken_from_salt(runner, master_opts, settings_of):
    settings = {"runner": {**settings_of("operator"), "provider": "pg"}}
    functions = salt.loader.runner(master_opts(approval=settings))
    functions["approval.types"].__globals__["__user__"] = "carol"
    text = refusal(functions["approval.request"], "package", ["web1"], {"hello": "1"}, "needed")
    assert "cannot act as pg:carol" in text


def test_accepted_keys_become_known(runner, master_opts, accept_key):
    for minion in ("fresh1", "web1"):
        accept_key(master_opts(), minion)
    assert runner("sync_minions") == {"known": 2, "added": 1}
    assert "fresh1" in [row["minion_id"] for row in runner("minions")]


def test_minions_that_are_gone_are_removed(runner, master_opts, accept_key, approve, approved):
    ghosts = [f"ghost{number}" for number in range(200)]
    approved.execute("SELECT approval.put_minions(%s)", ([*ghosts, "ghost[1]"],), login="operator")
    number = approve([*ghosts, "ghost[1]"], {"hello": "1"})
    assert runner("remove_minions", "ghost[1]") == {"removed": 0, "minions": ["ghost[1]"]}
    assert runner("remove_minions", "ghost*", yes=False)["removed"] == 0
    assert "neither true nor false" in refusal(runner, "remove_minions", "ghost*", yes="no")
    assert runner("remove_minions", ["ghost[1]"], yes=True)["removed"] == 1, "its own id before any pattern"
    assert runner("show", number)["state"] == "approved"
    removed = runner("remove_minions", "ghost*,ghost7", yes=True, comment="never were")
    assert (removed["removed"], removed["minions"]) == (200, sorted(ghosts))
    assert runner("show", number)["state"] == "superseded"
    assert not [row for row in runner("minions") if row["minion_id"].startswith("ghost")]
    assert "unknown minion" in refusal(runner, "request", "package", "ghost7", {"hello": "1"}, "x")
    assert "'ghost7' is no minion that is known" in refusal(runner, "remove_minions", "ghost7", yes=True)
    assert "nobody is known as salt:mallory" in refusal(runner, "remove_minions", "web2", yes=True, user="mallory")
    accept_key(master_opts(), "web1")
    assert "the key of 'web1' is accepted" in refusal(runner, "remove_minions", "web*", yes=True)
    assert {"web1", "web2"} <= {row["minion_id"] for row in runner("minions")}


def test_salt_run_takes_yaml_and_prints_plainly(salt_run):
    arguments = ["minions=[web1, web2]", 'packages={hello: 2.10-3, vim: "2.10", sl: absent}', "reason=CHG-7"]
    code, text = salt_run("approval.request", "package", *arguments, "--out=yaml")
    assert code == 0, text
    shown = yaml.safe_load(text)
    assert {(item["minion"], item["name"], item.get("value")) for item in shown["items"]} == {
        (minion, name, value)
        for minion in ("web1", "web2")
        for name, value in (("hello", "2.10-3"), ("vim", "2.10"), ("sl", None))
    }
    assert shown["requester"] == "alice"


def test_salt_run_answers_in_few_lines_and_has_all_as_json(salt_run, approved):
    minions = [f"shop{number}" for number in range(1, 201)]
    approved.execute("SELECT approval.put_minions(%s)", (minions,), login="operator")
    code, text = salt_run(
        "approval.request", "package", f"minions=[{', '.join(minions)}]", "packages={hello: '1'}", "reason=x"
    )
    assert code == 0
    lines = text.splitlines()
    assert lines[0] == "request 1: package, pending"
    assert len(lines) < 15
    assert "  200 minions: shop[1-200]  hello  1" in lines
    assert len(json.loads(salt_run("approval.show", "1", "--out=json")[1])["items"]) == 200
    assert yaml.safe_load(salt_run("approval.list", "--out=yaml")[1])[0]["minions"] == 200
    assert salt_run("approval.show", "1", "text=False")[1].count("\n") > 1000
    assert salt_run("approval.cancel", "1")[1] == "request 1: cancelled\n"


def test_who_is_not_at_salt_run_gets_data_unless_text_is_asked_for(runner):
    number = runner("request", "package", minions=["web1"], packages={"hello": "1"}, reason="x")["request"]
    assert runner("show", number, __pub_user="root", __pub_fun="approval.show")["request"] == number
    assert runner("show", number, text=True).startswith(f"request {number}: package, pending\n")
    assert "text must be true or false" in refusal(runner, "show", number, text="yes")


def test_an_orchestration_gets_data(approved, master_opts):
    import salt.runner

    opts = master_opts()
    opts["fun"] = "state.orchestrate"
    client = salt.runner.RunnerClient(opts)
    assert client.cmd("approval.types", print_event=False)[0]["type"] == "emergency"


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("{release: \"1.10\", at: 2.5, mode: '0644'}", ["2.5", '"0644"', '"1.10"']),
        (' {"n": [5, null], "t": "1.10"}', ["[5,null]", '"1.10"']),
    ],
)
def test_salt_run_asks_for_what_was_typed(salt_run, typed, stored):
    code, text = salt_run("approval.request", "value", "minions=web1", f"values={typed}", "reason=x", "--out=yaml")
    assert code == 0, text
    items = sorted(yaml.safe_load(text)["items"], key=lambda item: item["name"])
    assert [item["value"] for item in items] == stored


@pytest.mark.parametrize("trap", ["{release: 1.10}", "{a: [x, {country: NO}]}", '{"a": 1, "a": 2}', "{u}"])
def test_what_yaml_would_make_something_else_of_is_refused(salt_run, trap):
    code, text = salt_run("approval.request", "value", "minions=web1", f"values={trap}", "reason=x")
    assert code == 1, text
    assert text.startswith("values")
    assert "Traceback" not in text


def test_a_time_of_day_is_no_number_of_minutes(salt_run, runner):
    request = ["approval.request", "reboot", "minions=web1", "reason=x"]
    code, text = salt_run(*request, "parameters={at_time: 22:22}")
    assert code == 1
    assert 'YAML reads the unquoted 22:22 as a number: write "22:22" if it is text' in text
    code, text = salt_run(*request, 'parameters={"at_time": 5.0}')
    assert (code, "5.0 is not of type 'integer'" in text) == (1, True)
    code, text = salt_run(*request, "parameters={at_time: 5}", "--out=yaml")
    assert code == 0, text
    number = yaml.safe_load(text)["request"]
    code, text = salt_run("approval.amend", str(number), "minions=web1", "parameters={at_time: 0010}")
    assert code == 1
    assert "YAML reads the unquoted 0010" in text


@pytest.mark.parametrize("value", [1342, {"b": False}])
def test_without_the_words_that_were_typed_only_text_is_certain(runner, value):
    text = refusal(runner, "request", "value", "web1", values={"a": value}, reason="x")
    assert "nobody can tell how it was written" in text
    assert "values=' {" in text
    shown = runner("request", "value", "web1", values='{"a": 1342}', reason="x")
    assert shown["items"][0]["value"] == "1342"


def test_a_package_without_a_version_is_not_removed(salt_run, runner):
    code, text = salt_run("approval.request", "package", "minions=web1", "packages={nginx}", "reason=x")
    assert code == 1
    assert "package nginx has no version: give the exact version, or latest; or absent, if it shall be removed" in text
    number = runner("request", "package", "web1", {"nginx": "1"}, reason="x")["request"]
    assert "package nginx has no version" in refusal(runner, "amend", number, "web1", {"nginx": None})
    for word in ("absent", "removed", "Absent"):
        shown = runner("request", "package", "web1", {"nginx": word}, reason="x")
        assert (shown["items"][0]["type"], shown["items"][0].get("value")) == ("absent", None)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["approval.show", "77"], "there is no request 77"),
        (
            ["approval.request", "package", "minions=web1", "packages={hello: 2.10}", "reason=x"],
            "YAML reads an unquoted 2.10 as the number 2.1",
        ),
        (["approval.request", "package", "packages={hello: '1'}", "reason=x"], "the request names no minion"),
        (["approval.request"], "the request type must be text"),
        (["approval.show"], "name the request by its number"),
        (["approval.amend", "7", "minions=web1", "packages={a: '1'}"], "there is no request 7"),
        (["approval.why", "nowhere", "hello"], "unknown minion: 'nowhere'"),
        (["approval.delegate", "carol", "until=2026-12-24"], "Use your own login"),
        (
            ["approval.request", "package", "minions=web1", "package={hello: '1'}", "reason=x"],
            "approval.request takes no argument 'package': did you mean packages?",
        ),
        (["approval.list", "status=pending"], "did you mean state?"),
        (["approval.list", "zzz=1"], "it takes state, minion, limit"),
        (["approval.types", "x=1"], "it takes none"),
        (["approval.state", "web1", "8"], "approval.state was given 2 arguments and takes at most 1: minion"),
        (
            ["approval.request", "package", "minions=web1", "packages={hello: '1'}"],
            "the reason must be text, but nothing was given: give reason='...'",
        ),
    ],
)
def test_a_refusal_is_one_sentence_and_a_failure(salt_run, arguments, sentence):
    code, text = salt_run(*arguments)
    assert code == 1
    assert sentence in text
    assert "Traceback" not in text
    assert len(text.strip().splitlines()) == 1


def test_with_the_database_away_it_says_so(salt_run, dsn_file, tmp_path):
    away = {"runner": {"dsn": f"host={tmp_path} user=salt password=hunter2"}}
    code, text = salt_run("approval.types", approval=away)
    assert code == 1
    assert "the approval database cannot be reached" in text
    assert "Traceback" not in text
    assert "hunter2" not in text


def test_without_configuration_it_says_what_to_set(salt_run):
    code, text = salt_run("approval.types", approval=None)
    assert code == 1
    assert "approval:runner is not configured: set dsn_file: /etc/salt/approval/runner.dsn there" in text


def test_the_job_log(salt_run, runner, approved):
    approved.execute(
        "SELECT approval.save_load('20261201000000000001', 'cmd.run', '*', 'glob', 'root', '{web1,web2}', '', false, "
        "NULL, 'salt ''*'' cmd.run date', true)"
    )
    code, text = salt_run("approval.jobs", "web1", "from=0:00", "until=2099-01-01")
    assert code == 0
    assert re.search(r"root +web1, web2 +2 silent +- +- +test +salt '\*' cmd.run date$", text, re.MULTILINE), text
    assert salt_run("approval.jobs", "web1", "until=2020-01-01") == (0, "no jobs\n")
    code, text = salt_run("approval.jobs", "web1", "--out=json")
    assert json.loads(text)[0]["minions"] == ["web1", "web2"]
    assert [row["jid"] for row in runner("jobs", "web1", start="2020-01-01")] == ["20261201000000000001"]


def test_every_function_is_documented(salt_run):
    code, text = salt_run("--doc", "approval")
    assert code == 0
    for function in (
        "types", "show_type", "what_if", "request", "amend", "resolve", "cancel", "revert", "approve",
        "reject", "review", "break_glass", "delegate", "undelegate", "delegations", "list", "show", "state",
        "why", "compliance", "calendars", "freezes", "minions", "sync_minions", "remove_minions", "inbox", "returns",
        "quarantine", "jobs", "busy", "audit", "audit_head", "verify_audit", "drop_outbox", "contacts", "set_contact",
        "drop_contact", "mute_contact", "unmute_contact",
    ):  # fmt: skip
        assert f"salt-run approval.{function}" in text


def test_every_function_refuses_what_it_does_not_know(runner, master_opts):
    functions = [name for name in salt.loader.runner(master_opts()) if name.startswith("approval.")]
    for name in functions:
        assert "takes no argument 'nonsense'" in refusal(runner, name.partition(".")[2], nonsense=1)


def test_sending_is_paused_and_a_rollout_is_asked_after(runner):
    assert runner("pause_all", "fire")["paused_by"] == "alice"
    assert runner("paused")["comment"] == "fire"
    assert "alice is not among those who decide on the pause" in refusal(runner, "resume_all", "out")
    assert runner("resume_all", "out", user="carol") == {"paused": False}
    number = runner("request", "package", minions=["web1"], packages={"hello": "1"}, reason="x")["request"]
    assert refusal(runner, "rollout", number) == f"request {number} has no rollout: its minions are not sent in waves"
    assert "there is nothing to decide" in refusal(runner, "resume", number, "go-on", "x", user="bob")
