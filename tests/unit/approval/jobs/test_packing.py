import datetime
import math

import pytest

from saltext.approval.jobs import packing


def test_only_what_describes_the_job_is_kept():
    load = {
        "fun": "test.ping", "arg": [], "jid": "20261122150000000000", "tgt": "*", "tgt_type": "glob",
        "user": "root", "kwargs": {}, "key": "the master's root key", "token": "t", "return": True,
        "eauth": "pam",
    }  # fmt: skip
    assert set(packing.published(load)) == {"fun", "arg", "jid", "tgt", "tgt_type", "user", "kwargs"}


def test_fields_of_a_wrong_type_are_dropped():
    load = {"fun": {}, "arg": 7, "jid": 1, "tgt": None, "tgt_type": [], "user": b"x", "kwargs": []}
    assert packing.published(load) == {}


def test_what_is_packed_comes_back_unchanged():
    data = {
        "text": "Zürich \0 \x1b", "bytes": b"\xff\x00", "big": 2**63, "float": 0.1, "none": None,
        "list": [True, {}],
        "date": datetime.datetime(2026, 11, 22, 15, 0, 0, 5),
    }  # fmt: skip
    assert packing.unpack(packing.pack(data)) == data
    assert math.isnan(packing.unpack(packing.pack(math.nan)))


def test_fields_become_text_that_the_database_can_hold():
    assert packing.as_text("web*") == "web*"
    assert packing.as_text(["a", "b"]) == "a,b"
    assert packing.as_text("a\0b\ud800") == "a\ufffdb?"
    assert packing.as_text(None) == ""
    assert packing.as_text({"a": 1}) == ""


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("web1", "web1"),
        ("password=hunter2", "password=********"),
        ("x" * 95 + " password=hunter2", "x" * 95 + " pass"),
        (None, ""),
        (["a", "b"], "a,b"),
    ],
)
def test_what_a_minion_names_is_logged_without_secrets(given, expected):
    assert packing.named(given) == expected
