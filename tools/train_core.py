"""
Let the C core do what it does most, for a build that counts what runs: called by tools/build_wheel.py.

Works on the returns of tests/cases and on those that the benchmark measures with, through the Python binding. What
needs a database is left out, as a build must need none: the compiler treats it as without a profile.

Argument: the seconds for each kind of work. Of each kind for as long, so that small returns, of which there are most,
count as much as large ones.
"""

import json
import pathlib
import sys
import time

import msgpack

from saltext.approval import _core

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bench"))

import highstate  # noqa: E402

CASES = ROOT / "tests" / "cases"
CHUNKS = (20, 200, 2000)
KEY = "00" * 32


def real_returns():
    """Validate each of tests/cases, in all forms that there are readers for."""
    for case in json.loads((CASES / "index.json").read_text("utf-8"))["cases"]:
        packed, text = (CASES / case["msgpack"]).read_bytes(), (CASES / case["file"]).read_bytes()
        expected = {"minion": case["minion"], "packages": case["approved"]}
        _core.validate_msgpack(packed, expected)
        _core.validate(msgpack.unpackb(packed, strict_map_key=False), expected)
        _core.validate_json(text, expected)


def installed(count):
    """A function that validates a highstate of so many packages, as a dict and as msgpack."""
    approved = highstate.packages(count)
    load = highstate.installed(approved)
    return _validating(load, {"minion": load["id"], "packages": approved})


def converged(count):
    """The same with evidence that so many packages are as approved."""
    approved = highstate.packages(count)
    expected = {"minion": "minion", "revision": 1, "digest": "0" * 64, "evidence_key": KEY, "packages": approved}
    load = highstate.converged(_core, "minion", (1, expected["digest"], KEY), approved, count)()
    return _validating(load, expected)


def _validating(load, expected):
    packed = msgpack.packb(load)

    def validate():
        _core.validate(load, expected)
        _core.validate_msgpack(packed, expected)
        _core.check_return(packed)
        _core.compress(packed)

    return validate


def main():
    seconds = float(sys.argv[1])
    for work in (real_returns, *(make(count) for make in (installed, converged) for count in CHUNKS)):
        end = time.monotonic() + seconds
        work()
        while time.monotonic() < end:
            work()


if __name__ == "__main__":
    main()
