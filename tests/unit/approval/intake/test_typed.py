"""What was typed for values: as it was meant, or refused with what to type."""

import json

import pytest
import yaml

from saltext.approval.errors import InputError
from saltext.approval.intake import fields, typed


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("{}", {}),
        (
            '{"a": [1, -2, 2.5, 1e+16, true, false, null, "x"], "b": {"": 0}}',
            {"a": [1, -2, 2.5, 1e16, True, False, None, "x"], "b": {"": 0}},
        ),
        ("{a: text, b: [1, true, null], c: {d: 'no'}}", {"a": "text", "b": [1, True, None], "c": {"d": "no"}}),
        ("{release: '1.10', at: \"22:30\", mode: !!str 0644}", {"release": "1.10", "at": "22:30", "mode": "0644"}),
        (
            "{n: 300, t: 10.5.1, u: 08, f: 2.5, v: 1_000a}",
            {"n": 300, "t": "10.5.1", "u": "08", "f": 2.5, "v": "1_000a"},
        ),
        (' {"n": 18446744073709551615}', {"n": 2**64 - 1}),
        ("{no quotes here: a b}", {"no quotes here": "a b"}),
        ("{empty: '', y: \"yes\"}", {"empty": "", "y": "yes"}),
        ("a: |\n  no\n", {"a": "no\n"}),
    ],
)
def test_what_is_certain_is_taken(text, content):
    assert typed.read("values", text) == content


@pytest.mark.parametrize(
    "trap",
    [
        "{a: 1.10}", "{a: 22:30}", "{a: 0644}", "{a: NO}", "{a: no}", "{a: 12:34:56}", "{a: 1_000}",
        "{a: 0x1F}", "{a: 0b11}", "{a: .inf}", "{a: .nan}", "{a: 2026-01-02}", "{a: 2026-01-02 10:00:00}",
        "{a: ~}", "{a: }", "{a}", "{a: Yes}", "{a: True}", "{a: on}", "{a: Null}", "{a: [1, {b: 1.10}]}",
        '{"a": 1.10}', '{"a": 1e3}', '{"a": 1.0e0}', '{"a": 1e999}', '{"a": 1, "a": 2}', "{a: 1, a: 2}",
        "{a: &x 1, b: *x}", "{a: !!int '7'}", "{a: !!binary aGk=}", "{a: !foo x}", "{a: +5}",
        "{a: 190:20:30.15}", "{a: -0}", '{"a": NaN}', "{<<: {a: 1}}", "{no: 1}", "{1: 1}", "{a: =}", "{a: 1.}",
        "{a: 0o17, b: 017}", "{", "{a: [}", "",
    ],
)  # fmt: skip
def test_what_is_not_certain_is_refused_in_one_sentence(trap):
    with pytest.raises(InputError) as raised:
        assert typed.read("values", trap) == "refused"
    assert str(raised.value).startswith("values")
    assert "\n" not in str(raised.value)


def test_how_it_is_to_be_typed_is_said():
    with pytest.raises(
        InputError, match=r'values: a: b\[1\]: YAML reads the unquoted 1\.10 as a number: write "1\.10" if'
    ):
        typed.read("values", "{a: {b: [0, 1.10]}}")
    with pytest.raises(InputError, match=r'the number 1\.10 would become 1\.1: write 1\.1, or "1\.10" if it is text'):
        fields.json_argument("release=1.10")
    assert fields.json_argument("release=1.1") == ("release", 1.1)


@pytest.mark.parametrize(
    ("words", "value", "content"),
    [
        (["value", "values={a: 7}"], {"a": 7}, {"a": 7}),
        (["values={a: 8}", "values={a: 9}"], {"a": 9}, {"a": 9}),
        (["values='{\"a\": 7}'"], '{"a": 7}', {"a": 7}),
        ([], {"a": ["x", {"b": "1.10"}]}, {"a": ["x", {"b": "1.10"}]}),
        ([], None, None),
    ],
)
def test_words_of_the_command_line_count_where_they_are_known(words, value, content):
    opts = {"fun": "approval.request", "arg": words}
    assert typed.given(opts, "approval.request", "values", value) == content


@pytest.mark.parametrize("value", [7, 1.1, True, None])
@pytest.mark.parametrize(
    "opts", [{}, {"fun": "state.orch", "arg": ["values={a: 7}"]}, {"fun": "approval.request", "arg": ["x"]}]
)
def test_elsewhere_only_text_is_certain(opts, value):
    for content in ({"a": value}, {"a": [value]}, {"a": {"b": value}}):
        with pytest.raises(InputError, match="give values as JSON text"):
            typed.given(opts, "approval.request", "values", content)


@pytest.mark.parametrize("value", [2**64, -(2**63) - 1, [2**200], {"a": {"b": 2**64}}])
def test_numbers_that_salt_cannot_carry(value):
    with pytest.raises(InputError, match="that Salt cannot carry"):
        fields.json_text("v", value)
    fields.json_text("v", [2**64 - 1, -(2**63)])


def test_what_is_nested_without_end_is_refused():
    for text in ("[" * 100_000, "{a: " * 100_000):
        with pytest.raises(InputError, match=r"nested too deep|neither JSON nor YAML"):
            typed.read("values", text)


def test_yaml_that_pyyaml_reads_alike_is_read_alike():
    for text in ("{a: [b, 'c', \"d\\n\"], e: {f: g h}}", "{a: http://x/y, b: 'it''s'}"):
        assert typed.read("values", text) == yaml.safe_load(text)
        assert typed.read("values", json.dumps(yaml.safe_load(text))) == yaml.safe_load(text)
