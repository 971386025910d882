"""The command as people run it: exit codes, text, JSON."""

import contextlib
import datetime
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

import child
import pytest

from saltext.approval.trust import audit

COMMAND = [sys.executable, "-c", "import sys; from saltext.approval.cli import main; sys.exit(main())"]


@pytest.fixture
def run(approved, dsn_file):
    """A function that runs salt-approval as a login; gives the subprocess.CompletedProcess."""

    def command(login, *arguments, **environment):
        options = ["--dsn-file", dsn_file(login)] if login else []
        return child.run(child.program("salt-approval"), ["salt-approval", *options, *arguments], environment)

    return command


def test_a_request_from_asking_to_the_audit(run):
    words = ["--minion", "web1", "--minion", "%", "--package", "hello=2.10", "--package", "sl=absent"]
    asked = run("alice", "request", "package", *words, "--reason", "CHG-7", "--external-ref", "CHG-7")
    assert asked.returncode == 0, asked.stderr
    assert asked.stdout.startswith("request 1: package, pending\n")
    assert "hello  2.10" in asked.stdout
    refused = run("alice", "approve", "1")
    assert refused.returncode == 1
    assert refused.stderr.startswith("salt-approval: alice asked for request 1")
    digest = json.loads(run("bob", "show", "1", "--json").stdout)["digest"]
    late = run("bob", "reject", "1", "--comment", "no", "--stage", "2")
    assert (late.returncode, "this decision is for stage 2" in late.stderr) == (1, True)
    assert run("bob", "approve", "1", "--digest", digest, "--stage", "1").stdout == "request 1: pending\n"
    assert run("carol", "approve", "1", "--comment", "go").stdout == "request 1: approved\n"
    assert "approved by carol (pg:carol, authenticated)" in run("alice", "show", "1").stdout
    assert "hello" in run("alice", "state", "%").stdout
    assert "CHG-7" in run("alice", "list").stdout
    assert "approved" in run("alice", "audit", "trail", "1").stdout
    assert run("alice", "audit", "verify").stdout == "the audit is intact\n"


def test_minions_are_removed_once_somebody_says_so(run):
    asked = run("policy_admin", "minion", "remove", "web*")
    assert (asked.returncode, asked.stdout) == (1, "web1, web2, web_\n3 would be removed: say yes (--yes, yes=True)\n")
    assert run("alice", "minion", "remove", "web1", "--yes").stderr.startswith(
        "salt-approval: this login has not the role"
    )
    assert "no minion that is known" in run("policy_admin", "minion", "remove", "web9", "--yes").stderr
    done = run("policy_admin", "minion", "remove", "web1", "web_", "--yes", "--comment", "scrapped")
    assert (done.returncode, done.stdout[:10]) == (0, "2 removed.")
    left = {row["minion_id"] for row in json.loads(run("alice", "minion", "list", "--json").stdout)}
    assert "web2" in left
    assert not left & {"web1", "web_"}


def test_what_may_not_be_read_is_left_out_and_that_is_said(run, approved, approve):
    number = approve(["web1"], {"hello": "7.7.7"})
    approved.execute("SELECT approval.put_group('eyes', '')")
    approved.execute(
        "SELECT approval.put_readers(what, %s) FROM unnest(ARRAY['requests', 'values']) AS what",
        (json.dumps([{"groups": ["eyes"]}]),),
    )
    # Who asked sees their own request, and no minion.
    own = run("alice", "show", str(number))
    assert "7.7.7" in own.stdout
    assert own.stderr.startswith("Values that you may not read are •••: by the policy you may read none, and those of")
    left = run("alice", "minion", "list")
    assert (left.returncode, left.stdout) == (0, "no minions\n")
    assert left.stderr.startswith("Other requests and minions are left out: by the policy you may read none, and")
    assert run("alice", "state", "web1").stderr.startswith("salt-approval: unknown minion: 'web1'")
    # An administrator of the policy is not limited.
    assert "web1" in run("policy_admin", "minion", "list").stdout


