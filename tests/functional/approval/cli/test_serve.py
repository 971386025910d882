"""The command `serve`: workers on a machine without Salt, from the start to the end."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import pytest
import yaml

from saltext.approval.admin import check
from saltext.approval.cli import main
from saltext.approval.engine import heartbeat

BOUND_S = 120
# No module of Salt can be imported there, as where it is not installed.
WITHOUT_SALT = """
import sys
sys.modules["salt"] = None
from saltext.approval.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def config(approved, settings_of, dsn_file, tmp_path):
    """A function that writes the settings of a service, right but for what is changed; gives the file's path."""

    def write(**changes):
        engine = {**settings_of("engine"), "listen_dsn_file": str(dsn_file("engine", direct=True))}
        settings = {
            "cachedir": str(tmp_path / "cache"),
            "keep_jobs_seconds": 7 * 86_400,
            "approval": {"engine": engine},
            **changes,
        }
        path = tmp_path / "service.yaml"
        path.write_text(yaml.safe_dump(settings))
        return str(path)

    return write


def until(condition):
    """Wait for the thing itself."""
    deadline = time.monotonic() + BOUND_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


def unsealed(database):
    return database.execute("SELECT count(*) FROM approval.audit_stream WHERE sealed_seq < head_seq")[0][0]


def problems(path):
    return [row["problem"] for row in check.run_service(path).findings]


def test_it_runs_without_salt_until_it_is_told_to_end(config, approved, tmp_path):
    path = config()
    assert problems(path) == ["it does not run (it never gave a sign of life)"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(BOUND_S)
        service = subprocess.Popen(
            [sys.executable, "-c", WITHOUT_SALT, "serve", "--config", path],
            env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")},
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert systemd.recv(100) == b"READY=1"
            until(lambda: unsealed(approved) == 0)
            query = "SELECT content FROM approval.setting WHERE name = 'keep_jobs_hours'"
            until(lambda: approved.execute(query) == [(str(7 * 24),)])
            working = ["seal", "partitions", "due", "alarms", "standings", "metrics"]
            assert heartbeat.read(str(tmp_path / "cache")).workers == working
            assert problems(path) == []
            service.send_signal(signal.SIGTERM)
            _, said = service.communicate(timeout=BOUND_S)
        finally:
            service.kill()
            service.wait()
    assert service.returncode == 0
    assert "ERROR" not in said


def test_a_setting_that_is_lost_there_stops_no_other_worker(config, approved, tmp_path):
    """The job cache of the wrong age would be dropped."""
    path = config()
    query = "SELECT content FROM approval.setting WHERE name = 'keep_jobs_hours'"
    before = approved.execute(query)
    settings = yaml.safe_load(pathlib.Path(path).read_text())
    del settings["keep_jobs_seconds"]
    pathlib.Path(path).write_text(yaml.safe_dump(settings))
    service = subprocess.Popen([sys.executable, "-c", WITHOUT_SALT, "serve", "--config", path])
    try:
        until(lambda: unsealed(approved) == 0)
        until(
            lambda: any("partitions fails: partitions: keep_jobs_seconds is not set" in one for one in problems(path))
        )
    finally:
        service.terminate()
        assert service.wait(timeout=BOUND_S) == 0
    assert approved.execute(query) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--workers", "seal,dispatch"], "the worker dispatch needs Salt: the engine of a master runs it"),
        (["--workers", "snapshot"], "this command runs seal, partitions, due"),
        (["--workers", "seel"], "there is no worker 'seel': did you mean seal?"),
        (["--workers", ""], "there is no worker ''"),
        (["--config", "/nonexistent.yaml"], "there is no file /nonexistent.yaml"),
    ],
)
def test_what_it_cannot_do_it_says_at_once(config, capsys, arguments, said):
    assert main(["serve", "--config", config(), *arguments]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"approval": {}}, "approval:engine is not configured"),
        ({"approval": {"engine": {"dsn": "host=/x", "colour": "red"}}}, "unknown setting 'colour'"),
        ({"approval": ["engine"]}, "approval must be a mapping"),
    ],
)
def test_wrong_settings_are_said_at_once(config, capsys, changes, said):
    path = config(**changes)
    assert main(["serve", "--config", path]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("text", ["[1]", "a: [", "just text"])
def test_a_file_that_is_none_of_settings(config, capsys, text):
    path = config()
    pathlib.Path(path).write_text(text)
    assert main(["serve", "--config", path]) == 2
    assert path in capsys.readouterr().err


def test_the_check_by_the_command(config, capsys, approved):
    path = config()
    heartbeat.write(yaml.safe_load(pathlib.Path(path).read_text())["cachedir"], ["seal"], {"seal": "gone"})
    assert main(["check", "--config", path]) == 1
    assert "its worker seal fails: gone" in capsys.readouterr().out
