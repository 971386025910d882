"""Why minions failed, by what they returned, of whatever kind that is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saltext.approval.chat.failures import reasons

values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.binary()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.one_of(st.text(), st.integers()), inner)),
)


def state(result, comment="", number=0):
    return {"result": result, "comment": comment, "changes": {}, "__run_num__": number}


def test_states_that_failed_in_their_order():
    returned = {
        "pkg_|-vim_|-vim_|-installed": state(False, "no candidate", 2),
        "file_|-motd_|-/etc/motd_|-managed": state(False, ["no source", "none at all"], 1),
        "service_|-ssh_|-ssh_|-running": state(True, "fine", 0),
        "test_|-x_|-x_|-nop": state(None, "would change", 3),
    }
    assert reasons(returned) == ["file.managed motd: no source none at all", "pkg.installed vim: no candidate"]


@pytest.mark.parametrize(
    ("returned", "found"),
    [
        (True, []),
        (False, []),
        (None, []),
        ("'web.apply' is not available.", ["'web.apply' is not available."]),
        ("", []),
        (["Rendering SLS 'base:web' failed", 7], ["Rendering SLS 'base:web' failed"]),
        ({"retcode": 1}, []),
        ({"odd": state(False, None)}, ["odd: "]),
        ({"cmd_|-a_|-x_|-y_|-run": state(False, "bad")}, ["cmd.run a: bad"]),
    ],
)
def test_returns_of_all_kinds(returned, found):
    assert reasons(returned) == found


def test_there_are_not_too_many():
    returned = {f"pkg_|-{n}_|-{n}_|-installed": state(False, "no", n) for n in range(500)}
    assert len(reasons(returned)) == 20


@given(values)
def test_no_return_is_too_odd(returned):
    assert all(isinstance(one, str) for one in reasons(returned))
