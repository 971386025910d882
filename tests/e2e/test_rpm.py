"""approval.converged with real rpm, dnf and zypper, on packages that are built for it.

A minion of its own: Salt's grains say that it is of RedHat's kin, or of SUSE's. Runs of dnf are slow; cases that do not
touch each other share one.
"""

import hashlib
import os
import pathlib
import struct

import pytest
from lab import CACHE, minions_wheels
from minion_root import RpmRoot
from rpm_minion import RpmMinion
from rpm_repository import Package

import saltext.approval.states
from saltext.approval import _core

KEY = "c3" * 32
ALIKE = {"osarch": "x86_64", "kernel": "Linux"}
GRAINS = {
    "RedHat": {**ALIKE, "os_family": "RedHat", "os": "AlmaLinux", "osmajorrelease": 9, "osrelease": "9.4"},
    "Suse": {**ALIKE, "os_family": "Suse", "os": "SLES", "osmajorrelease": 15, "osrelease": "15.5"},
}
PATCH = "uptrack-updates-3.10.0-1160.el7uek.x86_64"
PACKAGES = [
    # names that end as an architecture does
    *(Package(PATCH, evr) for evr in ("1.0-1", "2.0-1")),
    *(Package("module.x86_64", evr) for evr in ("1.0-1", "2.0-1")),
    *(Package("module", evr, "x86_64") for evr in ("1.0-1", "2.0-1")),
    *(Package("tool", evr, "x86_64") for evr in ("1.0-1", "2.0-1")),
    Package("legacy", "1.0-1", "i686"),
    *(Package("both", "1.0-1", arch) for arch in ("x86_64", "i686")),
    Package("driver.i686", "1.0-1"),
    Package("agent.noarch", "1.0-1"),
    # spellings of versions
    *(Package("resolver", evr) for evr in ("32:9.11.4-9.el7", "32:9.11.4-16.el7", "32:9.11.5-1.el7")),
    *(Package("sensu", evr) for evr in ("1:0.22.0-1", "1:0.23.0-1")),
    *(Package("acme", evr) for evr in ("3.0-1", "1:2.0-3", "1:2.1-1")),
    *(Package("hello", evr) for evr in ("1.0-1", "2.0-1")),
    Package("a-name-that-is-so-long-that-no-column-of-any-table-has-room-for-it-in-eighty", "1:1.0-1"),
    # what replaces or excludes others
    Package("old-libs", "1:5.5-1"),
    Package("new-libs", "5.7-1", headers=("Obsoletes: old-libs",)),
    Package("shop", "1.0-1", headers=("Requires: new-libs",)),
    Package("viewer", "2.0-1", headers=("Conflicts: nextviewer",)),
    Package("nextviewer", "1.0-1"),
    # scripts that fail
    Package("bad-post", "1.0-1", script="%post\necho trouble ahead >&2\nexit 3\n"),
    Package("needs-bad-post", "1.0-1", headers=("Requires: bad-post",)),
    Package("bad-pre", "1.0-1", script="%pre\necho no room >&2\nexit 4\n"),
    Package("bad-preun", "1.0-1", script="%preun\nexit 5\n"),
    Package("bad-preun", "2.0-1"),
    Package("bad-postun", "1.0-1", script="%postun\nexit 6\n"),
]


@pytest.fixture(scope="module")
def rpm_minion():
    if "RUN_DIRECTORY" not in os.environ:
        pytest.fail("these tests need root and namespaces of their own: run them with `make test-e2e`")
    directory = pathlib.Path(os.environ["RUN_DIRECTORY"])
    root = RpmRoot(CACHE, minions_wheels())
    root.build(directory / "rpm-root.log")
    with RpmMinion(directory / "rpm-minion", root, saltext.approval.states.__path__[0], PACKAGES) as minion:
        yield minion


@pytest.fixture(params=["RedHat", "Suse"])
def kin(request):
    return request.param


def field(text):
    return b"\xff" * 4 if text is None else struct.pack(">I", len(text.encode())) + text.encode()


def document(packages):
    """The approved state with these packages, as the pillar has it."""
    kinds = {None: "absent", "latest": "latest"}
    parts = ["apv1", "web1", "3"]
    for name, want in sorted(packages.items()):
        parts += ["package", name, kinds.get(want, "version"), want]
    digest = "sha256:" + hashlib.sha256(b"".join(map(field, parts))).hexdigest()
    return {
        "revision": 3,
        "digest": digest,
        "evidence_key": KEY,
        "minion": "web1",
        "packages": packages,
        "services": {},
        "values": {},
    }


