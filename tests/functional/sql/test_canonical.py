"""Values as they are stored, and as Salt's msgpack brings them to a minion: the same text, or refused."""

import json
import math

import hypothesis.strategies as st
import psycopg
import pytest
import salt.payload
from hypothesis import example, given, settings

STORED = "SELECT approval.item_content('value', 'v', %s)"
TEXT = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"))
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), FLOATS, TEXT)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=20)


def written(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@pytest.fixture(scope="module")
def stored(new_database):
    """A function that gives what the database stores of a text, or None where it refuses it."""
    with new_database("canonical") as database, database.connect() as connection:

        def store(text):
            try:
                return connection.execute(STORED, (text,)).fetchone()[0]
            except psycopg.DatabaseError as exc:
                if exc.sqlstate == "AP005":
                    return None
                raise

        yield store


@settings(max_examples=500, deadline=None)
@given(FLOATS)
@example(1e23)
@example(9007199254740993.0)
@example(5e-324)
@example(math.nextafter(math.inf, 0))
@example(-0.0)
@example(2.0**-1074 * 3)
@example(2.0**70)
def test_a_number_is_stored_as_python_writes_it(stored, number):
    assert stored(json.dumps(number)) == json.dumps(number)


@settings(max_examples=500, deadline=None)
@given(st.from_regex(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", fullmatch=True))
@example("9223372036854775808")
@example("18446744073709551616")
@example("0e400")
@example("1e23")
@example("99999999999999990e5")
def test_a_number_in_any_spelling_reaches_the_minion_or_is_refused(stored, spelled):
    text = stored(spelled)
    if text is not None:
        arrived = salt.payload.loads(salt.payload.dumps({"v": json.loads(text)}))["v"]
        assert written(arrived) == text == written(json.loads(spelled))


@settings(max_examples=200, deadline=None)
@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_a_value_in_any_spelling_reaches_the_minion(stored, value, ascii_only, indent):
    text = stored(json.dumps(value, ensure_ascii=ascii_only, indent=indent))
    arrived = salt.payload.loads(salt.payload.dumps({"v": json.loads(text)}))["v"]
    assert written(arrived) == text == written(value)