def test_the_audit_leaves_the_database(run, approved, tmp_path):
    run("alice", "request", "package", "--minion", "web1", "--package", "hello=1", "--reason", "CHG-7")
    assert run("alice", "audit", "head").stdout == "no seal yet\n"
    approved.execute("SELECT approval.seal_audit()", login="engine")
    head = json.loads(run("alice", "audit", "head", "--json").stdout)["hash"]
    export = tmp_path / "audit.jsonl"
    export.write_text(run("auditor", "audit", "export").stdout)
    checked = run(None, "audit", "verify", export, "--head", head)
    assert (checked.returncode, checked.stdout[:20]) == (0, "the audit is intact:")
    export.write_text(export.read_text().replace("CHG-7", "CHG-8"))
    broken = run(None, "audit", "verify", export)
    assert broken.returncode == 1
    assert broken.stdout.startswith("line ")
    export.write_text("")
    assert run(None, "audit", "verify", export).stdout == "the file: it holds no record\n"


@pytest.fixture
def exported(run, approved):
    """The lines of an audit with three seals, and the hashes of these."""
    for number in range(3):
        run("alice", "request", "package", "--minion", "web1", "--package", f"hello{number}=1", "--reason", "x")
        approved.execute("SELECT approval.seal_audit()", login="engine")
    lines = run("auditor", "audit", "export").stdout.splitlines(keepends=True)
    return lines, [json.loads(line)["hash"] for line in lines if '"seal"' in line]


def test_a_cut_off_audit_is_never_called_intact(run, exported, tmp_path):
    lines, heads = exported
    export = tmp_path / "audit.jsonl"
    no_seal = next(number for number, line in enumerate(lines) if '"seal"' in line)
    export.write_text("".join(lines[:no_seal]))
    cut = run(None, "audit", "verify", export)
    assert (cut.returncode, "it holds no seal: it was cut off" in cut.stdout) == (1, True)
    export.write_text("".join(lines))
    unchecked = run(None, "audit", "verify", export)
    assert unchecked.returncode == 3
    assert "the end was not checked: give --head" in unchecked.stdout
    assert "intact" not in unchecked.stdout
    export.write_text("".join(lines[:-1]))
    assert run(None, "audit", "verify", export, "--head", heads[-1]).returncode == 1
    older = run(None, "audit", "verify", export, "--head", heads[0])
    assert (older.returncode, "that of seal 1: behind it anything may be missing" in older.stdout) == (0, True)
    assert run("alice", "audit", "verify", "--head", heads[0]).returncode == 2


def test_an_audit_that_was_cut_anywhere(run, exported):
    lines, heads = exported
    assert run("auditor", "audit", "head").stdout.strip() == heads[-1]
    for count in range(len(lines) + 1):
        for text in ("".join(lines[:count]), "".join(lines[:count])[:-20], "".join(lines[count:])):
            report = audit.verify(text.splitlines())
            assert text == "".join(lines) or not (report.intact and report.end_checked)
            assert report.intact == (text in ["".join(lines[: len(lines) - left]) for left in range(3)])


def test_global_options_on_either_side_of_the_command(run, dsn_file):
    file = dsn_file("alice")
    shown = run(None, "--dsn-file", file, "types").stdout
    for words in (
        ["types", "--dsn-file", file],
        ["types", "show", "--dsn-file", file],
        ["types", "--dsn-file", file, "show"],
    ):
        assert run(None, *words).stdout == shown
    assert run(None, "audit", "trail", "1", "--utc", "--dsn-file", file).stdout == "no entries\n"
    both = run(None, "list", "--dsn-file", file, "--service", "approval")
    assert (both.returncode, both.stderr) == (
        2, "salt-approval: --dsn-file and --service both name a database: give one of them\n",
    )  # fmt: skip
    assert json.loads(run("alice", "--json", "types").stdout) == json.loads(run("alice", "types", "--json").stdout)


def test_who_is_out_of_line(run, approve):
    approve(["web1"], {"hello": "1.0"})
    shown = run("alice", "compliance").stdout
    assert shown.startswith("minions: 0 converged, 0 drifting, 0 failed, 1 waiting, 0 silent, ")
    assert json.loads(run("alice", "compliance", "--json", "--limit", "5").stdout)["minions"]["waiting"] == 1
    assert 'saltext_approval_minions{standing="waiting"} 1\n' in run("alice", "compliance", "--metrics").stdout
    assert run("alice", "compliance", "--limit", "none").returncode == 2