@pytest.fixture
def run(rpm_minion, kin):
    """
    A function that installs packages, then runs the plan and the state; gives what both returned. The plan has to
    promise just what the state then does.
    """

    def run(installed, packages):
        rpm_minion.reset()
        if installed:
            rpm_minion.install(*installed)
        before = rpm_minion.installed()
        pillar = {"approval": document(packages)}
        plan = rpm_minion.call(GRAINS[kin], pillar, "approval.converged", test=True)
        assert rpm_minion.installed() == before
        ret = rpm_minion.call(GRAINS[kin], pillar, "approval.converged")
        assert {name: change["new"] for name, change in ret["changes"].items()}.items() <= {
            name: change["new"] for name, change in plan["changes"].items()
        }.items()
        if ret["result"]:
            assert plan["changes"].keys() == ret["changes"].keys()
            again = rpm_minion.call(GRAINS[kin], pillar, "approval.converged", test=True)
            assert (again["result"], again["changes"]) == (True, {})
        return plan, ret

    return run


def verdicts(ret, packages):
    """name -> verdict, as the validator has it."""
    chunk = {**ret, "__sls__": "approval", "__run_num__": 0, "__id__": "approval"}
    load = {
        "cmd": "_return",
        "id": "web1",
        "jid": "20261122150000000000",
        "fun": "state.apply",
        "fun_args": ["approval"],
        "retcode": 0,
        "success": True,
        "return": {"approval_|-approval_|-approval_|-converged": chunk},
    }
    expected = {**document(packages), "evidence_key": bytes.fromhex(KEY)}
    answer = _core.validate(load, expected)
    return {finding["name"]: finding["verdict"] for finding in answer["findings"]}


def observed(ret):
    return ret["approval"]["observed"]["packages"]


def errors(ret):
    return ret["approval"].get("errors", {}).get("packages", {})


def test_names_and_versions_as_people_spell_them(run, rpm_minion):
    packages = {
        PATCH: None,
        "module": "2.0-1",
        "module.x86_64": "latest",
        "tool.x86_64": "1.0",
        "tool": "1.0-1",
        "legacy.i686": "1.0-1",
        "driver.i686": "latest",
        "agent.noarch": "1.0",
        "resolver": "9.11.4",
        "sensu": "0.23*",
        "acme": "2.1-1",
        "hello": "1.0-1",
        "a-name-that-is-so-long-that-no-column-of-any-table-has-room-for-it-in-eighty": "1.0",
    }
    installed = [f"{PATCH}-1.0-1.noarch", "sensu-0.22.0-1.noarch", "acme-3.0-1.noarch", "hello-2.0-1.noarch"]
    plan, ret = run(installed, packages)
    assert ret["result"] is True, ret["comment"]
    assert "Package acme would go from 3.0-1 to 1:2.1-1." in plan["comment"]
    assert observed(ret) == {
        PATCH: None,
        "module": "2.0-1",
        "module.x86_64": "2.0-1",
        "tool.x86_64": "1.0-1",
        "tool": "1.0-1",
        "legacy.i686": "1.0-1",
        "driver.i686": "1.0-1",
        "agent.noarch": "1.0-1",
        "resolver": "32:9.11.4-16.el7",
        "sensu": "1:0.23.0-1",
        "acme": "1:2.1-1",
        "hello": "1.0-1",
        "a-name-that-is-so-long-that-no-column-of-any-table-has-room-for-it-in-eighty": "1:1.0-1",
    }
    before = ret["approval"]["before"]["packages"]
    assert (before[PATCH], before["sensu"], before["acme"]) == ("1.0-1", "1:0.22.0-1", "3.0-1")
    assert set(verdicts(ret, packages).values()) == {"converged"}
    assert "module.x86_64-0:2.0-1.noarch" in rpm_minion.installed()
    assert "module-0:2.0-1.x86_64" in rpm_minion.installed()


def test_another_release_of_what_is_approved_without_one(run):
    packages = {"resolver": "9.11.4"}
    ret = run(["resolver-9.11.4-9.el7.noarch"], packages)[1]
    assert (ret["result"], ret["changes"]) == (True, {})
    assert observed(ret) == {"resolver": "32:9.11.4-9.el7"}
    assert ret["approval"]["before"]["packages"] == {"resolver": "32:9.11.4-9.el7"}
    assert ret["approval"]["meets"] == {"packages": {"resolver": "9.11.4"}}
    assert verdicts(ret, packages) == {"resolver": "converged"}


