"""The training that a profile-guided build is compiled for: it must go on working as the core and its cases change."""

import pathlib
import subprocess
import sys

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools" / "train_core.py"


def test_the_core_can_be_trained():
    run = subprocess.run([sys.executable, str(TOOL), "0"], capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")
