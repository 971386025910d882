"""A run is a test run for the validator exactly where it is one for Salt."""

import itertools

import pytest
import salt.minion
import salt.modules.state

from saltext.approval import _core

WORDS = [
    "true",
    "True",
    "TRUE",
    "tRue",
    "false",
    "False",
    "FALSE",
    "fAlse",
    "yes",
    "Yes",
    "YES",
    "no",
    "No",
    "NO",
    "nO",
]
WORDS += ["on", "On", "ON", "off", "Off", "OFF", "oFF", "y", "n", "null", "Null", "NULL", "nULL", "~", "None", "none"]
WORDS += [
    "0",
    "1",
    "-1",
    "0.5",
    "0.0",
    "-0.5",
    "00",
    "0x10",
    "1e3",
    "nan",
    "inf",
    "",
    " ",
    "  no",
    "no  ",
    " no # x",
    "no#x",
]
WORDS += [
    "#",
    "# no",
    "~ # x",
    "null # x",
    "yes # x",
    "'no'",
    '"no"',
    "'true'",
    '"1"',
    "'0'",
    "'",
    "no\t",
    "\tno",
    "no\r",
]
WORDS += ["[]", "[no]", "{}", "{a: 1}", "---", "...", "!", "|", "x", "no x", "falsey", "0_0", "1_0", "NOno", "nOne"]
KEYS = ["test", "Test", "TEST", "tesT"]
VALUES = [*WORDS, None, True, False, 0, 1, -1, 2**40, 0.5, [], ["x"], {}, {"a": 1}]


def is_read(key, value):
    return key == "test" or value not in UNREAD


# Numbers and lists that nobody gives for a yes, and that are not read where `test` is written in other letters. That
# they ask for a test run shows in the chunks.
UNREAD = ("0.5", 0.5, "0x10", "1_0", "[no]", "{a: 1}")

ARGUMENTS = [
    *([f"{key}={word}"] for key, word in itertools.product(KEYS, WORDS) if is_read(key, word)),
    *([{"__kwarg__": True, key: value}] for key, value in itertools.product(KEYS, VALUES) if is_read(key, value)),
    ["test=no", {"__kwarg__": True, "test": True}],
    [{"__kwarg__": True, "test": True}, "test=no"],
    [{"__kwarg__": True, "test": False}, "test=yes"],
    ["test=~", "Test=1"],
    ["test=no", "Test=1"],
    ["TEST=0", "Test=1"],
    ["Test=1", "TEST=0"],
    ['Test="1"', "Test=no"],
    ["Test=no", "Test=1"],
    ["Test=1", {"__kwarg__": True, "Test": False}],
    [{"__kwarg__": True, "Test": True}, "Test=0"],
    [{"__kwarg__": True, "Test": True, "TEST": False}],
    ["attest=True"],
    ["test==True"],
    ["test"],
    ["a=test=True"],
]


@pytest.fixture
def is_test_run(monkeypatch):
    """A function that gives whether Salt makes a test run of a state.apply with these arguments."""
    monkeypatch.setattr(salt.modules.state, "__salt__", {"config.get": lambda *_, **__: None}, raising=False)
    monkeypatch.setattr(salt.modules.state, "__opts__", {}, raising=False)

    def ask(arguments):
        _, kwargs = salt.minion.load_args_and_kwargs(salt.modules.state.apply_, list(arguments))
        return bool(salt.modules.state._get_test_value(**kwargs))

    return ask


def judge(fun, arguments):
    chunk = {
        "name": "a", "changes": {"a": {"old": "", "new": "1"}}, "result": True, "comment": "", "__sls__": "s",
        "__run_num__": 0, "__id__": "a",
    }  # fmt: skip
    load = {
        "id": "m1", "jid": "20261122154734375006", "fun": fun, "fun_args": arguments, "retcode": 0, "success": True,
        "return": {"pkg_|-a_|-a_|-installed": chunk},
    }  # fmt: skip
    return _core.validate(load, {"minion": "m1", "packages": {"a": "1"}})["verdict"]


def test_state_runs_with_test_in_their_arguments(is_test_run):
    wrong = [
        arguments
        for arguments in ARGUMENTS
        if judge("state.apply", arguments) != ("not-applied" if is_test_run(arguments) else "converged")
    ]
    assert wrong == []


@pytest.mark.parametrize("fun", ["state.low", "state.template", "state.template_str", "state.run_request"])
def test_functions_that_know_no_test_run(fun):
    assert judge(fun, [{"__kwarg__": True, "test": True}]) == "converged"


@pytest.mark.parametrize("named", ["test=False", {"__kwarg__": True, "test": False}])
@pytest.mark.parametrize("first", [True, False])
def test_what_is_asked_for_by_place_is_not_taken_back_by_name(named, first):
    asked = ["s", True]
    assert judge("state.sls", [named, *asked] if first else [*asked, named]) == "not-applied"