def test_only_the_named_package_goes(run, rpm_minion):
    """Beside one that has the name without its end, and is of that architecture."""
    packages = {"module.x86_64": None, "module": "1.0-1", "tool.noarch": None}
    installed = ["module-1.0-1.x86_64", "module.x86_64-1.0-1.noarch", "tool-1.0-1.x86_64"]
    ret = run(installed, packages)[1]
    assert ret["result"] is True, ret["comment"]
    assert rpm_minion.installed() == ["module-0:1.0-1.x86_64", "tool-0:1.0-1.x86_64"]
    assert observed(ret) == {"module.x86_64": None, "module": "1.0-1", "tool.noarch": None}
    assert ret["approval"]["before"]["packages"] == {"module.x86_64": "1.0-1", "module": "1.0-1", "tool.noarch": None}


def test_absent_is_absent_however_it_is_there(run, rpm_minion):
    """A name alone means that of a foreign architecture where there is no other; a label of rpm is no name."""
    packages = {"legacy": None, "hello-1.0-1.noarch": None, "tool-1.0-1": None, "tool/x": None}
    ret = run(["legacy-1.0-1.i686", "hello-1.0-1.noarch", "tool-1.0-1.x86_64"], packages)[1]
    assert rpm_minion.installed() == ["hello-0:1.0-1.noarch", "tool-0:1.0-1.x86_64"]
    assert observed(ret) == {"legacy": None, "hello-1.0-1.noarch": "1.0-1", "tool-1.0-1": "1.0-1"}
    assert ret["approval"]["before"]["packages"]["legacy"] == "1.0-1"
    assert "ask for the package to be absent" in errors(ret)["hello-1.0-1.noarch"]
    assert "no package can have this name" in errors(ret)["tool/x"]
    assert {name for name, verdict in verdicts(ret, packages).items() if verdict == "converged"} == {"legacy"}


def test_a_package_of_a_foreign_architecture_alone(run, rpm_minion):
    """A name means it where no other is to be had."""
    ret = run(["legacy-1.0-1.i686"], {"legacy": "1.0"})[1]
    assert (ret["result"], ret["changes"]) == (True, {})
    assert observed(ret) == {"legacy": "1.0-1"}
    ret = run(["legacy-1.0-1.i686"], {"legacy": None, "legacy.i686": "1.0"})[1]
    assert ret["result"] is True, ret["comment"]
    assert observed(ret) == {"legacy": None, "legacy.i686": "1.0-1"}
    assert rpm_minion.installed() == ["legacy-0:1.0-1.i686"]


def test_a_name_means_all_architectures_that_are_there(run, rpm_minion):
    installed = ["both-1.0-1.x86_64", "both-1.0-1.i686"]
    ret = run(installed, {"both": None})[1]
    assert ret["changes"].keys() == {"both", "both.i686"}
    assert rpm_minion.installed() == []
    plan, ret = run(installed, {"both": None, "both.i686": "1.0"})
    assert errors(ret) == {"both": "it would also remove both.i686, which is approved"}
    assert (plan["changes"], ret["changes"]) == ({}, {})
    ret = run(installed, {"both.x86_64": None, "both.i686": "1.0"})[1]
    assert ret["result"] is True, ret["comment"]
    assert rpm_minion.installed() == ["both-0:1.0-1.i686"]


def test_an_old_version_that_stays(rpm_minion, kin):
    """Since its script %preun fails, which nobody can foretell."""
    rpm_minion.reset()
    rpm_minion.install("bad-preun-1.0-1.noarch")
    ret = rpm_minion.call(GRAINS[kin], {"approval": document({"bad-preun": "2.0"})}, "approval.converged")
    assert rpm_minion.installed() == ["bad-preun-0:1.0-1.noarch", "bad-preun-0:2.0-1.noarch"]
    assert observed(ret) == {"bad-preun": "2.0-1"}
    assert "also installed in version 1.0-1" in ret["approval"]["notes"]["packages"]["bad-preun"]