def test_text_of_empty_answers(run):
    assert run("alice", "list").stdout == "no requests\n"
    assert run("alice", "state", "web1").stdout == "minion web1\n  nothing is approved\n"
    assert run("alice", "audit", "trail", "1").stdout == "no entries\n"


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["show", "x"], 2, "'x' is not the number of a request"),
        (["show", "9"], 1, "there is no request 9"),
        (
            ["minion", "add", "new"],
            1,
            "this login has not the role that it needs (approval_engine or approval_operator)",
        ),
        (["export", "web1"], 1, "this login has not the role that it needs (approval_exporter)"),
        (["export", "--all"], 1, "this login has not the role that it needs (approval_exporter)"),
        (["delegate", "alice", "--until", "2026-12-24"], 1, "alice cannot delegate to themselves"),
        (["delegate", "zoe", "--until", "2026-12-24"], 1, "'zoe': there is no such principal, or it was disabled"),
        (
            ["request", "package", "--minion", "web1", "--package", "a", "--reason", "x"],
            2,
            "is not NAME=VERSION",
        ),
        (
            [
                "request",
                "package",
                "--minion",
                "web1",
                "--package",
                "a=1",
                "--package",
                "a=2",
                "--reason",
                "x",
            ],
            2,
            "package a is given twice",
        ),
        (
            ["request", "service", "--minion", "web1", "--service-state", "cron", "--reason", "x"],
            2,
            "NAME=running",
        ),
        (
            ["request", "value", "--minion", "web1", "--value", "a=b c", "--reason", "x"],
            2,
            "is not NAME=JSON",
        ),
        (["request", "reboot", "--minion", "web1", "--reason", "x"], 2, "'at_time' is a required property"),
        (["request", "package", "--minion", "web1", "--value", "a=1", "--reason", "x"], 2, "not values"),
        (["amend", "9", "--minion", "web1", "--package", "a=1"], 1, "there is no request 9"),
        (["resolve", "9", "8", "wait"], 1, "there is no request 9"),
        (["revert", "9"], 1, "there is no request 9"),
        (["review", "9"], 1, "there is no request 9"),
        (["break-glass", "9", "--comment", "x"], 1, "this login has not the role that it needs"),
        (["delegate", "zoe", "--until", "2026-12-24"], 1, "alice cannot delegate to 'zoe'"),
        (["delegate", "bob", "--until", "soon"], 2, "until: 'soon' is not a date"),
        (["undelegate", "x"], 2, "'x' is not the number of a delegation"),
        (["why", "nowhere", "hello"], 1, "unknown minion: 'nowhere'"),
        (["what-if", "nonsense"], 1, "there is no request type 'nonsense'"),
        (["types", "show", "nonsense"], 1, "there is no request type 'nonsense'"),
        (["types", "replay", "/nowhere.yaml"], 2, "/nowhere.yaml: No such file or directory"),
        (["types", "load", "--shipped"], 1, "this login has not the role that it needs"),
        (["policy", "load", "/nowhere.yaml"], 2, "/nowhere.yaml: No such file or directory"),
        (["policy", "load", "--shipped"], 1, "this login has not the role that it needs"),
        (["db", "init", "--logins", "/dev/null/x"], 2, "/dev/null"),
        (["frobnicate"], 2, "invalid choice"),
    ],
)
def test_what_is_refused_and_what_cannot_be_tried(run, arguments, code, text):
    result = run("alice", *arguments)
    assert (result.returncode, result.stdout) == (code, "")
    assert text in result.stderr
    assert "Traceback" not in result.stderr


def test_the_ways_to_name_the_database(run, approved, dsn_file):
    assert run(None, "types", APPROVAL_DSN=approved.dsn("alice")).returncode == 0
    assert run(None, "types", APPROVAL_DSN_FILE=str(dsn_file("alice"))).returncode == 0
    assert run(None, "types", PGSERVICE="no-such-service").returncode == 2
    both = run(None, "types", APPROVAL_DSN=approved.dsn("alice"), APPROVAL_DSN_FILE=str(dsn_file("alice")))
    assert both.stderr == (
        "salt-approval: APPROVAL_DSN_FILE and APPROVAL_DSN both name a database: set exactly one of them, or give "
        "--dsn-file, which wins\n"
    )
    none = run(None, "types")
    assert (none.returncode, none.stdout) == (2, "")
    assert none.stderr.startswith("salt-approval: no database is named: give --dsn-file FILE, or set APPROVAL_DSN_FILE")
    away = run(None, "types", APPROVAL_DSN_FILE="/nowhere.dsn")
    assert away.stderr == "salt-approval: APPROVAL_DSN_FILE /nowhere.dsn cannot be read: No such file or directory\n"


