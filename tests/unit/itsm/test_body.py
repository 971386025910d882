"""JSON that is read strictly: what two readers could take for two things is refused."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saltext.approval.errors import InputError
from saltext.approval.itsm import body

DEEP = 20_000


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'{"a": "\xff"}', "not UTF-8 at byte 7"),
        ("{}".encode("utf-16"), "not UTF-8"),
        (b"{", "not JSON"),
        (b"{} {}", "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b'{"a": 1,}', "not JSON"),
        (b'{"a": 1, "a": 1}', "a key twice"),
        (b'{"a": {"b": 1, "b": 2}}', "a key twice"),
        (rb'{"a": 1, "\u0061": 2}', "a key twice"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": 1e999}', "number that is too long"),
        (b'{"a": ' + b"9" * 5000 + b"}", "number that is too long"),
        (rb'{"a": "\ud800"}', "lone surrogate"),
        (rb'{"\udfff": 1}', "lone surrogate"),
        (rb'{"a": "x\u0000"}', "NUL"),
        (b'{"a": "x\x00"}', "not JSON"),
        (b"[" * DEEP + b"]" * DEEP, "nested deeper"),
        (b'{"a":' * DEEP + b"1" + b"}" * DEEP, "nested deeper"),
        (b"[" * DEEP, "the body is n"),  # nested too deep, or not JSON: whatever a Python finds first
        (b"[]", "no JSON object"),
        (b'"text"', "no JSON object"),
        (b"null", "no JSON object"),
        (b'{"a": "' + b"x" * body.MOST_BYTES + b'"}', "more than"),
    ],
)
def test_refused(content, says):
    with pytest.raises(InputError) as refused:
        body.read(content)
    assert says in str(refused.value)
    assert len(str(refused.value)) < 200


def test_depth_that_is_just_taken():
    def nested(depth):
        return b'{"a":' * depth + b"1" + b"}" * depth

    body.read(nested(body.MOST_DEPTH))
    with pytest.raises(InputError, match="nested deeper"):
        body.read(nested(body.MOST_DEPTH + 1))


def test_size_that_is_just_taken():
    content = b'{"a": "' + b"x" * (body.MOST_BYTES - 9) + b'"}'
    assert len(content) == body.MOST_BYTES
    assert len(body.read(content)["a"]) == body.MOST_BYTES - 9


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text('ab"\\\u00e9\u2028\U0001f600'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from("xyz"), JSON))
def test_what_is_proper_is_read_as_it_is(content):
    for is_ascii in (True, False):
        assert body.read(json.dumps(content, ensure_ascii=is_ascii).encode()) == content


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(content):
    with contextlib.suppress(InputError):
        body.value(content)
