"""salt-approval export: what minions get as pillar, as JSON lines."""

import json

import pytest

from saltext.approval import _core
from saltext.approval.cli import main

ALTER = "UPDATE approval.document SET digest = 'sha256:' || repeat('0', 64) WHERE minion_id = %s"


@pytest.fixture
def export(approved, dsn_file, capsys):
    """A function that runs the command as a login; gives the exit code, the lines, and standard error."""

    def run(*arguments, login="exporter"):
        code = main(["--dsn-file", str(dsn_file(login)), "export", *arguments])
        written = capsys.readouterr()
        return code, [json.loads(line) for line in written.out.splitlines()], written.err

    return run


def test_it_writes_what_the_pillar_has(export, approve, database):
    approve(["web1", "web2"], {"hello": "2.10", "sl": "absent"})
    code, lines, errors = export("web2", "nobody", "web1", "web2")
    assert (code, errors) == (0, "")
    assert [line["minion"] for line in lines] == ["web2", "nobody", "web1"]
    pillar = _core.document(database.dsn("exporter"), "web2")
    for word in ("as_of", "source", "evidence_key"):
        del pillar[word]
    assert lines[0] == pillar
    assert (lines[1]["revision"], lines[1]["packages"]) == (0, {})


def test_two_exports_of_the_same_are_the_same(export, approve):
    approve(["web2", "web1"], {"hello": "2.10"})
    first, again = export("--all"), export("--all")
    assert first == again
    assert [line["minion"] for line in first[1]] == ["web1", "web2"]


def test_a_damaged_document_is_named_and_the_others_are_written(export, approve, database):
    approve(["web1", "web2"], {"hello": "2.10"})
    with database.connect() as session:
        session.execute("SET session_replication_role = replica")
        session.execute(ALTER, ["web1"])
    code, lines, errors = export("--all")
    assert code == 1
    assert [line["minion"] for line in lines] == ["web2"]
    assert errors == "salt-approval: web1: a document does not match its digest\n"


@pytest.mark.parametrize("arguments", [["--all"], ["web1"]])
def test_only_the_exporter_may(export, approve, arguments):
    approve(["web1"], {"hello": "2.10"})
    code, lines, errors = export(*arguments, login="auditor")
    assert (code, lines) == (1, [])
    assert errors.startswith("salt-approval: ")
    assert len(errors.splitlines()) == 1


@pytest.mark.parametrize("arguments", [[], ["web1", "--all"]])
def test_minions_are_named_or_all(export, arguments):
    code, lines, errors = export(*arguments)
    assert (code, lines) == (2, [])
    assert "--all" in errors


def test_without_a_database(capsys, tmp_path):
    nowhere = tmp_path / "nowhere.dsn"
    nowhere.touch(mode=0o600)
    nowhere.write_text(f"host={tmp_path} user=x dbname=x")
    assert main(["--dsn-file", str(nowhere), "export", "web1"]) == 2
    assert "cannot be reached" in capsys.readouterr().err