def test_a_command_without_a_word_says_what_there_is(run):
    for words, known in (([], "break-glass"), (["audit"], "verify"), (["db"], "upgrade")):
        result = run(None, *words)
        assert (result.returncode, result.stderr) == (2, "")
        assert result.stdout.startswith("usage: salt-approval")
        assert known in result.stdout
    assert run(None, "--version").stdout.startswith("salt-approval ")


def test_without_a_database_it_says_so(run, tmp_path):
    result = run(None, "list", APPROVAL_DSN=f"host={tmp_path} password=hunter2")
    assert result.returncode == 2
    assert "the approval database cannot be reached" in result.stderr
    assert "hunter2" not in result.stderr


def test_the_schema(run, approved):
    status = json.loads(run(None, "db", "status", "--json", APPROVAL_DSN=approved.dsn()).stdout)
    assert (status["current"], status["pending"], status["problems"]) == (True, [], [])
    upgraded = run(None, "db", "upgrade", APPROVAL_DSN=approved.dsn())
    assert upgraded.returncode == 0
    assert upgraded.stdout.splitlines()[-1] == "the schema is of this version"
    assert "migration" not in upgraded.stdout
    again = run(None, "db", "upgrade", "--dry-run", APPROVAL_DSN=approved.dsn())
    assert (again.returncode, again.stdout) == (0, "nothing to do\n")


def test_a_database_without_the_schema(run, database_server):
    elsewhere = database_server.dsn_of(database="template1")
    status = run(None, "db", "status", APPROVAL_DSN=elsewhere)
    assert status.returncode == 1
    assert "no approval schema yet" in status.stdout
    upgrade = run(None, "db", "upgrade", APPROVAL_DSN=elsewhere)
    assert upgrade.returncode == 1
    assert "salt-approval db init makes it" in upgrade.stderr


def test_logins_in_another_folder_keep_their_passwords(run, approved, tmp_path):
    again = run(None, "db", "init", "--logins", tmp_path / "second", APPROVAL_DSN=approved.dsn())
    assert again.returncode == 2
    assert "salt_exporter, salt_returner, salt_runner, salt_engine, salt_policy: such logins exist" in again.stderr
    assert not (tmp_path / "second").exists()
    unused = run(None, "db", "init", "--new-passwords", APPROVAL_DSN=approved.dsn())
    assert (unused.returncode, "need --logins" in unused.stderr) == (2, True)


def test_an_upgrade_says_what_it_does_before_it_does_it(run, approved):
    approved.execute("UPDATE approval.code_version SET sha256 = 'old', version = '0.0.1'")
    status = run(None, "db", "status", APPROVAL_DSN=approved.dsn())
    assert status.returncode == 1
    assert "database of version 0.0.1, installed here" in status.stdout
    dry_run = run(None, "db", "upgrade", "--dry-run", APPROVAL_DSN=approved.dsn())
    assert "nothing was changed; salt-approval db upgrade does it" in dry_run.stdout
    upgraded = run(None, "db", "upgrade", APPROVAL_DSN=approved.dsn())
    assert upgraded.stdout.splitlines()[0].startswith("from version 0.0.1 to ")
    for line in upgraded.stdout.splitlines()[1:-1]:
        assert line in status.stdout
        assert line in dry_run.stdout


def test_a_downgrade_is_refused(run, approved):
    approved.execute("UPDATE approval.code_version SET version = '99.1'")
    upgrade = run(None, "db", "upgrade", APPROVAL_DSN=approved.dsn())
    assert (upgrade.returncode, upgrade.stdout) == (1, "")
    assert "this database is of version 99.1 of saltext-approval, and" in upgrade.stderr


def test_policy_from_a_file_and_back(run, tmp_path):
    file = tmp_path / "policy.yaml"
    file.write_text("groups: {new: {title: A new one}}")
    assert run("policy_admin", "policy", "load", "--dry-run", file).stdout == "+ group new: A new one\n"
    assert run("policy_admin", "policy", "load", file).stdout == "+ group new: A new one\n"
    assert run("policy_admin", "policy", "load", file).stdout == "nothing to change\n"
    file.write_text(run("policy_admin", "policy", "show").stdout)
    assert run("policy_admin", "policy", "load", file).stdout == "nothing to change\n"


