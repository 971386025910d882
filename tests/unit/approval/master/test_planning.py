"""What is made of a minion's answer to a plan, whatever it is."""

import json

import pytest

from saltext.approval.master import planning

KEY = "approval_|-plan_|-plan_|-planned"
CHANGE = {"hello": {"old": "", "new": "2.10-3"}}


def returned(**chunk):
    return {"ret": {KEY: {"result": None, "changes": {}, "comment": "", **chunk}}, "retcode": 0, "jid": "1"}


@pytest.mark.parametrize(
    ("result", "outcome"),
    [(None, "changes"), (True, "nothing"), (False, "impossible")],
)
def test_answers(result, outcome):
    answer = planning.read(returned(result=result, changes=CHANGE, comment="as foretold"))
    assert answer == {"outcome": outcome, "changes": CHANGE, "comment": "as foretold"}


@pytest.mark.parametrize(
    "answer",
    [
        None,
        False,
        "Minion did not return",
        {},
        {"ret": "State 'approval.planned' was not found in SLS"},
        {"ret": ['The function "state.highstate" is running as PID 7']},
        {"ret": {"pkg_|-a_|-a_|-installed": {"result": True, "changes": CHANGE}}},
        {"ret": {KEY: ["no"]}},
        returned(result="yes"),
        returned(result={}),
    ],
)
def test_what_is_no_answer(answer):
    read = planning.read(answer)
    assert (read["outcome"], read["changes"]) == ("silent", {})
    assert read["comment"]


def test_answers_of_odd_shape_are_cut_to_what_the_database_takes():
    changes = {f"p{number}": {"old": None, "new": "x" * 1000, "other": 1} for number in range(5000)}
    answer = planning.read(
        returned(changes={"nul\0\ud800": {"new": 7}, "text": "no", **changes}, comment="\0é" * 20000)
    )
    assert len(answer["comment"].encode()) <= 65536
    assert answer["changes"]["nul??"] == {"old": "", "new": "7"}
    assert "text" not in answer["changes"]
    assert len(json.dumps(answer["changes"])) < 1 << 20
    assert planning.read(returned(changes=["no"]))["changes"] == {}
