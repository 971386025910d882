"""The units of systemd: it understands them, they are hardened alike, and start what there is."""

import configparser
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from saltext.approval.cli import parser

ROOT = pathlib.Path(__file__).resolve().parents[3]
UNITS = sorted((ROOT / "systemd").glob("*.service"))
MOST_EXPOSED = 30  # of 100, as systemd counts


def sections(unit):
    read = configparser.ConfigParser(interpolation=None)
    read.optionxform = str
    read.read(unit)
    return read


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_what_is_started_is_a_command(unit):
    program, *arguments = sections(unit)["Service"]["ExecStart"].split()
    assert program == "/opt/salt-approval/bin/salt-approval"
    assert parser().parse_args(arguments).config == "/etc/salt-approval/service.yaml"


def test_both_are_hardened_alike():
    own = ("ExecStart", "User", "SupplementaryGroups", "UMask", "LimitNOFILE", "TasksMax", "KillMode", "TimeoutStopSec")
    one, other = (
        {
            name: value
            for name, value in sections(unit)["Service"].items()
            if name not in own and not name.startswith(("RuntimeDirectory", "CacheDirectory"))
        }
        for unit in UNITS
    )
    assert one == other


@pytest.fixture
def here(tmp_path):
    """A function that gives a copy of a unit in which the program and the account are some of this machine."""

    def copy(unit):
        text = re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={sys.executable}", unit.read_text())
        text = re.sub(r"(?m)^(User|SupplementaryGroups)=.*$", r"\1=daemon", text)
        path = tmp_path / unit.name
        path.write_text(text)
        return path

    return copy


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd on this machine")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
class TestSystemd:
    def test_it_finds_nothing_wrong(self, unit, here):
        path = here(unit)
        result = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", str(path)], capture_output=True, text=True, check=False
        )
        # Of other units of this machine it may say something too.
        assert not [line for line in result.stderr.splitlines() if unit.stem in line], result.stderr

    def test_it_finds_little_exposed(self, unit, here):
        path = here(unit)
        result = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED}", str(path)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert result.returncode == 0, result.stdout[-600:] + result.stderr