def test_types_are_shown_loaded_and_replayed(run, tmp_path):
    file = tmp_path / "types.yaml"
    file.write_text(run("alice", "types", "show", "package").stdout)
    assert run("policy_admin", "types", "load", file).stdout == "nothing to change\n"
    words = ["--minion", "web1", "--package", "hello=1", "--reason", "x"]
    run("alice", "request", "package", *words)
    run("bob", "reject", "1")
    file.write_text(file.read_text().replace("name: review", "name: look"))
    replayed = run("alice", "types", "replay", file)
    assert replayed.stdout.splitlines()[1].split()[:4] == ["package", "1", "rejected", "no"]
    changes = "~ type package version 2\n    chain[0].name: review -> look\n"
    assert run("policy_admin", "types", "load", "--dry-run", file).stdout == changes
    assert run("policy_admin", "types", "load", file).stdout == changes
    assert run("alice", "types", "show").stdout == run("alice", "types").stdout
    assert json.loads(run("alice", "types", "show", "package", "--json").stdout)["version"] == 2


def test_the_shipped_types(run):
    text = run("policy_admin", "policy", "load", "--shipped").stdout
    assert "+ type package-standard version 1" in text
    again = run("policy_admin", "types", "load", "--shipped")
    assert again.stdout == "nothing to change\n"
    # One sentence says what to do next for all types that nobody can approve yet.
    assert [line for line in again.stderr.splitlines() if "type" in line] == [
        "salt-approval: warning: types emergency, package, package-windows, reboot, revert, service, value: nobody can "
        "approve such requests, as these groups have no members: change-managers, emergency-approvers, "
        "package-reviewers. Give them members in your policy file, and load it"
    ]
    words = ["--minion", "web1", "--reason", "x"]
    for type_name, content, code in (
        (
            "package-windows",
            ["--package", "git=2.44.0", "--package", "7zip=latest", "--package", "a=absent"],
            0,
        ),
        ("package-windows", ["--package", "git=2:2.44"], 2),
        ("reboot", ["--parameter", "at_time=5"], 0),
        ("reboot", ["--parameter", "at_time=soon"], 2),
        ("reboot", ["--parameter", "when=5"], 2),
        ("emergency", ["--package", "hello=1"], 0),
    ):
        result = run("alice", "request", type_name, *words, *content)
        assert result.returncode == code, result.stderr


def test_all_that_one_does_with_a_request(run, approved):
    def first_line(*arguments):
        result = run(*arguments)
        assert result.returncode == 0, result.stderr
        return result.stdout.splitlines()[0]

    words = ["--minion", "web1", "--reason", "x"]
    service = ["--service-state", "cron=running", "--on-behalf-of", "bob"]
    asked = run("alice", "request", "service", *words, *service).stdout
    assert "asked for by alice for bob (authenticated)" in asked
    assert "service  cron  running" in asked
    run("alice", "request", "value", *words, "--value", 'motd={"a": [1]}')
    again = run("alice", "request", "value", *words, "--value", "motd=2").stdout
    assert "contradicts: request 2 (value motd on web1): to be resolved: supersede or wait" in again
    assert "(value motd on web1): wait\n" in run("alice", "resolve", "3", "2", "wait").stdout
    amended = run("alice", "amend", "3", "--minion", "web2", "--value", "motd=2", "--comment", "the other")
    assert "web2    value  motd  2" in amended.stdout
    assert first_line("carol", "approve", "3") == "request 3: approved"
    why = run("alice", "why", "web2", "value:motd").stdout
    assert why.startswith("value motd on web2\n  2: request 3 (value), in force\n    asked for by alice: x\n")
    assert run("alice", "why", "web2", "hello").stdout.endswith("no request ever named it\n")
    assert first_line("alice", "request", "emergency", *words, "--package", "hello=1").endswith("pending")
    assert first_line("carol", "approve", "4") == "request 4: approved"
    assert "to be reviewed afterwards: by reviewers" in run("alice", "show", "4").stdout
    assert "reviewed: " in run("bob", "review", "4", "--comment", "fine").stdout
    run("alice", "request", "emergency", *words, "--package", "hello=2", "--package", "sl=1")
    run("carol", "approve", "5")
    reverted = run("alice", "revert", "5", "--minion", "web1", "--reason", "crashes").stdout
    assert reverted.startswith("request 6: revert, pending\n")
    assert "takes back: request 5" in reverted
    assert "  not taken back: package sl on web1: nothing is known of what was there before\n" in reverted
    assert "carol" in run("alice", "what-if", "service", "--minions", "3", "--requester", "bob").stdout


