"""What approval.planned says of a request that nobody has approved yet, and that it does nothing."""

import hashlib
import json
import struct

import pytest


def package(name, version):
    kind = {None: "absent", "latest": "latest"}.get(version, "version")
    return {"kind": "package", "name": name, "type": kind, "value": version}


def service(name, state):
    return {"kind": "service", "name": name, "type": "state", "value": state}


@pytest.fixture
def plan(machine, approve, apply, tmp_path):
    """A function that plans items beside approved packages, and makes sure that nothing else happens."""

    def run(items, approved=(), os_family="Debian", document=None, **options):
        before = json.dumps([machine.installed, machine.services])
        document = approve(approved) if document is None else document
        ret = apply(document, os_family, state="planned", items=items, **options)
        assert json.dumps([machine.installed, machine.services]) == before
        assert machine.transactions == []
        assert machine.counted["refresh"] == 0
        assert not (tmp_path / "approval_before.json").exists()
        assert "approval" not in ret, "a plan is no evidence"
        return ret

    return run


@pytest.mark.parametrize("test", [True, False])
def test_nothing_is_changed_whatever_test_says(machine, plan, test):
    machine.offer("new", needs=["dependency"])
    machine.offer("dependency", "up")
    machine.have(up="1.0", gone="1.0")
    machine.services["cron"] = "dead"
    items = [package("new", "1.0"), package("up", "latest"), package("gone", None), service("cron", "running")]
    ret = plan(items, test=test)
    assert ret["result"] is None
    assert ret["changes"] == {
        "new": {"old": "", "new": "1.0"},
        "dependency": {"old": "", "new": "2.0"},
        "gone": {"old": "1.0", "new": ""},
        "cron (service)": {"old": "dead", "new": "running"},
    }
    assert ret["comment"].splitlines() == [
        "Service cron would be running.",
        "Package dependency would be installed at 2.0.",
        "Package gone would be removed.",
        "Package new would be installed at 1.0.",
    ]


def test_what_is_so_already(machine, plan):
    machine.have(hello="1.0")
    ret = plan([package("hello", "1.0"), package("sl", None)])
    assert (ret["result"], ret["changes"]) == (True, {})
    assert ret["comment"] == "All that is asked for is so already."


def test_what_cannot_be_done(machine, plan):
    machine.offer("good", "bad")
    ret = plan([package("good", "1.0"), package("bad", "9.9"), service("nosuch", "running")])
    assert ret["result"] is False
    assert set(ret["changes"]) == {"good", "nosuch (service)"}
    assert "Package bad is not at 9.9" in ret["comment"]
    assert "Service nosuch is not running: Unit nosuch not found." in ret["comment"]
    assert "Package good would be installed at 1.0." in ret["comment"]


def test_beside_what_is_approved(machine, plan):
    """Items that are approved but not applied yet belong to another plan; items that are applied must stay."""
    machine.offer("base", "due")
    machine.offer("app", needs=["base"])
    machine.have(base="1.0", app="1.0")
    ret = plan([package("base", None)], approved={"app": "1.0", "due": "1.0"})
    assert ret["result"] is False
    assert ret["changes"] == {}
    assert ret["comment"] == "Package base is not absent: it would also remove app, which is approved."


def test_instead_of_what_is_approved(machine, plan):
    machine.offer("hello")
    machine.have(hello="1.0")
    ret = plan([package("hello", "2.0")], approved={"hello": "1.0"})
    assert ret["changes"] == {"hello": {"old": "1.0", "new": "2.0"}}


def test_on_a_minion_without_approvals(machine, plan, approve):
    machine.offer("hello")
    fields = b"".join(struct.pack(">I", len(text)) + text.encode() for text in ("apv1", "web1", "0"))
    digest = "sha256:" + hashlib.sha256(fields).hexdigest()
    ret = plan(
        [package("hello", "1.0")], document={**approve({}), "revision": 0, "evidence_key": None, "digest": digest}
    )
    assert ret["changes"] == {"hello": {"old": "", "new": "1.0"}}


def test_values_and_actions(plan):
    items = [
        {"kind": "value", "name": "motd", "type": "json", "value": '"hello"'},
        {"kind": "action", "name": "system.reboot", "type": "json", "value": "{}"},
    ]
    ret = plan(items)
    assert (ret["result"], ret["changes"]) == (None, {})
    assert ret["comment"].splitlines() == [
        "Value motd would be in the pillar.",
        "Action system.reboot would be run.",
    ]


@pytest.mark.parametrize(
    ("items", "why"),
    [
        (None, "have to be a list"),
        (["hello"], "have to be a list"),
        ([{"kind": "file", "name": "a", "type": "version", "value": "1"}], "have to be a list"),
        ([package("hel*", "1.0")], "is not a name"),
        ([package("--purge", "1.0")], "is not a name"),
        ([package("hello", 2.1)], "is not text"),
        ([{"kind": "package", "name": "a", "type": "version", "value": None}], "is not text"),
        ([service("cron", "enabled")], "neither running nor dead"),
    ],
)
def test_items_that_are_none(plan, items, why):
    ret = plan(items)
    assert (ret["result"], ret["changes"]) == (False, {})
    assert ret["comment"].startswith("Nothing was planned: ")
    assert why in ret["comment"]


def test_options(plan, apply):
    assert "removal has to be" in plan([package("hello", "1.0")], removal="destroy")["comment"]
    ret = plan([package("hello", "1.0")], document={"revision": 1})
    assert "the approved state is refused" in ret["comment"]
