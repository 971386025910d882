"""The command as people run it: exit codes, text, JSON."""

import json
import os
import subprocess
import sys

import pytest

COMMAND = [sys.executable, "-c", "import sys; from saltext.approval.cli import main; sys.exit(main())"]


@pytest.fixture
def run(approved, dsn_file):
    """A function that runs salt-approval as a login; gives the subprocess.CompletedProcess."""

    def command(login, *arguments, **environment):
        options = ["--dsn-file", dsn_file(login)] if login else []
        return subprocess.run(
            [*COMMAND, *options, *arguments],
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, **environment},
        )

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
    assert run("bob", "approve", "1", "--digest", digest).stdout == "request 1: pending\n"
    assert run("carol", "approve", "1", "--comment", "go").stdout == "request 1: approved\n"
    assert "approve by carol (pg:carol, authenticated)" in run("alice", "show", "1").stdout
    assert "hello" in run("alice", "state", "%").stdout
    assert "CHG-7" in run("alice", "list").stdout
    assert "approved" in run("alice", "audit", "trail", "1").stdout
    assert run("alice", "audit", "verify").stdout == "the audit is intact\n"


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
    assert run("alice", "audit", "verify", "--head", head).returncode == 2


def test_json_on_either_side_of_the_command(run):
    assert json.loads(run("alice", "--json", "types").stdout) == json.loads(
        run("alice", "types", "--json").stdout
    )


def test_text_of_empty_answers(run):
    assert run("alice", "list").stdout == "no requests\n"
    assert run("alice", "state", "web1").stdout == "minion web1\n  nothing is approved\n"
    assert run("alice", "audit", "trail", "1").stdout == "no entries\n"


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["show", "x"], 2, "'x' is not the number of a request"),
        (["show", "9"], 1, "there is no request 9"),
        (["minion", "add", "new"], 1, "this login has not the role that it needs"),
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
    assert "set exactly one of" in both.stderr


def test_without_a_database_it_says_so(run, tmp_path):
    result = run(None, "list", APPROVAL_DSN=f"host={tmp_path} password=hunter2")
    assert result.returncode == 2
    assert "the approval database cannot be reached" in result.stderr
    assert "hunter2" not in result.stderr


def test_the_schema(run, approved):
    status = json.loads(run(None, "db", "status", "--json", APPROVAL_DSN=approved.dsn()).stdout)
    assert (status["current"], status["pending"], status["problems"]) == (True, [], [])
    upgraded = run(None, "db", "upgrade", APPROVAL_DSN=approved.dsn())
    assert (upgraded.returncode, upgraded.stdout) == (0, "the schema is of this version\n")


def test_a_database_without_the_schema(run, database_server):
    elsewhere = database_server.dsn_of(database="template1")
    status = run(None, "db", "status", APPROVAL_DSN=elsewhere)
    assert status.returncode == 1
    assert "no approval schema yet" in status.stdout
    upgrade = run(None, "db", "upgrade", APPROVAL_DSN=elsewhere)
    assert upgrade.returncode == 1
    assert "salt-approval db init makes it" in upgrade.stderr


def test_policy_from_a_file_and_back(run, tmp_path):
    file = tmp_path / "policy.yaml"
    file.write_text("groups: {new: {title: A new one}}")
    assert run("policy_admin", "policy", "load", "--dry-run", file).stdout == "+ group new: A new one\n"
    assert run("policy_admin", "policy", "load", file).stdout == "+ group new: A new one\n"
    assert run("policy_admin", "policy", "load", file).stdout == "nothing to change\n"
    file.write_text(run("policy_admin", "policy", "show").stdout)
    assert run("policy_admin", "policy", "load", file).stdout == "nothing to change\n"


def test_the_shipped_types(run):
    assert "+ type package-standard version 1" in run("policy_admin", "policy", "load", "--shipped").stdout


def test_check_says_what_is_wrong(run, master_config):
    assert run(None, "check", "--master-config", master_config()).returncode == 0
    wrong = run(None, "check", "--json", "--master-config", master_config(pillar_cache=True))
    assert wrong.returncode == 1
    assert "pillar_cache" in [row["subject"] for row in json.loads(wrong.stdout)]
    assert run(None, "check", "--master-config", "/nowhere").returncode == 2


def test_the_state_root_has_the_state(run):
    root = run(None, "state-root").stdout.strip()
    assert os.path.isfile(os.path.join(root, "_states", "approval.py"))


def test_help_names_every_command(run):
    text = run(None, "--help").stdout
    for command in ("request", "approve", "check", "validate", "Exit codes"):
        assert command in text