def test_a_dry_run_shows_all_and_leaves_nothing(run, approved):
    words = ["--minion", "web1", "--minion", "web2", "--reason", "x", "--external-ref", "CHG-1"]
    dry = run("bob", "request", "package", *words, "--package", "hello=1", "--dry-run")
    assert dry.returncode == 0, dry.stderr
    lines = dry.stdout.splitlines()
    assert lines[0] == "nothing was submitted; it would be a request: package, pending"
    assert "    1 of reviewers: nobody (bob asks, so cannot approve): blocked, 1 more member needed" in [
        line.removeprefix("  ") for line in lines
    ]
    assert "  web1, web2  hello  1" in lines
    assert run("alice", "list").stdout == "no requests\n"
    assert approved.execute("SELECT count(*) FROM approval.audit_entry WHERE stream > 0") == [(0,)]
    refused = run("alice", "request", "standard", *words, "--package", "hello=1", "--dry-run")
    assert (refused.returncode, "may not" in refused.stderr or "alice" in refused.stderr) == (1, True)
    assert run("bob", "request", "standard", *words, "--package", "hello=1", "--dry-run").stdout.startswith(
        "nothing was"
    )
    assert approved.execute("SELECT count(*) FROM approval.document") == [(0,)]
    first = run("alice", "request", "package", *words, "--package", "hello=1").stdout.split()[1].rstrip(":")
    again = run("alice", "request", "package", *words, "--package", "hello=1", "--dry-run").stdout
    assert again.startswith(f"nothing was submitted; it is request {first} already: package, pending\n")
    other = ["--minion", "web1", "--reason", "x", "--package", "hello=2", "--dry-run"]
    assert f"contradicts: request {first}" in run("alice", "request", "package", *other).stdout


def test_old_messages_that_nobody_consumes_can_be_dropped(run, approved):
    run("alice", "request", "package", "--minion", "web1", "--package", "hello=1", "--reason", "x")
    approved.execute(
        "INSERT INTO approval.outbox (destination, thread, request_id, seq, topic, body, created_at) "
        "VALUES ('chat', 'request/1', 1, 1, 'glass-broken', '{}', now())"
    )
    assert "nobody consumes chat: outbox drop" in run("alice", "outbox", "list").stdout
    assert run("alice", "outbox", "drop", "1").stdout == "1 dropped\n"
    assert run("alice", "outbox", "list").stdout == "the outbox is empty\n"
    assert run("alice", "outbox", "drop", "1", "--destination", "salt").returncode == 1


def test_times_are_those_of_the_zone(run, approved):
    run(
        "alice",
        "request",
        "package",
        "--minion",
        "web1",
        "--package",
        "hello=2026-11-29T15:00:00+00:00",
        "--reason",
        "x",
    )
    approved.execute(
        "SET session_replication_role = replica; UPDATE approval.request SET submitted_at = '2026-07-01T10:00Z'"
    )
    for zone, options, shown in (
        ("Europe/Berlin", [], "2026-07-01 12:00:00 +02:00"),
        ("America/St_Johns", [], "2026-07-01 07:30:00 -02:30"),
        ("Europe/Berlin", ["--utc"], "2026-07-01 10:00:00 UTC"),
        ("UTC", [], "2026-07-01 10:00:00 UTC"),
    ):
        text = run("alice", "list", *options, TZ=zone).stdout
        assert f"  {shown}  " in text
        assert "hello  2026-11-29T15:00:00+00:00" in run("alice", "show", "1", *options, TZ=zone).stdout, (
            "no time of ours"
        )
    submitted = json.loads(run("alice", "list", "--json", TZ="Europe/Berlin").stdout)[0]["submitted_at"]
    assert submitted == "2026-07-01T10:00:00+00:00"


