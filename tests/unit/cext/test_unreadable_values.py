"""Values that a minion could not read as they were approved: they reach it as texts, beside the others."""

import json

import msgpack
import pytest

from saltext.approval import _core

READABLE = [
    "null",
    "-9223372036854775808",
    "18446744073709551615",
    "1e+20",
    "1e-07",
    "-0.0",
    "0.1",
    '{"a":[1,2.5,null,true],"b":{"ü":"\U0001f600"}}',
    '"\\u0000\\n\\"\\\\ \x7f"',
    "[" * 400 + "]" * 400,
    "[]",
    '""',
]
UNREADABLE = [
    "18446744073709551616",
    "-9223372036854775809",
    '{"a":[{"b":85070591730234615865843651857942052864}]}',
    '{"a": 1}',
    '{"b":1,"a":2}',
    '{"a":1,"a":1}',
    "[1,2 ]",
    " 1",
    "1e3",
    "1.10",
    "1E-7",
    "-0",
    "1e400",
    "-1e400",
    "NaN",
    "Infinity",
    '"\\u00fc"',
    '"\\ud800"',
    '"\\ud83d\\ude00"',
    '"\\/"',
    '{"\\u0061":1}',
    "9" * 5000,
    "0." + "1" * 40,
    "[" * 401 + "]" * 401,
    "[" * 100000 + "]" * 100000,
    "not JSON",
    "",
]


@pytest.mark.parametrize("reading", ["document", "documents", "snapshot"])
def test_values_that_a_minion_could_not_read(core_database, insert_document, tmp_path, reading):
    name = f"values-{reading}"
    texts = dict(enumerate([*READABLE, *UNREADABLE]))
    items = [("value", f"v{number}", "json", text) for number, text in texts.items()]
    insert_document(name, [("package", "hello", "version", "1.0"), *items])
    conninfo = core_database.dsn()
    if reading == "document":
        found = _core.document(conninfo, name)
    elif reading == "documents":
        found = _core.documents(conninfo, [name])[name]
    else:
        path = str(tmp_path / "snapshot")
        _core.snapshot_refresh(conninfo, path)
        found = _core.document(conninfo, name, snapshot=path, snapshot_first=60.0)
        assert found["source"] == "snapshot"
    assert found["packages"] == {"hello": "1.0"}
    given = {f"v{number}": text for number, text in texts.items()}
    assert found["unreadable"] == {"values": {key: text for key, text in given.items() if text in UNREADABLE}}
    assert list(found["values"]) == [key for key, text in given.items() if text in READABLE]
    carried = msgpack.unpackb(msgpack.packb(found), raw=False, strict_map_key=False)
    assert carried == found
    for key, value in carried["values"].items():
        assert json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False) == given[key]


def test_a_document_that_a_minion_can_read_has_nothing_unreadable(core_database, insert_document):
    insert_document("readable", [("value", "v", "json", "1")])
    assert "unreadable" not in _core.document(core_database.dsn(), "readable")
