"""What evidence of an action proves."""

import json

import pytest

from saltext.approval.engine import action_proof

ACTION = {"item_id": 17, "proof": "return", "function": "cache.flush", "kwarg": {}, "returns": None}


def load(outcome, starts=None, before=None):
    observed = {"actions": {"17": outcome if isinstance(outcome, str) else json.dumps(outcome)}, "starts": starts or {}}
    return {"return": {"chunk": {"approval": {"observed": observed, "before": {"starts": before or {}}}}}}


def outcome(**changes):
    return {"fun": "cache.flush", "retcode": 0, "success": True, "return": True, **changes}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (load(outcome(success=False)), "failed with retcode 0"),
        (load(outcome(retcode=2)), "failed with retcode 2"),
        (load(outcome(success=1)), "failed"),
        (load(outcome(fun="test.ping")), "the minion ran test.ping in place of cache.flush"),
        (load("no JSON"), "does not tell"),
        (load("[]"), "does not tell"),
        (load('{"fun": "cache.flush"}'), "does not tell"),
        ({"return": {"chunk": {"approval": {"observed": {"actions": {"18": "{}"}}}}}}, "does not tell"),
        ({"return": {"chunk": {"approval": {"observed": []}}}}, "does not tell"),
        ({"return": ["an error"]}, "does not tell"),
        ({"return": {"chunk": True}}, "does not tell"),
        ({"return": {**load(outcome())["return"], "other": {"approval": {}}}}, "does not tell"),
        ({}, "does not tell"),
    ],
)
def test_no_success(given, reason):
    success, _, text = action_proof.judged(ACTION, given)
    assert not success
    assert reason in text


def test_success():
    success, observed, text = action_proof.judged(ACTION, load(outcome()))
    assert (success, json.loads(observed), text) == (True, outcome(), "cache.flush succeeded")


def test_the_schema_of_what_is_returned():
    action = {**ACTION, "returns": {"type": "object", "properties": {"freed": {"type": "integer"}}}}
    assert action_proof.judged(action, load(outcome(**{"return": {"freed": 1}})))[0]
    success, _, text = action_proof.judged(action, load(outcome(**{"return": {"freed": "much"}})))
    assert (success, text) == (
        False,
        "cache.flush did not return what it should: freed: 'much' is not of type 'integer'",
    )
    assert "too long" in action_proof.judged(action, load(outcome(digest="sha256:00")))[2]
    action["returns"] = {"$ref": "https://example.com/schema"}
    assert "which is nowhere" in action_proof.judged(action, load(outcome()))[2]


@pytest.mark.parametrize(
    ("before", "after", "success"),
    [
        ("b 17", "b 18", True),
        ("b 17", "c 1", True),
        (None, "b 1", True),
        ("b 17", "b 17", False),
        ("b 17", "b 9", False),
        ("b 17", None, False),
        ("b x", "b 18", False),
    ],
)
def test_a_restart_is_proven_by_a_later_start(before, after, success):
    action = {**ACTION, "proof": "restart", "kwarg": {"name": "nginx"}}
    given = load(outcome(), {"nginx": after}, {"nginx": before})
    assert action_proof.judged(action, given)[0] is success


def test_a_service_of_which_the_minion_says_nothing():
    action = {**ACTION, "proof": "restart", "kwarg": {"name": "nginx"}}
    assert "does not tell when nginx was started" in action_proof.judged(action, load(outcome()))[2]


def test_long_outcomes_are_kept_short():
    _, observed, reason = action_proof.judged(ACTION, load(outcome(fun="x" * 5000)))
    assert (len(observed), len(reason)) == (action_proof.MAX_TEXT, action_proof.MAX_TEXT)


def test_words_of_a_minion_become_text_that_the_database_can_hold():
    _, _, reason = action_proof.judged(ACTION, load(outcome(fun="a\0b\ud800")))
    assert reason == "the minion ran a\ufffdb? in place of cache.flush"