@pytest.mark.parametrize("width", [50, 90, 200])
def test_a_terminal_is_as_wide_as_it_says(run, approved, dsn_file, width):
    reason = "because " * 30
    run("alice", "request", "package", "--minion", "web1", "--package", "hello=1", "--reason", reason)
    ours, theirs = os.openpty()
    try:
        process = subprocess.Popen(
            [*COMMAND, "--dsn-file", dsn_file("alice"), "list"],
            stdout=theirs,
            env={**os.environ, "COLUMNS": str(width)},
        )
        os.close(theirs)
        text = b""
        with contextlib.suppress(OSError):  # the end of the other side
            while part := os.read(ours, 65536):
                text += part
        assert process.wait() == 0
    finally:
        os.close(ours)
    lines = text.decode().splitlines()
    assert text.decode().split().count("because") == 30, "nothing is cut"
    assert len(lines) > 2
    assert max(map(len, lines)) <= max(width, 100)
    piped = run("alice", "list", COLUMNS=str(width)).stdout.splitlines()
    assert (len(piped), piped[1].endswith(reason.strip())) == (2, True)


def test_a_terminal_without_the_letters_makes_no_failure(approved, dsn_file):
    def run(encoding, *arguments):
        command = [*COMMAND, "--dsn-file", dsn_file("alice"), *arguments]
        environment = {**os.environ, "PYTHONIOENCODING": encoding}
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    words = ["--minion", "日本", "--package", "hello=1", "--reason", "☃ 😀"]
    for encoding in ("latin1", "ascii"):
        asked = run(encoding, "request", "package", *words)
        assert asked.returncode == 0, asked.stderr
        assert "\\u65e5\\u672c" in asked.stdout
        shown = run(encoding, "--json", "show", "1")
        assert json.loads(shown.stdout)["reason"] == "☃ 😀"
        refused = run(encoding, "show", "日")
        assert (refused.returncode, "Traceback" in refused.stderr) == (2, False)


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_make_no_failure(closed, approved, dsn_file):
    for words, code in ((["show", "1"], 1), (["list"], 0), (["--json", "list"], 0)):
        command = [pathlib.Path(sys.executable).parent / "salt-approval", "--dsn-file", dsn_file("alice"), *words]
        line = f"exec {shlex.join(map(str, command))} {closed}"
        result = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
        assert (result.returncode, "Traceback" in result.stderr) == (code, False)


def test_loading_a_policy_warns_of_what_cannot_work(run, tmp_path):
    file = tmp_path / "policy.yaml"
    file.write_text(
        """
        principals: {Bob: {identities: ["pg:other"]}}
        groups: {few: {members: [bob]}}
        types:
          tidy:
            kind: action
            action: {function: file.tuch}
            requesters: ["*"]
            valid_for: P90D
            chain: [{name: two, timeout: 4 hours, any_of: [{group: few, quorum: 2}]}]
        """
    )
    loaded = run("policy_admin", "policy", "load", str(file), "--dry-run")
    assert loaded.returncode == 0, loaded.stderr
    assert "+ type tidy version 1\n    valid_for: 90 days\n    timeout of stage two: 4 hours\n" in loaded.stdout
    for warning in (
        "type tidy, stage 1 (two): no group can reach its quorum: requests of this type are blocked (few has 1 of 2)",
        "type tidy: no execution module of this Salt has file.tuch; did you mean file.touch?",
        "principals 'Bob' and 'bob': their names look alike, so one may be taken for the other",
    ):
        assert f"salt-approval: warning: {warning}\n" in loaded.stderr
    assert (
        len(json.loads(run("policy_admin", "--json", "policy", "load", str(file), "--dry-run").stdout)["warnings"]) > 2
    )
    file.write_text("groups: {reviewers: {members: [bob, Bob]}}\nprincipals: {Bob: {}}")
    refused = run("policy_admin", "policy", "load", str(file))
    assert refused.returncode == 1
    assert (
        "group reviewers has 'bob' already, who looks like 'Bob'" in refused.stderr or "'Bob' already" in refused.stderr
    )


def test_delegations_come_and_go(run):
    assert run("bob", "delegations").stdout == "no delegations\n"
    until = datetime.date.today() + datetime.timedelta(days=9)
    assert run("bob", "delegate", "carol", "--until", str(until)).stdout == "delegation 1\n"
    assert run("alice", "delegations").stdout.splitlines()[1].split()[:3] == ["1", "bob", "carol"]
    assert run("carol", "undelegate", "1").returncode == 1
    assert run("bob", "undelegate", "1").stdout == "ended\n"


