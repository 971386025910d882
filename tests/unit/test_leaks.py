"""Nothing grows: memory, objects or descriptors, over many calls that succeed and that fail.

Each entry point runs in a process of its own, three times: what grows from the second to the third is a leak.
"""

import subprocess
import sys

import pytest

PROGRAM = """
import gc, os, sys
from saltext.approval import _core

conninfo, which, calls = sys.argv[1], sys.argv[2], int(sys.argv[3])
away = "host=/nowhere user=x"
load = {load!r}
frame = _core.compress(b"x" * 1000)
arguments = [True, 1, 2**40, 0.5, "e", b"f", ["g", None], [b"h"], None, None]


def fails(function, *args, **options):
    try:
        function(*args, **options)
    except (_core.Error, TypeError):
        return
    raise AssertionError("it succeeded")


entry = {{
    "document": lambda: _core.document(conninfo, "web1"),
    "document_fails": lambda: fails(_core.document, away, "web1"),
    "document_refused": lambda: fails(_core.document, "pasword=x", "web1"),
    "call": lambda: _core.call(conninfo, "test_echo", arguments),
    "call_fails": lambda: fails(_core.call, conninfo, "test_raise", ["AP001", "no"]),
    "call_refused": lambda: fails(_core.call, conninfo, "test_echo", [["a", "b"], ["c", 1]]),
    "record_return": lambda: _core.record_return(conninfo, load),
    "record_return_fails": lambda: fails(_core.record_return, conninfo, b"no msgpack"),
    "compress": lambda: _core.compress(b"x" * 1000),
    "decompress": lambda: _core.decompress(frame),
    "decompress_fails": lambda: fails(_core.decompress, frame[:-1]),
}}[which]


def measure():
    for _ in range(calls):
        entry()
    gc.collect()
    with open("/proc/self/statm") as statm:
        pages = int(statm.read().split()[1])
    return pages, len(gc.get_objects()), len(os.listdir("/proc/self/fd"))


runs = [measure() for _ in range(3)]
print(runs)
# A call that kept a single small object would keep several pages more for this many calls.
sys.exit(runs[2][0] - runs[1][0] > 16 or runs[2][1:] != runs[1][1:])
"""
LOAD = b"\x85\xa2id\xa4web1\xa3jid\xb420261122154734375006\xa3fun\xa9test.ping\xa6return\xc3\xa7retcode\x00"
# How many calls of each are over in a second or two.
CALLS = {
    "document": 15_000,
    "document_fails": 15_000,
    "document_refused": 50_000,
    "call": 10_000,
    "call_fails": 10_000,
    "call_refused": 50_000,
    "record_return": 3_000,
    "record_return_fails": 50_000,
    "compress": 33_334,
    "decompress": 33_334,
    "decompress_fails": 33_334,
}


@pytest.mark.parametrize("entry", CALLS)
def test_nothing_grows(conninfo, entry):
    program = PROGRAM.format(load=LOAD)
    command = [sys.executable, "-P", "-c", program, conninfo, entry, str(CALLS[entry])]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
