"""Functions of actions that Salt does not have."""

import importlib.util

import pytest

from saltext.approval.policy import functions


@pytest.mark.parametrize(
    "name",
    [
        "test.ping",
        "system.reboot",
        "file.touch",
        "state.apply",
        "pkg.list_pkgs",
        "service.restart",
        "cmd.run",
        "approval.observe",
    ],
)
def test_a_function_that_there_is_needs_no_word(name):
    assert functions.warnings({"type t": name}) == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("file.tuch", "type t: no execution module of this Salt has file.tuch; did you mean file.touch?"),
        ("sytem.reboot", "type t: no execution module of this Salt has sytem.reboot; did you mean system.reboot?"),
        (
            "shop.restock",
            "type t: no execution module of this Salt has shop.restock (modules of one's own are not seen here)",
        ),
        ("reboot", "type t: reboot is no function of an execution module: such as test.ping"),
        (
            "win_thing.do",
            "type t: whether there is win_thing.do was not checked: this Salt has no module win_thing, "
            "as other platforms may",
        ),
    ],
)
def test_one_that_there_is_not_is_told(name, said):
    assert functions.warnings({"type t": name}) == [said]


def test_without_salt_it_says_that_it_did_not_look(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert functions.warnings({"type t": "file.tuch"}) == [
        "whether the functions of actions exist was not checked: there is no Salt here"
    ]
    assert functions.warnings({}) == []
