"""
The wheel as `salt-pip` installs it beside Salt's own packages (onedir): into a folder extras-X.Y, by Salt's own code.

The stand-in for a onedir is an environment with all that this one has but the extension, and with the line by which
a onedir finds its extras.
"""

import json
import os
import pathlib
import subprocess
import sys
import sysconfig
import venv

import pytest

WHEELS = pathlib.Path(__file__).parents[3] / "dist"
EXTRAS = "extras-{}.{}".format(*sys.version_info)
SALT_PIP = """\
import pathlib, sys
sys.RELENV = pathlib.Path(sys.prefix)
from salt.scripts import salt_pip
salt_pip()
"""
LOADED = """\
import json, salt.config, salt.loader
opts = salt.config.master_config(None)
runners = salt.loader.runner(opts)
print(json.dumps({
    "runner": runners["approval.types"].__code__.co_filename,
    "returner": salt.loader.returners(opts, {})["approval.returner"].__code__.co_filename,
    "pillar": salt.loader.pillars(opts, {})["approval"].__code__.co_filename,
    "engine": salt.loader.engines(opts, {}, {}, {})["approval.start"].__code__.co_filename,
}))
"""


@pytest.fixture(scope="module")
def onedir(tmp_path_factory):
    """The folder of the onedir, with the extension installed by salt-pip; and a function that runs a program in it."""
    root = tmp_path_factory.mktemp("salt")
    venv.create(root, symlinks=True)
    packages = pathlib.Path(sysconfig.get_path("purelib", vars={"base": str(root)}))
    for entry in pathlib.Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith(("saltext", "__editable__")) and not (packages / entry.name).exists():
            (packages / entry.name).symlink_to(entry)
    (packages / "_extras.pth").write_text(
        f"import pathlib, sys; sys.path.insert(0, str(pathlib.Path(sys.prefix) / {EXTRAS!r}))\n"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SALT_"))}

    def run(*command, **environment):
        result = subprocess.run(
            [str(part) for part in command],
            check=False,
            capture_output=True,
            text=True,
            env={**kept, "SALT_MINION_CONFIG": str(root / "minion"), **environment},
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    (wheel,) = WHEELS.glob("*.whl")
    run(root / "bin/python", "-c", SALT_PIP, "install", "--quiet", "--no-index", "--no-deps", wheel)
    return root, run


def test_it_goes_into_the_extras(onedir):
    root, _ = onedir
    assert (root / EXTRAS / "saltext/approval/states/approval/init.sls").is_file()
    assert (root / EXTRAS / "bin/salt-approval").is_file()


def test_salt_finds_every_module_there(onedir):
    root, run = onedir
    loaded = json.loads(run(root / "bin/python", "-W", "ignore", "-c", LOADED))
    folder = root / EXTRAS / "saltext/approval"
    assert {name: pathlib.Path(file).parent.parent for name, file in loaded.items()} == dict.fromkeys(loaded, folder)


def test_the_command_prints_the_state_root_there(onedir):
    root, run = onedir
    expected = f"{root}/{EXTRAS}/saltext/approval/states\n"
    assert run(root / EXTRAS / "bin/salt-approval", "state-root") == expected
    assert run(root / "bin/python", "-m", "saltext.approval", "state-root") == expected
