"""What types take, and what their schemas refuse."""

import pytest

from saltext.approval.errors import InputError
from saltext.approval.intake import items


def of_type(kind, given, **definition):
    return items.of_type({"name": "t", "kind": kind, **definition}, given)


def test_each_kind():
    assert of_type("package", {"packages": {"a": "1", "b": "absent"}}) == [
        ("package", "a", "1"),
        ("package", "b", "absent"),
    ]
    assert of_type("service", {"services": {"cron": "dead"}, "packages": None}) == [("service", "cron", "dead")]
    assert of_type("value", {"values": {"a": {"c": 1, "b": 2}}}) == [("value", "a", '{"b":2,"c":1}')]
    assert of_type("action", {}, action={"function": "test.ping"}) == [("action", "test.ping", "{}")]
    assert of_type("any", {"packages": {"a": "1"}}) == []


def test_an_action_without_a_schema_takes_nothing():
    with pytest.raises(InputError, match="requests of type t take no parameters"):
        of_type("action", {"parameters": {"a": 1}}, action={"function": "test.ping"})


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({"properties": {"packages": {"maxProperties": 1}}}, "packages: "),
        (
            {"properties": {"packages": {"additionalProperties": {"pattern": "^2"}}}},
            r"packages.b: '1' does not match",
        ),
        ({"properties": {"packages": {"propertyNames": {"enum": ["a"]}}}}, "packages: 'b' is not one of"),
        (
            {"properties": {"packages": {"properties": {"b": {"$ref": "#/$defs/x"}}}}},
            "defs/x', which is nowhere",
        ),
        (
            {"properties": {"packages": {"$ref": "http://example.com/x"}}},
            "'http://example.com/x', which is nowhere",
        ),
        (False, "False schema does not allow"),
    ],
)
def test_what_the_schema_refuses_is_named_by_its_path(schema, problem):
    with pytest.raises(InputError, match=problem) as raised:
        of_type("package", {"packages": {"a": "2", "b": "1"}}, parameters=schema)
    assert "type t" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 300


def test_what_the_schema_takes():
    schema = {"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"at": {"type": "integer"}}}
    action = {"function": "system.reboot"}
    assert of_type("action", {"parameters": {"at": 5}}, action=action, parameters=schema) == [
        ("action", "system.reboot", '{"at":5}')
    ]
