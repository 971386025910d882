"""Each way to set a master up wrong is found, named, and comes with how to mend it."""

import os
import pathlib
import sys

import pytest

from saltext.approval.admin import check
from saltext.approval.cli import system
from saltext.approval.engine import heartbeat
from saltext.approval.errors import ConfigError
from saltext.approval.settings import Settings


@pytest.fixture
def findings(approved, master_config):
    """A function that checks a configuration; gives {subject: finding}, several of one joined by lines."""

    def run(**changes):
        found = {}
        for row in check.run(str(master_config(**changes))).findings:
            other = found.setdefault(row["subject"], row)
            if other is not row:
                found[row["subject"]] = {name: f"{other[name]}\n{row[name]}" for name in row}
        return found

    return run


def test_a_master_that_is_set_up_right_has_no_error(findings, working_master):
    found = findings()
    assert [row for row in found.values() if row["severity"] == "error"] == []


def test_it_ends_with_what_it_looked_at(approved, master_config, working_master):
    report = check.run(str(master_config()))
    text = system.findings_text(report.findings, report.looked_at).splitlines()
    assert text[-1].startswith(
        "looked at: master configuration, database, logins, roles, schema, policy, work, job log, alarms, master, "
        "engine, snapshot, spool, top file: "
    )
    assert text[-1].endswith(": 0 errors, 2 warnings")


def test_alike_findings_are_one(findings, approved, master_config, working_master):
    """One too small group, several types: one cause."""
    approved.execute("SELECT approval.drop_membership('managers', 'bob')", login="policy_admin")
    report = check.run(str(master_config()))
    text = system.findings_text(report.findings, report.looked_at)
    assert text.count("managers has 1 of 1") == 1
    assert "warning: type emergency, stage 1 (release), type package, stage 2 (release), type reboot" in text


class TestTheEngine:
    def test_a_master_that_does_not_run(self, findings, working_master):
        os.unlink(os.path.join(working_master["sock_dir"], "master_event_pub.ipc"))
        found = findings()
        assert "does not run" in found["master"]["problem"]
        assert "engine" not in found

    def test_one_that_never_lived(self, findings, working_master):
        os.unlink(heartbeat.path(working_master["cachedir"]))
        row = findings()["engine"]
        assert (row["severity"], "it never gave a sign of life" in row["problem"]) == ("error", True)

    @pytest.mark.parametrize("content", ["", "{}", "[1]", '{"at": "x"}'])
    def test_what_is_no_sign_of_life(self, findings, working_master, content):
        with open(heartbeat.path(working_master["cachedir"]), "w") as file:
            file.write(content)
        assert "it never gave a sign of life" in findings()["engine"]["problem"]

    def test_one_that_died(self, findings, working_master, monkeypatch):
        monkeypatch.setattr(heartbeat.time, "time", lambda: 1_700_000_000.0)
        heartbeat.write(working_master["cachedir"], ["seal"], {})
        monkeypatch.undo()
        assert "its last sign of life is of 2023-11-14 22:13:20 UTC" in findings()["engine"]["problem"]

    def test_one_whose_worker_fails(self, findings, working_master):
        heartbeat.write(working_master["cachedir"], ["seal", "drift"], {"drift": "the approval database went away"})
        assert findings()["engine"]["problem"] == "its worker drift fails: the approval database went away"

    def test_one_that_lost_events(self, findings, working_master):
        heartbeat.write(working_master["cachedir"], ["seal", "reinstall"], {}, {"reinstall": 12}, 3)
        row = findings()["engine"]
        assert row["severity"].splitlines() == ["warning"] * 2
        lost, junk = row["problem"].splitlines()
        assert lost.startswith("its worker reinstall was too slow for the master's events, and lost 12")
        assert junk == "3 of the master's events were too large or no mappings, and were passed over"

    @pytest.mark.parametrize(
        ("setting", "problem"),
        [
            ({"snapsho": False}, "there is no worker 'snapsho': did you mean snapshot?"),
            ({7: {}}, "there is no worker 7: there are seal"),
            ({"seal": True}, "approval:engine:workers:seal must be a mapping of settings, or false"),
            (["seal"], "workers must be a mapping"),
        ],
    )
    def test_one_whose_settings_are_wrong(self, findings, settings_of, working_master, setting, problem):
        engine = {**settings_of("engine"), "workers": setting}
        others = {"returner": settings_of("returner"), "runner": settings_of("operator")}
        row = findings(approval={**others, "engine": engine})["approval:engine"]
        assert (row["severity"], problem in row["problem"]) == ("error", True)


