"""salt-approval spool, and what salt-approval check says of the spool."""

import json
import os
import pathlib

import pytest
import yaml

from saltext.approval import cli
from saltext.approval.admin import check
from saltext.approval.jobs import packing, spool
from saltext.approval.settings import Settings


@pytest.fixture
def config_path(approved, master_config, settings_of, tmp_path):
    """A function that writes the configuration of a master with these settings of approval:returner."""

    def write(**settings):
        returner = {**settings_of("returner"), "spool": str(tmp_path / "spool"), **settings}
        return str(master_config(approval={"returner": returner}))

    return write


@pytest.fixture
def kept(config_path):
    """The spool of that master, with one load in it, and one return that names no minion."""
    opts = Settings.from_file(config_path()).opts
    found = spool.Spool(spool.settings(opts))
    load = ["20261122150000000000", "test.ping", "*", "glob", "root", ["web1"], b"", False]
    found.put("load", load[0], load)
    found.put("return", load[0], packing.pack({"id": "a/b", "jid": load[0], "return": True}))
    return found


@pytest.fixture
def run(config_path, capsys):
    """A function that runs salt-approval spool; gives (exit code, its answer)."""

    def command(*arguments):
        code = cli.main(["--json", "spool", *arguments, "--master-config", config_path()])
        printed = capsys.readouterr()
        return code, json.loads(printed.out) if printed.out else printed.err

    return command


def test_an_empty_one(run, tmp_path):
    code, info = run("info")
    assert (code, info["entries"], info["aside"], info["oldest"]) == (0, 0, 0, None)
    assert info["path"] == str(tmp_path / "spool")
    assert run("show") == (0, [])
    assert run("drain") == (0, {"recorded": 0, "aside": 0, "late": 0})
    assert not (tmp_path / "spool").exists(), "looking makes nothing"


def test_what_waits_is_shown_and_recorded(run, kept):
    code, info = run("info")
    assert (code, info["entries"], info["kinds"]["load"], info["kinds"]["return"]) == (0, 2, 1, 1)
    assert [(row["seq"], row["kind"]) for row in run("show")[1]] == [(1, "load"), (2, "return")]
    assert run("show", "2")[1]["content"]["id"] == "a/b"
    assert run("show", "7")[0] == 1
    assert run("drain") == (1, {"recorded": 1, "aside": 1, "late": 0})
    assert run("info")[0] == 1


def test_secrets_in_what_waits_are_hidden(config_path, kept, capsys):
    output = {"stdout": "mysql -phunter2 corp-1234"}
    kept.put("return", "2", packing.pack({"id": "web1", "jid": "2", "fun": "cmd.run", "return": output}))
    path = config_path()
    assert cli.main(["--json", "spool", "show", "3", "--master-config", path]) == 0
    assert json.loads(capsys.readouterr().out)["content"]["return"] == {"stdout": "mysql -p******** corp-1234"}
    settings = yaml.safe_load(pathlib.Path(path).read_text())
    settings["approval"]["masking"] = {"patterns": ["corp-[0-9]{4}"]}
    pathlib.Path(path).write_text(yaml.safe_dump(settings))
    assert cli.main(["--json", "spool", "show", "3", "--master-config", path]) == 0
    assert json.loads(capsys.readouterr().out)["content"]["return"] == {"stdout": "mysql -p******** ********"}


def test_what_was_set_aside_comes_back_or_goes(run, kept):
    run("drain")
    (row,) = run("show", "--poison")[1]
    assert (row["seq"], row["kind"]) == (2, "return")
    assert "minion" in row["reason"]
    assert run("retry", "2") == (0, {"seq": 3})
    assert run("retry", "2")[0] == 1
    run("drain")
    assert run("drop", "3") == (0, {"dropped": 3})
    assert run("drop", "3")[0] == 1
    assert run("drop", "x") == (2, "salt-approval: 'x' is not the number of an entry\n")
    assert run("info")[0] == 0


def test_the_text_for_people(config_path, kept, capsys):
    path = config_path()
    for arguments in (["info"], ["show"], ["show", "1"], ["drain"], ["show", "--poison"]):
        cli.main(["spool", *arguments, "--master-config", path])
    printed = capsys.readouterr().out
    for text in (
        "2 wait (1 load, 1 return), the oldest since",
        "SEQ",
        "content: ",
        "1 recorded, 1 set aside",
        "REASON",
    ):
        assert text in printed


def test_without_the_database(config_path, kept, dsn_file, capsys):
    path = config_path()
    dsn_file("returner").write_text("host=/nowhere password=hunter2")
    assert cli.main(["spool", "info", "--master-config", path]) == 0
    assert cli.main(["spool", "show", "--master-config", path]) == 0
    assert cli.main(["spool", "drain", "--master-config", path]) == 2
    assert "hunter2" not in capsys.readouterr().err
    assert kept.info()["entries"] == 2


class TestCheck:
    def problems(self, path):
        return [row for row in check.run(path).findings if row["subject"] == "approval:returner spool"]

    def test_all_is_well(self, config_path, kept):
        kept.remove([2])
        assert self.problems(config_path()) == []

    def test_set_aside(self, config_path, kept):
        kept.set_aside(2, "no minion")
        (row,) = self.problems(config_path())
        assert row["severity"] == "warning"
        assert "1 entries could not be recorded" in row["problem"]
        assert "spool show --poison" in row["remedy"]

    def test_open_to_others(self, config_path, kept):
        path = config_path()
        os.chmod(kept.settings.path, 0o755)  # noqa: S103
        (row,) = self.problems(path)
        assert row["severity"] == "error"
        assert "chmod 700" in row["remedy"]
        os.chmod(kept.settings.path, 0o700)

    def test_no_directory(self, config_path, tmp_path):
        (tmp_path / "spool").write_text("")
        assert "is no directory" in self.problems(config_path())[0]["problem"]

    def test_bad_settings(self, config_path):
        for settings, text in (
            ({"mode": "memory"}, "mode must be one of"),
            ({"spool": "relative"}, "full path"),
            ({"spool_max_mb": 1}, "16 to"),
            ({"spool_max_mb": True}, "whole number"),
        ):
            assert text in self.problems(config_path(**settings))[0]["problem"]

    def test_full_and_old(self, config_path, kept, monkeypatch):
        monkeypatch.setattr("time.time", lambda: 4e9)
        monkeypatch.setattr("saltext.approval.admin.check.spool.NEARLY_FULL", 0.0)
        kept.count_dropped(3)
        problems = " ".join(row["problem"] for row in self.problems(config_path()))
        for text in ("nearly full", "2 entries wait, the oldest for more than 10 minutes", "3 events"):
            assert text in problems
