"""Digest and mac, against vectors that an independent reference wrote."""

import json
import pathlib

import pytest

from saltext.approval import _core

VECTORS = pathlib.Path(__file__).resolve().parents[2] / "vectors"
KEY = "00112233445566778899aabbccddeeff" * 2
EVIDENCE = {
    "format": 2,
    "minion": "web1",
    "revision": 1,
    "digest": "sha256:d",
    "run_id": "r",
    "boot_id": "b",
    "observed": {"packages": {"hello": "2.10-3"}},
    "before": {},
}


def vectors(name):
    """The cases of a file of vectors, each under its name."""
    return [pytest.param(case, id=case["name"]) for case in json.loads((VECTORS / name).read_text("utf-8"))]


@pytest.mark.parametrize("case", vectors("digest.json"))
def test_digest_vectors(case):
    assert _core.digest(case["minion"], case["revision"], case["items"]) == case["digest"]


@pytest.mark.parametrize("case", vectors("evidence.json"))
def test_mac_vectors(case):
    assert _core.mac(case["key"], case["evidence"]) == case["mac"]
    assert _core.mac(bytes.fromhex(case["key"]), case["evidence"]) == case["mac"]


def test_digest_takes_any_iterable():
    items = [("package", "a", "version", "1"), ("package", "b", "absent", None)]
    expected = _core.digest("web1", 1, items)
    assert _core.digest("web1", 1, iter(reversed(items))) == expected
    assert _core.digest("web1", 1, tuple(map(list, items))) == expected


@pytest.mark.parametrize(
    "items",
    [
        [("package", "a", "version")],
        [("package", "a", "version", 1)],
        [("package", None, "version", "1")],
        [("package", "a", "version", "1"), ("package", "a", "absent", None)],
        [("package", "\ud800", "version", "1")],
    ],
)
def test_digest_refuses_items(items):
    with pytest.raises(_core.DataError):
        _core.digest("web1", 1, items)


@pytest.mark.parametrize("arguments", [(1, 1, []), ("m", "1", []), ("m", 1, None), ("m", 1, [1]), ("m", 1)])
def test_digest_refuses_types(arguments):
    with pytest.raises(TypeError):
        _core.digest(*arguments)


def test_mac_covers_every_field():
    mac = _core.mac(KEY, EVIDENCE)
    changes = {
        "minion": "web2",
        "revision": 2,
        "digest": "sha256:e",
        "run_id": "s",
        "boot_id": "c",
        "observed": {"packages": {"hello": None}},
        "before": {"packages": {"hello": None}},
        "meets": {"packages": {"hello": None}},
        "errors": {"packages": {"hello": None}},
        "notes": {"packages": {"hello": None}},
        "format": 1,
    }
    others = {_core.mac(KEY, {**EVIDENCE, field: value}) for field, value in changes.items()}
    assert len(others) == len(changes)
    assert mac not in others
    assert _core.mac(KEY, {**EVIDENCE, "mac": "0", "meets": {}, "notes": {"packages": {}}}) == mac


def test_mac_of_format_1_covers_what_was_seen_alone():
    first = {**EVIDENCE, "format": 1}
    more = {"errors": {"packages": {"hello": "E"}}, "notes": 1, "x": {}}
    assert _core.mac(KEY, {**first, "mac": "0", **more}) == _core.mac(KEY, first)


@pytest.mark.parametrize("key", [b"", b"x" * 31, "00", KEY[:-1] + "g", KEY + "0", None, 3])
def test_mac_refuses_keys(key):
    with pytest.raises(_core.DataError):
        _core.mac(key, EVIDENCE)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 0},
        {"format": 3},
        {"format": True},
        {"meets": None},
        {"errors": []},
        {"errors": {"packages": {"hello": 1}}},
        {"notes": {"packages": []}},
        {"notes": {"packages": {"": "x"}}},
        {"notes": {"package": {"hello": "x"}}},
        {"notes": {1: {}}},
        {"observed": {"packages": {}, "pillar": {}}},
        {"note": {}},
        {1: {}},
        {"format": 1, "errors": []},
        {"minion": ""},
        {"minion": b"web1"},
        {"revision": -1},
        {"revision": "1"},
        {"revision": True},
        {"revision": 2**64},
        {"observed": []},
        {"observed": {"packages": []}},
        {"observed": {"packages": {"hello": 1}}},
        {"observed": {"packages": {"": "1"}}},
        {"observed": {"packages": {1: "1"}}},
        {"before": None},
    ],
)
def test_mac_refuses_evidence(change):
    with pytest.raises(_core.DataError):
        _core.mac(KEY, {**EVIDENCE, **change})