class TestTheTopFile:
    @pytest.fixture
    def file(self, findings, working_master):
        """A function that writes files of the root; tells what is said of the top file, if anything."""
        root = pathlib.Path(working_master["file_roots"]["base"][0])

        def write(**files):
            (root / "top.sls").unlink(missing_ok=True)
            for name, text in files.items():
                path = root / f"{name.replace('__', '/')}.sls"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return findings().get("top file", {}).get("problem", "")

        return write

    def test_none(self, file):
        assert file().startswith("there is no top.sls in file_roots")

    @pytest.mark.parametrize(
        "text",
        [
            "base:\n  '*':\n    - web\n",
            "base:\n  'approval*':\n    - web\n",
            "base:\n  '*':\n    # - approval\n    - approval-tools\n",
            "",
        ],
    )
    def test_one_without_ours(self, file, text):
        assert "does not apply the state approval" in file(top=text, web="vim: pkg.installed")

    @pytest.mark.parametrize(
        "files",
        [
            {"top": "base:\n  '*':\n    - approval\n"},
            {"top": "base:\n  '*': ['web', \"approval\"]\n"},
            {"top": "{% for a in 'bc' %}\nbase:\n  '*':\n    - approval # last\n{% endfor %}\n"},
            {"top": "base:\n  '*':\n    - web.all\n", "web__all": "include:\n  - approval\n"},
            {
                "top": "base:\n  '*':\n    - web\n",
                "web__init": "include:\n  - b\n",
                "b": "x:\n  approval.converged: []\n",
            },
        ],
    )
    def test_one_with_ours(self, file, files):
        assert file(**files) == ""


def test_no_prefix_comes_twice(findings, settings_of):
    row = findings(ext_pillar=[{"approval": {**settings_of("exporter"), "colour": "red"}}])["ext_pillar approval"]
    assert row["problem"].startswith("unknown setting 'colour'")


@pytest.mark.parametrize(
    ("changes", "subject", "problem", "remedy"),
    [
        (
            {"ext_pillar": None},
            "ext_pillar",
            "there is no entry approval",
            "dsn_file: /etc/salt/approval/exporter.dsn",
        ),
        (
            {"ext_pillar": [{"approval": None}]},
            "ext_pillar approval",
            "it is not configured",
            "dsn_file: /etc/salt/approval/exporter.dsn",
        ),
        ({"ext_pillar": [{"approval": {}}]}, "ext_pillar approval", "set exactly one of dsn_file", "help connections"),
        ({"pillar_cache": True}, "pillar_cache", "pillar_cache: True", "pillar_cache: False"),
        ({"approval": {"masking": {"patterns": ["("]}}}, "approval:masking", "is no regular expression", "Correct"),
        ({"approval": {"masking": ["x"]}}, "approval:masking", "must be a mapping", "Correct"),
        ({"master_job_cache": None}, "master_job_cache", "do not reach", "master_job_cache: approval"),
        ({"ext_job_cache": "pgjsonb"}, "ext_job_cache", "only their claim", "Remove"),
        ({"job_cache": False}, "job_cache", "drops every return", "Remove"),
        ({"file_roots": {"base": ["/srv/salt"]}}, "file_roots", "not served", f"    - {check.state_root()}"),
        ({"fileserver_backend": ["git"]}, "fileserver_backend", "not served", "Add roots"),
        ({"user": "nobody-knows"}, "user", "there is no account nobody-knows", "Correct"),
        (
            {"approval": None},
            "approval:runner",
            "it is not configured",
            "dsn_file: /etc/salt/approval/runner.dsn",
        ),
        ({"approval": None}, "approval:returner", "it is not configured", "returner:"),
        ({"approval": None}, "approval:engine", "it is not configured", "engine:"),
        ({"engines": None}, "engines", "nothing is dispatched", "engines:\n  - approval: {}"),
    ],
)
def test_an_error_names_the_setting_and_the_remedy(findings, changes, subject, problem, remedy):
    row = findings(**changes)[subject]
    assert row["severity"] == "error"
    assert problem in row["problem"]
    assert remedy in row["remedy"]


