"""Nothing grows: memory, objects or descriptors, over many calls that succeed and that fail.

Each entry point runs in a process of its own, three times: what grows from the second to the third is a leak.
APPROVAL_FAULTS=full makes that a hundred thousand calls and more of each.
"""

import datetime
import os
import re
import subprocess
import sys

import msgpack
import pytest

from saltext.approval import _core

PROGRAM = """
import gc, json, os, sys, tempfile
import msgpack
from saltext.approval import _core

conninfo, which, calls = sys.argv[1], sys.argv[2], int(sys.argv[3])
away = "host=/nowhere user=x"
folder = tempfile.TemporaryDirectory()
path = folder.name + "/snapshot"
_core.snapshot_refresh(conninfo, path)
load = {load!r}
frame = _core.compress(b"x" * 1000)
items = [("package", "hello", "version", "2.10-3"), ("package", "sl", "absent", None)]
key = bytes(32)
evidence = {{
    "format": 2, "minion": "web1", "revision": 3, "digest": _core.digest("web1", 3, items),
    "run_id": "r", "boot_id": "b",
    "observed": {{"packages": {{"hello": "2.10-3", "sl": None}}, "services": {{}}, "values": {{}}}},
}}
chunk = {{"result": True, "changes": {{}}, "comment": "", "name": "approval", "__run_num__": 0,
         "approval": evidence | {{"mac": _core.mac(key, evidence)}}}}
judged = {{"id": "web1", "jid": "20261122154734375006", "fun": "state.apply", "retcode": 0, "success": True,
          "return": {{"approval_|-approval_|-approval_|-converged": chunk}}}}
expected = {{"minion": "web1", "revision": 3, "digest": evidence["digest"], "evidence_key": key.hex(),
            "packages": {{"hello": "2.10-3", "sl": None}}}}
packed, text = msgpack.packb(judged), json.dumps(judged)
directory = tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
spool = _core.Spool(directory.name, 2**22)
arguments = [True, 1, 2**40, 0.5, "e", b"f", ["g", None], [b"h"], None, None]


def fails(function, *args, **options):
    try:
        function(*args, **options)
    except (_core.Error, TypeError):
        return
    raise AssertionError("it succeeded")


def through_the_spool():
    seq = spool.put([("load", 1.0, "1", frame), ("return", 1.0, "1", load)])
    assert len(spool.read()) == len(spool.find("1")) == 2 and spool.has("1")
    assert len(spool.find(None, "return", after=("1", seq), count=1)) == 1
    spool.set_aside(seq, "why", 2.0)
    assert spool.info()["aside"] == len(spool.read(aside=True)) == 1
    spool.remove([seq + 1, spool.retry(seq)])


def through_returns():
    first, second, wrong = _core.Returns([load] * 5), _core.Returns([load]), _core.Returns([b"no msgpack"])
    first.record(conninfo, second)
    second.record(conninfo, wrong)


entry = {{
    "document": lambda: _core.document(conninfo, "web1"),
    "document_fails": lambda: fails(_core.document, away, "web1"),
    "document_damaged": lambda: _core.document(conninfo, "odd"),
    "document_snapshot": lambda: _core.document(away, "web1", snapshot=path),
    "snapshot_read": lambda: _core.snapshot_read(path, "web1"),
    "snapshot_read_fails": lambda: fails(_core.snapshot_read, path + "-none", "web1"),
    "snapshot_info": lambda: _core.snapshot_info(path),
    "snapshot_verify": lambda: _core.snapshot_verify(path),
    "snapshot_refresh": lambda: _core.snapshot_refresh(conninfo, path),
    "snapshot_refresh_rebuild": lambda: _core.snapshot_refresh(conninfo, path, rebuild=True),
    "documents": lambda: _core.documents(conninfo, ["web1", "web2"]),
    "documents_fails": lambda: fails(_core.documents, away, ["web1", "web2"]),
    "documents_refused": lambda: fails(_core.documents, conninfo, ["web1", 2]),
    "document_refused": lambda: fails(_core.document, "pasword=x", "web1"),
    "call": lambda: _core.call(conninfo, "test_echo", arguments),
    "call_fails": lambda: fails(_core.call, conninfo, "test_raise", ["AP001", "no"]),
    "call_refused": lambda: fails(_core.call, conninfo, "test_echo", [["a", "b"], ["c", 1]]),
    "record_return": lambda: _core.record_return(conninfo, load),
    "record_return_fails": lambda: fails(_core.record_return, conninfo, b"no msgpack"),
    "check_return": lambda: _core.check_return(packed),
    "check_return_fails": lambda: fails(_core.check_return, b"no msgpack"),
    "record_returns": lambda: _core.record_returns(conninfo, [load] * 5),
    "record_returns_fails": lambda: fails(_core.record_returns, conninfo, [load, b"no msgpack"]),
    "record_returns_refused": lambda: fails(_core.record_returns, conninfo, [load, "text"]),
    "Returns": through_returns,
    "Returns_fails": lambda: fails(_core.Returns([load, b"no msgpack"]).record, conninfo),
    "Returns_refused": lambda: fails(_core.Returns, [load, "text"]),
    "compress": lambda: _core.compress(b"x" * 1000),
    "decompress": lambda: _core.decompress(frame),
    "decompress_fails": lambda: fails(_core.decompress, frame[:-1]),
    "digest": lambda: _core.digest("web1", 3, items),
    "digest_fails": lambda: fails(_core.digest, "web1", 3, [*items, ("a", 1, "b", "c")]),
    "mac": lambda: _core.mac(key, evidence),
    "mac_fails": lambda: fails(_core.mac, key, evidence | {{"observed": object()}}),
    "validate": lambda: _core.validate(judged, expected),
    "validate_damaged": lambda: _core.validate([judged, object()], expected),
    "validate_fails": lambda: fails(_core.validate, judged, expected | {{"packages": 1}}),
    "validate_msgpack": lambda: _core.validate_msgpack(packed, expected),
    "validate_msgpack_damaged": lambda: _core.validate_msgpack(packed[:-1], expected),
    "validate_msgpack_fails": lambda: fails(_core.validate_msgpack, packed, expected | {{"revision": "3"}}),
    "validate_json": lambda: _core.validate_json(text, expected),
    "validate_json_damaged": lambda: _core.validate_json(text[:-1], expected),
    "validate_json_fails": lambda: fails(_core.validate_json, text, expected | {{"digest": 3}}),
    "Spool": through_the_spool,
    "Spool_fails": lambda: fails(spool.put, [("load", 1.0, "1", frame), ("load", 1.0, "1", 1)]),
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
# How many calls of each are over in a second or two.
CALLS = {
    "document": 15_000,
    "document_fails": 15_000,
    "document_damaged": 5_000,
    "document_refused": 50_000,
    "document_snapshot": 15_000,
    "documents": 7_500,
    "documents_fails": 15_000,
    "documents_refused": 50_000,
    "snapshot_read": 50_000,
    "snapshot_read_fails": 33_334,
    "snapshot_info": 33_334,
    "snapshot_verify": 33_334,
    "snapshot_refresh": 1_000,
    "snapshot_refresh_rebuild": 150,
    "call": 10_000,
    "call_fails": 10_000,
    "call_refused": 50_000,
    "record_return": 3_000,
    "record_return_fails": 50_000,
    "check_return": 30_000,
    "check_return_fails": 50_000,
    "record_returns": 1_000,
    "record_returns_fails": 50_000,
    "record_returns_refused": 50_000,
    "Returns": 500,
    "Returns_fails": 50_000,
    "Returns_refused": 50_000,
    "compress": 33_334,
    "decompress": 33_334,
    "decompress_fails": 33_334,
    "digest": 50_000,
    "digest_fails": 50_000,
    "mac": 33_334,
    "mac_fails": 50_000,
    "validate": 20_000,
    "validate_damaged": 50_000,
    "validate_fails": 50_000,
    "validate_msgpack": 20_000,
    "validate_msgpack_damaged": 50_000,
    "validate_msgpack_fails": 50_000,
    "validate_json": 20_000,
    "validate_json_damaged": 50_000,
    "validate_json_fails": 50_000,
    "Spool": 5_000,
    "Spool_fails": 50_000,
}
MANY = 33_334  # three times that is a hundred thousand
REBUILDS = 1_000  # what takes the disk longest, and is a way of calling something that is called so often otherwise


def test_every_entry_point_is_called():
    names = {name for name, value in vars(_core).items() if callable(value) and not name.startswith("_")}
    exceptions = {name for name in names if isinstance(vars(_core)[name], type) and name not in ("Returns", "Spool")}
    assert {re.sub("_(fails|refused|damaged|snapshot|rebuild)$", "", entry) for entry in CALLS} == names - exceptions


@pytest.mark.parametrize("entry", CALLS)
def test_nothing_grows(conninfo, insert_document, entry):
    if entry == "document_damaged":
        texts = ["1e3", "18446744073709551616", "NaN", "{", "[" * 9999, '{"a": [1, {"b": 2}]}', '{"a":[1,{"b":2}]}']
        insert_document("odd", [("value", f"v{number}", "json", text) for number, text in enumerate(texts)])
    # The return of a job long ago is set aside, which takes the server longer.
    jid = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d%H%M%S%f")
    load = {"id": "web1", "jid": jid, "fun": "test.ping", "return": True, "retcode": 0}
    program = PROGRAM.format(load=msgpack.packb(load))
    calls = CALLS[entry]
    if os.environ.get("APPROVAL_FAULTS") == "full":
        calls = max(calls, REBUILDS if entry.endswith("_rebuild") else MANY)
    command = [sys.executable, "-P", "-c", program, conninfo, entry, str(calls)]
    # LMDB takes a list of two megabytes for each writing transaction, whose pages must not stay with the heap.
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"}
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert result.returncode == 0, result.stdout + result.stderr
