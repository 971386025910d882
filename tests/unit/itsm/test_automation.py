"""Bodies of the rules that call the five routes of saltconf21: what they ask for, and the errors that rules know."""

import datetime
import json

import pytest

from saltext.approval.errors import InputError
from saltext.approval.itsm import automation, sites

INSTALL = {
    "itsm_id": "SC21-101",
    "minion_ids": ["web1", "web2"],
    "package_name": "hello",
    "package_version": "2.10-3",
    "after": "2026-11-25T22:00:00.0+0000",
}
WITHOUT = object()


@pytest.fixture(scope="module")
def read(described):
    """A function that reads a body, a mapping or bytes, by a route."""
    site = sites.load(described)["sc21"]

    def run(route, body):
        return automation.read(route, body if isinstance(body, bytes) else json.dumps(body).encode(), site)

    return run


def body(**changes):
    return {name: value for name, value in {**INSTALL, **changes}.items() if value is not WITHOUT}


def test_install(read):
    rule = read("install", body())
    assert rule.key == "SC21-101"
    assert rule.ask.type == "package"
    assert rule.ask.minions == ("web1", "web2")
    assert rule.ask.items == (("package", "hello", "2.10-3"),)
    assert rule.ask.after == datetime.datetime(2026, 11, 25, 22, tzinfo=datetime.timezone.utc)


@pytest.mark.parametrize(("version", "content"), [("Remove", "absent"), ("remove", "absent"), ("LATEST", "latest")])
def test_words_for_versions(read, version, content):
    assert read("install", body(package_version=version)).ask.items == (("package", "hello", content),)


def test_remove_has_no_version(read):
    assert read("remove", body(package_version=WITHOUT)).ask.items == (("package", "hello", "absent"),)


def test_reboot(read):
    ask = read("reboot", body(package_name=WITHOUT, package_version=WITHOUT, after=WITHOUT)).ask
    assert (ask.type, ask.items, ask.after) == ("reboot", (("action", "system.reboot", "{}"),), None)


def test_revert_takes_the_ticket_alone(read):
    rule = read("revert", {"itsm_id": "SC21-101"})
    assert (rule.key, rule.ask.type, rule.ask.items) == ("SC21-101", "revert", None)


@pytest.mark.parametrize("content", [b"", b"no JSON", b'{"a": 1}'])
def test_the_body_of_a_sync_is_not_looked_at(read, content):
    assert read("sync", content) == automation.Rule("sync")


@pytest.mark.parametrize("after", ["", WITHOUT])
def test_no_time_means_at_once(read, after):
    assert read("install", body(after=after)).ask.after is None


@pytest.mark.parametrize(
    ("changes", "minions"),
    [
        ({"minion_ids": "web1"}, ("web1",)),
        ({"minion_ids": ["web1", "web1"]}, ("web1",)),
        ({"minion_ids": WITHOUT, "minion_id": "web1"}, ("web1",)),
        ({"minion_ids": WITHOUT, "minion_id": ["web2", "web1"]}, ("web2", "web1")),
        ({"minion_ids": ["web1"], "minion_id": "*"}, ("web1",)),
    ],
)
def test_forms_of_minions(read, changes, minions):
    assert read("install", body(**changes)).ask.minions == minions


NO_JSON, INVALID = "Expected a valid JSON request body.", "Invalid parameters."
NO_TICKET, NO_MINIONS = "Expected ITSM ID in field 'itsm_id'.", "Expected list of minion IDs in field 'minion_ids'."
NO_NAME, NO_VERSION = (
    "Expected package name in field 'package_name'.",
    "Expected package version in field 'package_version'.",
)
NO_TIME = "Expected ISO-formatted datetime in field 'after'."


@pytest.mark.parametrize(
    ("content", "error"),
    [
        *((content, NO_JSON) for content in (b"", b"null", b"{", b"\xef\xbb\xbf{}", b"\xff", b"[" * 20_000)),
        (b'{"a": NaN}', NO_JSON),
        (b'{"itsm_id": "SC21-1", "itsm_id": "SC21-2"}', NO_JSON),
        *((content, INVALID) for content in (b"[]", b'"text"', b"5", b"true")),
        *(
            (body(itsm_id=value), NO_TICKET)
            for value in (
                *(WITHOUT, None, "", 5, True, ["SC21-1"], {"key": "SC21-1"}, "S" * 64, "sc21-1", "SC21-", "SC21-0"),
                *("SC21-1 ", "SC21-1\n", "SC21", "OTHER-1", "{{issue.key}}", "*", "SC21-1,SC21-2", "SC21-\uff11"),
                "SC21-" + "1" * 64,
            )
        ),
        *((body(minion_ids=value), INVALID) for value in (None,)),
        *((body(minion_ids=WITHOUT, minion_id=value), INVALID) for value in (None,)),
        *(
            (body(minion_ids=value), NO_MINIONS)
            for value in (
                *(WITHOUT, "", [], [None], [1], 5, True, {}, {"web1": 1}, [["web1"]], [""], "web1,web2", "*", ["web*"]),
                *(["web1", "WEB1"], ["web1 "], "{{issue.Minions}}", ["web1\x01"], [{"value": "web1"}]),
            )
        ),
        *(
            (body(package_name=value), NO_NAME)
            for value in (WITHOUT, None, "", 5, True, ["hello"], {}, "hello world", "*", "a" * 129, "-y", "{{x}}")
        ),
        *(
            (body(package_version=value), NO_VERSION)
            for value in (WITHOUT, None, "", 2.1, 2, True, ["2.10-3"], {}, "none", "{{x}}", "*", "8:6.9:1", "2.10-3\n")
        ),
        *(
            (body(after=value), NO_TIME)
            for value in (None, 0, False, 1795360811, {}, [], " ", "now", "2026-11-25", "2026-11-25T22:00:00", "{{x}}")
        ),
    ],
)  # fmt: skip
def test_errors_that_rules_know(read, content, error):
    with pytest.raises(automation.AutomationError) as refused:
        read("install", content)
    assert refused.value.error == error


@pytest.mark.parametrize("route", ["remove", "reboot", "revert"])
def test_all_routes_want_a_ticket(read, route):
    with pytest.raises(automation.AutomationError) as refused:
        read(route, body(itsm_id=None))
    assert refused.value.error == NO_TICKET


def test_an_unknown_route(read):
    with pytest.raises(InputError, match="no route 'purge'"):
        read("purge", body())