def test_a_database_that_cannot_be_read(rpm_minion, kin):
    rpm_minion.reset()
    rpm_minion.install("hello-1.0-1.noarch")
    database = rpm_minion.directory / "var/lib/rpm"
    kept = database.rename(database.with_name("rpm.away"))
    database.write_text("no directory")
    try:
        ret = rpm_minion.call(GRAINS[kin], {"approval": document({"hello": None})}, "approval.converged")
    finally:
        database.unlink()
        kept.rename(database)
    assert ret["result"] is False
    assert verdicts(ret, {"hello": None}) == {"hello": "failed"}
    assert ret["approval"]["before"] == {}


def test_what_exists_nowhere_is_named(run):
    packages = {"sensu": "2:0.22.0-1", "hello": "3.*", "tool.noarch": "1.0"}
    plan, ret = run(["sensu-0.22.0-1.noarch", "tool-1.0-1.x86_64"], packages)
    for name in packages:
        assert f"Package {name} is not at" in plan["comment"]
    assert (plan["result"], plan["changes"]) == (False, {})
    assert set(errors(ret)) == set(packages)
    assert observed(ret) == {"sensu": "1:0.22.0-1", "hello": None, "tool.noarch": None}


def test_what_would_take_an_approved_package_away_is_refused(run, rpm_minion):
    """Since it replaces that, or needs what does, or conflicts with it."""
    packages = {"old-libs": "latest", "new-libs": "latest", "shop": "latest", "nextviewer": "1.0", "viewer": "2.0"}
    plan, ret = run(["old-libs-5.5-1.noarch", "nextviewer-1.0-1.noarch"], packages)
    assert (plan["result"], plan["changes"]) == (False, {})
    assert set(errors(ret)) == {"new-libs", "shop", "viewer"}
    for name in ("new-libs", "shop"):
        assert errors(ret)[name] == "it would also remove old-libs, which is approved"
        assert f"Package {name} is not installed: {errors(ret)[name]}." in plan["comment"]
    assert rpm_minion.installed() == ["nextviewer-0:1.0-1.noarch", "old-libs-1:5.5-1.noarch"]


def test_what_goes_for_others_is_foretold(run, kin):
    """Of what conflicts dnf takes one away, since Salt lets it; zypper refuses the other."""
    plan, ret = run(["old-libs-5.5-1.noarch", "nextviewer-1.0-1.noarch"], {"shop": "1.0", "viewer": "2.0"})
    assert "Package old-libs would be removed." in plan["comment"]
    assert ret["changes"]["old-libs"] == {"old": "1:5.5-1", "new": ""}
    if kin == "RedHat":
        assert ret["result"] is True
        assert "Package nextviewer would be removed." in plan["comment"]
        assert ret["changes"]["nextviewer"] == {"old": "1.0-1", "new": ""}
    else:
        assert set(errors(ret)) == {"viewer"}
        assert "conflicts with nextviewer" in errors(ret)["viewer"]


def test_scripts_that_fail(run):
    packages = {"needs-bad-post": "1.0", "bad-post": "1.0", "bad-pre": "1.0", "bad-preun": None, "bad-postun": None}
    ret = run(["bad-preun-1.0-1.noarch", "bad-postun-1.0-1.noarch"], packages)[1]
    assert ret["approval"]["notes"]["packages"] == {
        "bad-post": "its script %post failed: exit status 3",
        "bad-postun": "its script %postun failed: exit status 6",
    }
    assert "Package bad-post: its script %post failed: exit status 3." in ret["comment"]
    assert set(errors(ret)) == {"bad-pre", "bad-preun"}
    assert errors(ret)["bad-pre"].startswith("no room; error: %prein(bad-pre-1.0-1.noarch) scriptlet failed")
    assert "%preun" in errors(ret)["bad-preun"] or "PREUN" in errors(ret)["bad-preun"]
    found = verdicts(ret, packages)
    assert (found["bad-post"], found["bad-postun"], found["bad-pre"]) == ("converged", "converged", "failed")


def test_what_is_held(run, rpm_minion, kin):
    """Also what is not installed, and what a hold is in the way of."""
    command = ["dnf", "versionlock", "exclude"] if kin == "RedHat" else ["zypper", "--non-interactive", "addlock"]
    reset = rpm_minion.reset
    rpm_minion.reset = lambda: (reset(), rpm_minion.run(*command, "hello"))
    try:
        ret = run([], {"hello": "1.0", "tool": "1.0"})[1]
    finally:
        rpm_minion.reset = reset
    assert set(errors(ret)) == {"hello"}
    assert rpm_minion.installed() == ["tool-0:1.0-1.x86_64"]
