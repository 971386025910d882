"""Each way to set a master up wrong is found, named, and comes with how to mend it."""

import os
import sys

import pytest

from saltext.approval import check, render
from saltext.approval.errors import ConfigError


@pytest.fixture
def findings(approved, master_config):
    """A function that checks a configuration; gives {subject: finding}, several of one joined by lines."""

    def run(**changes):
        found = {}
        for row in check.run(str(master_config(**changes))):
            other = found.setdefault(row["subject"], row)
            if other is not row:
                found[row["subject"]] = {name: f"{other[name]}\n{row[name]}" for name in row}
        return found

    return run


def test_a_master_that_is_set_up_right_has_no_error(findings):
    found = findings()
    assert [row for row in found.values() if row["severity"] == "error"] == []


@pytest.mark.parametrize(
    ("changes", "subject", "problem", "remedy"),
    [
        (
            {"ext_pillar": None},
            "ext_pillar",
            "there is no entry approval",
            "dsn_file: /etc/salt/approval/exporter.dsn",
        ),
        ({"pillar_cache": True}, "pillar_cache", "pillar_cache: True", "pillar_cache: False"),
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
    row = findings()["type package, stage 1 (review)"]
    assert row["severity"] == "error"
    assert "no group can reach its quorum" in row["problem"]


def test_a_file_that_is_not_there():
    with pytest.raises(ConfigError, match="there is no file /nowhere/master"):
        check.run("/nowhere/master")


def test_without_salt_the_files_are_read_as_they_are(tmp_path, monkeypatch):
    (tmp_path / "master").write_text("pillar_cache: True\n")
    (tmp_path / "master.d").mkdir()
    (tmp_path / "master.d" / "job.conf").write_text("master_job_cache: approval\n")
    monkeypatch.setitem(sys.modules, "salt.config", None)
    opts = check.load_master_config(str(tmp_path / "master"))
    assert opts == {"pillar_cache": True, "master_job_cache": "approval"}


def test_findings_as_text(findings):
    text = render.findings(list(findings(pillar_cache=True).values()))
    assert "error: pillar_cache: pillar_cache: True" in text
    assert render.findings([]) == "everything is configured right"
