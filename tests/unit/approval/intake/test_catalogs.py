"""Answers of minions about their packages: those that are read, and what is wrong with the others."""

import base64
import zlib

import pytest

from saltext.approval.errors import InputError
from saltext.approval.intake import catalogs

ANSWER = {"format": 1, "system": "Debian", "release": "Debian 12 amd64", "complete": True, "sources": "a" * 64}


def packed(data):
    return {**ANSWER, "content": "b" * 64, "packages": base64.b64encode(zlib.compress(data)).decode()}


def test_one_that_tells_all():
    answer = {**packed(b"hello 2.10-3\nvim 2:9.0"), "revision": 3, "mac": "c" * 64, "more": "ignored"}
    assert catalogs.report(answer) == {
        "system": "Debian",
        "release": "Debian 12 amd64",
        "complete": True,
        "sources": "a" * 64,
        "content": "b" * 64,
        "revision": 3,
        "mac": "c" * 64,
    }
    assert catalogs.packages(answer) == (["hello", "vim"], ["2.10-3", "2:9.0"])
    assert catalogs.packages(packed(b"")) == ([], [])


def test_one_that_tells_its_sources_alone():
    assert catalogs.report(ANSWER)["content"] is None
    assert catalogs.packages(ANSWER) == (None, None)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("'approval.catalog' is not available.", "no mapping"),
        ({**ANSWER, "format": 2}, "another version"),
        ({**ANSWER, "sources": 7}, "no sources"),
        ({name: ANSWER[name] for name in ANSWER if name != "complete"}, "no complete"),
        ({**ANSWER, "release": "x" * 256}, "the release in its answer is longer"),
        ({**ANSWER, "system": "De\x1bbian"}, "the system in its answer .* odd"),
        ({**ANSWER, "content": "\0"}, "the content in its answer .* odd"),
        ({**ANSWER, "revision": True, "mac": "ß"}, "the mac in its answer .* odd"),
    ],
)
def test_one_that_is_none(answer, problem):
    with pytest.raises(InputError, match=problem):
        catalogs.report(answer)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({**ANSWER, "error": "E: no\x1b[31m lists"}, r"its package manager says: E: no \[31m lists"),
        ({**ANSWER, "packages": 7}, "no text"),
        ({**ANSWER, "packages": "x" * (16 * 1024 * 1024 + 1)}, "too much of it"),
        ({**ANSWER, "packages": "%%%"}, "cannot be unpacked"),
        ({**ANSWER, "packages": base64.b64encode(b"no zlib").decode()}, "cannot be unpacked"),
        ({**ANSWER, "packages": packed(b"hello 1\n" * 1000)["packages"][:24]}, "cut off"),
        (packed(b"x" * (64 * 1024 * 1024 + 1)), "more than 64 MB"),
        (packed("hellö 1".encode()), "of characters that none has"),
        (packed(b"hello"), "one name and one version"),
        (packed(b"hello 1 2"), "one name and one version"),
        (packed(b"hello 1\n"), "one name and one version"),
    ],
)
def test_packages_that_are_not_taken(answer, problem):
    with pytest.raises(InputError, match=problem):
        catalogs.packages(answer)
