"""
Build the wheel with its C core guided by a profile: `make wheel`.

gcc compiles the core so that it counts what runs, tools/train_core.py has it run, and gcc compiles it again, for
what ran most. The wheel replaces that of `make setup` in dist/, which stays in build/plain/ to be compared with.
Needs gcc, and msgpack in the environment that runs this.
"""

import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
PLAIN = ROOT / "build" / "plain"
WORK = ROOT / "build" / "guided"
PROFILE = WORK / "profile"
TRAINING_S = 2  # for each kind of work


def build(into, variable):
    """Build the wheel into a folder, with this variable of setup.py as the folder of the profile; its path."""
    # The folders hold what was compiled with other options.
    for built in ROOT.glob("build/lib*"):
        shutil.rmtree(built)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(into), "."]
    subprocess.run(command, cwd=ROOT, env={**os.environ, variable: str(PROFILE)}, check=True)
    (wheel,) = into.glob("*.whl")
    return wheel


def train(wheel):
    """Run the core of a wheel, so that it writes the profile."""
    site = WORK / "site"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run(command, check=True)
    command = [sys.executable, str(ROOT / "tools" / "train_core.py"), str(TRAINING_S)]
    subprocess.run(command, env={**os.environ, "PYTHONPATH": str(site)}, check=True)
    if not any(PROFILE.glob("*.gcda")):
        sys.exit("build_wheel.py: the training left no profile: is the compiler gcc?")


def main():
    (plain,) = DIST.glob("*.whl")
    shutil.rmtree(WORK, ignore_errors=True)
    shutil.rmtree(PLAIN, ignore_errors=True)
    train(build(WORK / "counting", "APPROVAL_PROFILE_GENERATE"))
    guided = build(WORK / "wheel", "APPROVAL_PROFILE_USE")
    PLAIN.mkdir()
    plain.rename(PLAIN / plain.name)
    print(shutil.move(guided, DIST))


if __name__ == "__main__":
    main()