def test_a_refusal_has_its_times_in_the_local_zone(run, approved):
    run("alice", "request", "service", "--minion", "web1", "--service-state", "cron=dead", "--reason", "x")
    approved.execute(
        "SET session_replication_role = replica; UPDATE approval.request SET expires_at = '2026-07-04T23:30Z'"
    )
    for options, shown in (
        ([], "Sun 2026-07-05 01:30 +02:00"),
        (["--utc"], "Sat 2026-07-04 23:30 UTC"),
        (["--json"], "Sat 2026-07-04 23:30 UTC"),
    ):
        refused = run("carol", "approve", "1", *options, TZ="Europe/Berlin")
        assert refused.stderr == f"salt-approval: request 1 expired {shown}. Submit it again.\n"


def test_the_glass_is_broken(run, approved, tmp_path):
    file = tmp_path / "policy.yaml"
    file.write_text(
        "freezes: {all: {from: 2026-01-01, until: 2099-01-01, reason: quiet}}\n"
        "calendars:\n"
        "  night: {rule: FREQ=DAILY, time_zone: UTC, duration: 2 hours, starts_on: 2026-01-01 22:00}"
    )
    assert run("alice", "freezes").stdout == "no freezes\n"
    assert run("alice", "calendars").stdout == "no calendars\n"
    assert run("policy_admin", "policy", "load", file).returncode == 0
    assert "quiet" in run("alice", "freezes").stdout
    openings = run("alice", "calendars").stdout.splitlines()
    assert openings[0] == "night: 2 hours, FREQ=DAILY from 2026-01-01T22:00:00 UTC"
    assert openings[1] == "  no type waits for it"
    assert re.fullmatch("  [0-9-]+ 22:00:00 UTC to [0-9-]+ 00:00:00 UTC", openings[2])
    run("alice", "request", "service", "--minion", "web1", "--service-state", "cron=dead", "--reason", "x")
    run("carol", "approve", "1")
    frozen = r"held until Thu 2099-01-01 00:00 UTC by freeze all"
    assert f"now: {frozen}" in run("alice", "show", "1").stdout
    assert frozen in run("alice", "list").stdout
    # As all times they are of the reader's zone, but for JSON.
    local = "held until Thu 2099-01-01 01:00 +01:00 by freeze all"
    assert f"now: {local}" in run("alice", "show", "1", TZ="Europe/Berlin").stdout
    assert local in run("alice", "list", TZ="Europe/Berlin").stdout
    assert frozen in run("alice", "list", "--utc", TZ="Europe/Berlin").stdout
    assert frozen in run("alice", "list", "--json", TZ="Europe/Berlin").stdout
    assert "held until 2099-01-01 00:00:00 UTC by freeze all" in run("alice", "why", "web1", "service:cron").stdout
    assert "cron dead (request 1): held until 2099-01-01" in run("alice", "state", "web1").stdout
    approved.execute("GRANT approval_break_glass TO carol")
    try:
        broken = run("carol", "break-glass", "1", "--comment", "the shop is down")
    finally:
        approved.execute("REVOKE approval_break_glass FROM carol")
    assert re.search("let past windows and freezes: .* by carol: the shop is down", broken.stdout)
    assert "now: waits for a highstate: its type is not dispatched" in broken.stdout
    assert run("carol", "break-glass", "1").returncode == 2


def test_check_says_what_is_wrong(run, master_config, working_master):
    assert run(None, "check", "--master-config", master_config()).returncode == 0
    wrong = run(None, "check", "--json", "--master-config", master_config(pillar_cache=True))
    assert wrong.returncode == 1
    assert "pillar_cache" in [row["subject"] for row in json.loads(wrong.stdout)]
    assert run(None, "check", "--master-config", "/nowhere").returncode == 2


def test_the_state_root_has_the_modules(run):
    root = run(None, "state-root").stdout.strip()
    for folder in ("_states", "_modules"):
        assert os.path.isfile(os.path.join(root, folder, "approval.py"))


def test_help_names_every_command(run):
    text = run(None, "--help").stdout
    for command in ("request", "amend", "approve", "break-glass", "why", "types", "check", "Exit codes"):
        assert command in text
