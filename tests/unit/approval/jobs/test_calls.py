"""The calls of a job by which alarms are judged."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from saltext.approval.jobs import calls


def named(**arguments):
    return {"__kwarg__": True, **arguments}


@pytest.mark.parametrize(
    ("fun", "arg", "told"),
    [
        ("test.ping", [], ["test.ping"]),
        ("pkg.install", ["vim"], ["pkg.install"]),
        ("pkg.install", ["vim", named(test=True)], ["pkg.install"]),
        ("state.apply", [], ["state.apply"]),
        ("state.apply", ["approval"], ["state.apply approval"]),
        ("state.apply", ["approval,nginx"], ["state.apply approval,nginx"]),
        ("state.apply", [["approval", "nginx"]], ["state.apply approval,nginx"]),
        ("state.apply", [named(mods="nginx")], ["state.apply nginx"]),
        ("state.apply", ["nginx", named(test=True)], []),
        ("state.apply", ["nginx", named(test=False)], ["state.apply nginx"]),
        ("state.apply", ["nginx", {"test": True}], ["state.apply nginx"]),
        ("state.highstate", [named(test=True)], []),
        ("state.single", ["pkg.installed", named(name="vim")], ["state.single pkg.installed"]),
        ("state.single", [named(fun="approval.performed")], ["state.single approval.performed"]),
        (["test.ping", "state.apply"], [[], ["nginx"]], ["test.ping", "state.apply nginx"]),
        (["state.apply", "state.apply"], [["a", named(test=True)], ["b"]], ["state.apply b"]),
        (["state.apply", "pkg.remove"], [], ["state.apply", "pkg.remove"]),
        ("state.apply", "hidden", ["state.apply"]),
        (None, None, []),
        ("", [], []),
    ],
)
def test_a_job(fun, arg, told):
    assert calls.changing({"fun": fun, "arg": arg}) == told


def test_they_are_bounded():
    assert len(calls.changing({"fun": ["pkg.install"] * 1000, "arg": [[]] * 1000})) == calls.MOST
    assert len(calls.changing({"fun": "state.apply", "arg": ["x" * 10_000]})[0]) == 255


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.just("__kwarg__"), inner, max_size=3),
    max_leaves=10,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(["fun", "arg"]), JUNK | st.just("state.apply")))
def test_no_junk_stops_it(load):
    assert all(isinstance(call, str) for call in calls.changing(load))
