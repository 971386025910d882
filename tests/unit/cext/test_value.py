"""Reading Python objects: whatever a load holds, validate() answers and never raises."""

import collections
import datetime
import gc
import math
import sys

import pytest

from saltext.approval import _core

EXPECTED = {"packages": {"hello": "2.10-3"}}
KEY = "pkg_|-hello_|-hello_|-installed"
CHUNK = {"name": "hello", "changes": {"hello": {"old": "", "new": "2.10-3"}}, "result": True, "comment": ""}


def load(returned, **more):
    """A return of state.apply."""
    return {"id": "m1", "fun": "state.apply", "return": returned, **more}


def verdict(returned, **more):
    return _core.validate(load(returned, **more), EXPECTED)["verdict"]


class Strange:
    """An object whose every operator fails."""

    def __getattr__(self, name):
        raise RuntimeError(name)

    def __eq__(self, other):
        raise RuntimeError("eq")

    def __hash__(self):
        return hash("return")


class Text(str):
    """A str with operators of its own."""

    def __eq__(self, other):
        raise RuntimeError("eq")

    __hash__ = str.__hash__


ODD = [
    None,
    True,
    0,
    -1,
    2**200,
    1.5,
    math.nan,
    math.inf,
    "",
    "text",
    "nul\0",
    "\ud800",
    b"\x00\xff",
    bytearray(b"x"),
    [],
    (),
    {},
    {1: 2, None: 3, (1,): 4, "\udcff": 5},
    {1, 2},
    object(),
    Strange(),
    datetime.datetime(2026, 1, 1),
    collections.OrderedDict(a=1),
]


@pytest.mark.parametrize("value", ODD, ids=lambda value: type(value).__name__)
def test_odd_values_anywhere(value):
    """In the place of each part of a return; the rest stays as it was."""
    assert _core.validate(value, EXPECTED)["verdict"] in {"invalid", "not-applied"}
    for part in load({}):
        _core.validate({**load({KEY: CHUNK}), part: value}, EXPECTED)
    for part in CHUNK:
        _core.validate(load({KEY: {**CHUNK, part: value}}), EXPECTED)
    for part in ("old", "new"):
        changes = {"hello": {**CHUNK["changes"]["hello"], part: value}}
        _core.validate(load({KEY: {**CHUNK, "changes": changes}}), EXPECTED)
    _core.validate(load({KEY: {**CHUNK, "changes": {"hello": value}}}), EXPECTED)
    _core.validate(load({KEY: value}), EXPECTED)
    _core.validate(load({"approval_|-a_|-a_|-converged": {**CHUNK, "approval": value}}), EXPECTED)
    _core.validate(load({KEY: CHUNK}, fun_args=[value, {"__kwarg__": True, "pkgs": value}]), EXPECTED)


def test_odd_keys_are_passed_over():
    assert verdict({Strange(): CHUNK, 3: CHUNK, "\ud800": CHUNK, b"x": CHUNK, KEY: CHUNK}) == "converged"
    assert verdict({KEY: {Strange(): 1, **CHUNK}}) == "converged"


def test_subclasses_of_the_plain_types():
    chunk = collections.OrderedDict((Text(key), value) for key, value in CHUNK.items())
    assert verdict(collections.OrderedDict({Text(KEY): chunk})) == "converged"


def test_nested_deeply():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    assert verdict({KEY: CHUNK, "x": deep}) == "converged"
    maps = {}
    for _ in range(10_000):
        maps = {"data": maps, "retcode": 0}
    assert _core.validate(maps, EXPECTED)["verdict"] == "invalid"


def test_cyclic():
    cycle = {"outputter": "x"}
    cycle["data"] = cycle
    assert _core.validate(cycle, EXPECTED)["verdict"] == "invalid"
    cycle = {"Function": "x"}
    cycle["Result"] = {"m1": {"return": cycle}}
    _core.validate(cycle, EXPECTED)
    changes = {}
    changes["installed"] = changes["removed"] = changes
    _core.validate(load({KEY: {**CHUNK, "changes": changes}}), EXPECTED)


def test_large():
    many = {f"pkg_|-p{n}_|-p{n}_|-installed": {**CHUNK, "name": f"p{n}"} for n in range(20_000)}
    result = _core.validate(load(many), {"packages": {f"p{n}": "1" for n in range(20_000)}})
    assert len(result["findings"]) == 20_000
    assert result["unapproved"] == ["hello"]
    assert verdict({KEY: {**CHUNK, "comment": "x" * 10_000_000}}) == "converged"


def test_large_integers():
    assert verdict({KEY: {**CHUNK, "__run_num__": 2**100}}) == "converged"
    assert verdict({KEY: CHUNK}, retcode=2**100) == "converged"


def test_nothing_is_kept():
    """No reference to a load or to what was expected stays, nor is one given away."""
    returned, expected = load({KEY: CHUNK}), {"packages": {"he" + str(len("llo")): "2.10" + "-3"}}
    name = next(iter(expected["packages"]))

    def counts():
        gc.collect()
        return [sys.getrefcount(item) for item in (returned, expected, name, CHUNK)]

    before = counts()
    for _ in range(100):
        _core.validate(returned, expected)
    assert counts() == before