@pytest.mark.parametrize(
    ("changes", "subject"),
    [
        ({"publisher_acl": {"alice": ["test.ping"]}}, "publisher_acl"),
        ({"peer_run": {".*": [".*"]}}, "peer_run"),
        ({"pillar_opts": True}, "pillar_opts"),
        ({"state_data": "terse"}, "state_data"),
    ],
)
def test_what_weakens_the_whole_is_a_warning(findings, changes, subject):
    assert findings(**changes)[subject]["severity"] == "warning"


def test_two_pillar_entries(findings, settings_of):
    entry = {"approval": settings_of("exporter")}
    assert "more than one" in findings(ext_pillar=[entry, entry])["ext_pillar"]["problem"]


def test_a_login_that_can_do_more_than_it_should(findings, settings_of, approved):
    row = findings(ext_pillar=[{"approval": settings_of("auditor")}])["ext_pillar approval"]
    assert "has not the role approval_exporter" in row["problem"]
    approved.execute("GRANT approval_policy_admin TO operator")
    try:
        row = findings()["approval:runner"]
    finally:
        approved.execute("REVOKE approval_policy_admin FROM operator")
    assert "it has approval_policy_admin" in row["problem"]
    assert row["remedy"] == "REVOKE approval_policy_admin FROM operator"


def test_a_superuser(findings, settings_of):
    row = findings(ext_pillar=[{"approval": settings_of(None)}])["ext_pillar approval"]
    assert row["severity"] == "error"
    assert "is a superuser" in row["problem"]


def test_a_server_that_is_away(findings, tmp_path):
    entry = {"approval": {"dsn": f"host={tmp_path} user=salt password=hunter2"}}
    row = findings(ext_pillar=[entry])["ext_pillar approval"]
    assert "cannot be reached" in row["problem"]
    assert "hunter2" not in repr(row)


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to other accounts")
def test_a_file_that_the_masters_account_cannot_read(findings, dsn_file, tmp_path):
    path = dsn_file("exporter").rename(tmp_path / "other.dsn")
    entry = {"approval": {"dsn_file": str(path)}}
    os.chown(path, 4711, 4711)
    assert "belongs to uid 4711" in findings(ext_pillar=[entry])["ext_pillar approval"]["problem"]


def test_an_old_schema(findings, approved):
    approved.execute("UPDATE approval.code_version SET sha256 = 'old'")
    said = [finding for finding in findings().values() if "Run salt-approval db upgrade" in finding["remedy"]]
    assert len(said) == 1


def test_a_group_that_cannot_reach_its_quorum(findings, approved):
    approved.execute("SELECT approval.drop_membership('reviewers', 'bob')", login="policy_admin")
    row = findings()["types package"]
    assert row["severity"] == "error"
    assert "nobody can approve such requests, as these groups have no members: reviewers" in row["problem"]


def test_gaps_in_the_job_log(findings, approved):
    approved.execute(
        "INSERT INTO approval.job_return (jid, minion_id, attempt, fun, verdict, authenticated, flags, received_at, "
        "payload_digest, payload) VALUES ('20261201000000000001', 'web1', 1, 'test.version', 'invalid', false, "
        "'{unknown-job}', now(), '', '')"
    )
    found = findings()["job log"]
    assert "1 job that minions returned from in the last day lack" in found["problem"]
    assert "20261201000000000001" in found["remedy"]


def test_a_configuration_of_ours_that_is_no_mapping(master_config):
    with pytest.raises(ConfigError, match="approval must be a mapping of returner, runner, engine"):
        check.run(str(master_config(approval="dsn_file: /x")))


def test_a_file_that_is_not_there():
    with pytest.raises(ConfigError, match="there is no file /nowhere/master"):
        check.run("/nowhere/master")


def test_without_salt_the_files_are_read_as_they_are(tmp_path, monkeypatch):
    (tmp_path / "master").write_text("pillar_cache: True\n")
    (tmp_path / "master.d").mkdir()
    (tmp_path / "master.d" / "job.conf").write_text("master_job_cache: approval\n")
    monkeypatch.setitem(sys.modules, "salt.config", None)
    opts = Settings.from_file(str(tmp_path / "master")).opts
    assert opts == {"pillar_cache": True, "master_job_cache": "approval"}


def test_findings_as_text(findings):
    text = system.findings_text(list(findings(pillar_cache=True).values()))
    assert "error: pillar_cache: pillar_cache: True" in text
    assert system.findings_text([]) == "everything is configured right"
