"""The description of the REST API: it is one, it names what there is, and it is read strictly."""

import pathlib
import re

import pytest
from openapi_spec_validator import validate

from saltext.approval.client.api import ROUTES
from saltext.approval.errors import InputError
from saltext.approval.portal import description, rest

MODEL = pathlib.Path(__file__).parents[3] / "docs/model.md"
OPERATIONS = {one.name: one for one in description.operations()}
ASKED = {"request_type": "package", "minions": ["web1"], "reason": "x"}


def test_it_is_one():
    validate(description.document())


def test_it_names_what_the_service_does():
    assert set(OPERATIONS) == set(rest.OPERATIONS)
    paged = {one.name for one in OPERATIONS.values() if "cursor" in one.parameters["query"]}
    assert paged == set(rest.PLACES)
    # Where the interface of all clients has it, it is the same there.
    for one in OPERATIONS.values():
        assert ROUTES.get(one.name, (one.method, one.path)) == (one.method, one.path)


def test_each_call_that_does_something_has_a_key():
    for one in OPERATIONS.values():
        # Of a look nothing may be kept, and it changes nothing but the audit.
        does_something = one.method == "POST" and one.name != "values"
        assert does_something == ("Idempotency-Key" in one.parameters["header"]), one.name
        assert does_something == (one.scopes[-1] != "read"), one.name


def test_each_refusal_of_the_database_has_a_status():
    codes = re.findall(r"^\| (AP\d{3}) \|", MODEL.read_text(encoding="utf-8"), re.MULTILINE)
    assert codes == list(description.document()["x-problems"])


def test_objects_that_are_sent_have_no_other_fields():
    schemas = description.document()["components"]["schemas"]
    for name in ("Asking", "Deciding", "Commenting", "Looking", "Reverting"):
        assert schemas[name]["additionalProperties"] is False


def test_a_query_is_read():
    jobs, items = OPERATIONS["jobs"], OPERATIONS["items"]
    assert jobs.in_query({"request_id": ["7"], "user": ["7"]}) == {"limit": 50, "request_id": 7, "user": "7"}
    assert items.in_query({"outcomes": ["failed", "drift"], "limit": ["1"]}) == {
        "limit": 1, "outcomes": ["failed", "drift"],
    }  # fmt: skip
    assert OPERATIONS["list"].in_query({"mine": ["true"]})["mine"] is True
    assert items.in_path({"request_id": "7"}) == {"request_id": 7}


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("jobs", {"other": ["1"]}),
        ("jobs", {"user": ["a", "b"]}),
        ("jobs", {"limit": ["1.0"]}),
        ("list", {"mine": ["yes"]}),
    ],
)
def test_a_query_that_is_none(name, query):
    with pytest.raises(InputError):
        OPERATIONS[name].in_query(query)


@pytest.mark.parametrize("number", ["0", "07", "-1", "1.0", "x", "9223372036854775808"])
def test_a_number_in_an_address_that_is_none(number):
    with pytest.raises(InputError):
        OPERATIONS["show"].in_path({"request_id": number})


@pytest.mark.parametrize(
    "wrong",
    [
        {"minions": []},
        {"minions": "web1"},
        {"minions": [1]},
        {"dry_run": 1},
        {"requester": "bob"},
        {"packages": {"a": None}},
    ],
)
def test_a_body_that_is_none(wrong):
    OPERATIONS["request"].in_body(ASKED)
    with pytest.raises(InputError, match=r"^the body: "):
        OPERATIONS["request"].in_body({**ASKED, **wrong})


def test_no_number_is_another():
    """5.0 is an integer for JSON Schema, and none for the database."""
    with pytest.raises(InputError):
        OPERATIONS["approve"].in_body({"stage": 5.0})
