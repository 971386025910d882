"""
Plans that the state reads from the tables that the kin of dnf print. dnf 4 and zypper are tried for real in
tests/e2e/test_rpm.py; the texts of the others are written after what people have shown of them in public.
"""

import importlib.util
import pathlib

import pytest

STATE = pathlib.Path(__file__).resolve().parents[3] / "states" / "_states" / "approval.py"
DNF4 = """\
Dependencies resolved.
================================================================================
 Package             Architecture      Version           Repository        Size
================================================================================
Installing:
 new-libs            noarch            5.7-1             local            5.5 k
     replacing  old-libs.noarch 1:5.5-1
Upgrading:
 a-name-that-is-longer-than-its-column
                     x86_64            1:2.0-1           local            5.4 k
     replacing  extra.libs.x86_64 0.9-1
Removing dependent packages:
 nextviewer          noarch            1.0-1             @System             0  

Transaction Summary
================================================================================
Install  1 Package
Remove   1 Package

Operation aborted.
"""  # noqa: W291
YUM = """\
Dependencies Resolved

================================================================================
 Package                   Arch   Version             Repository           Size
================================================================================
Installing:
 community-libs            x86_64 5.7.44-1.el7        community            11 M
     replacing  mariadb-libs.x86_64 1:5.5.68-1.el7
 community-libs-compat-with-more
                           x86_64 5.7.44-1.el7        community           6.0 M
     replacing  mariadb-libs.x86_64 1:5.5.68-1.el7
Updating:
 openssl                   x86_64 1:1.0.2k-26.el7_9   updates             494 k
Installing for dependencies:
 net-tools                 x86_64 2.0-0.25.20131004git.el7
                                                      os                  306 k
Removing for dependencies:
 postfix                   x86_64 2:2.10.1-9.el7      @base                12 M

Transaction Summary
================================================================================
Install  2 Packages (+1 Dependent package)

Is this ok [y/d/N]: Exiting on user command
"""
DNF5 = """\
Updating and loading repositories:
Repositories loaded.
Package                      Arch   Version          Repository      Size
Upgrading:
 efi-filesystem              noarch 5-13.fc41        updates      0.0   B
   replacing efi-filesystem  noarch 5-12.fc41        fedora       0.0   B
Installing:
 new-libs                    x86_64 5.7-1.fc41       updates     40.2 KiB
   replacing old-libs        x86_64 1:5.5-1.fc41     fedora      40.1 KiB
Removing:
 gone                        noarch 1.0-1            <unknown>    0.0   B
Removing unused dependencies:
 fuse                        x86_64 2.9.9-23.fc41    fedora     222.5 KiB

Transaction Summary:
 Installing:         1 package
 Upgrading:          1 package
 Replacing:          2 packages
 Removing:           2 packages

Operation aborted by the user.
"""
TDNF = """\

Installing:
wget                  x86_64       1.21.3-1.ph4      photon-release     2.87M     699.12k
Obsoleting:
old-wget              x86_64       1.0-1.ph4         photon-release     2.87M     699.12k

Total installed size:   2.87M
Is this ok [y/N]: Operation aborted.
"""


@pytest.fixture
def approval():
    """The state module, with the names that Salt's loader would give it."""
    spec = importlib.util.spec_from_file_location("state_approval", STATE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.__grains__ = {"osarch": "x86_64"}
    return module


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (
            DNF4,
            {
                ("new-libs", "noarch", "5.7-1"),
                ("old-libs", "noarch", None),
                ("a-name-that-is-longer-than-its-column", "x86_64", "1:2.0-1"),
                ("extra.libs", "x86_64", None),
                ("nextviewer", "noarch", None),
            },
        ),
        (
            YUM,
            {
                ("community-libs", "x86_64", "5.7.44-1.el7"),
                ("community-libs-compat-with-more", "x86_64", "5.7.44-1.el7"),
                ("mariadb-libs", "x86_64", None),
                ("openssl", "x86_64", "1:1.0.2k-26.el7_9"),
                ("net-tools", "x86_64", "2.0-0.25.20131004git.el7"),
                ("postfix", "x86_64", None),
            },
        ),
        (
            DNF5,
            {
                ("efi-filesystem", "noarch", "5-13.fc41"),
                ("efi-filesystem", "noarch", None),
                ("new-libs", "x86_64", "5.7-1.fc41"),
                ("old-libs", "x86_64", None),
                ("gone", "noarch", None),
                ("fuse", "x86_64", None),
            },
        ),
        (TDNF, {("wget", "x86_64", "1.21.3-1.ph4"), ("old-wget", "x86_64", None)}),
        ("Dependencies resolved.\nNothing to do.\nComplete!\n", set()),
        ("", set()),
    ],
    ids=["dnf 4", "yum", "dnf 5", "tdnf", "nothing", "silence"],
)
def test_rows(approval, text, rows):
    assert {tuple(row) for row in approval._Dnf({}, False, 0).rows(text)} == rows


@pytest.fixture
def manager(approval, monkeypatch):
    """A function that gives the package manager of a minion whose program answers with a text."""

    def build(program, text, installed, packages, retcode=1):
        asked = []

        def run_all(command, **options):
            asked.append(command)
            return {"retcode": retcode, "stdout": "" if "repoquery" in command else text, "stderr": ""}

        listed = {"rpm": ["4.18-1"], **{name: [version] for name, version in installed.items()}}
        approval.__salt__ = {
            "cmd.run_all": run_all,
            "pkg.list_pkgs": lambda **options: listed,
            "pkg.version_cmp": lambda one, other: (one > other) - (one < other),
        }
        monkeypatch.setattr(approval._Dnf, "PROGRAMS", (program,))
        monkeypatch.setattr(approval.salt.utils.path, "which", lambda name: name)
        made = approval._Dnf(packages, False, 0)
        made.read()
        return made, asked

    return build


@pytest.mark.parametrize(
    ("program", "text", "asked", "old"),
    [
        ("dnf", DNF4, {"new-libs": "5.7-1"}, "old-libs"),
        ("dnf5", DNF5, {"new-libs": "5.7"}, "old-libs"),
        ("yum", YUM, {"community-libs": "5.7*"}, "mariadb-libs"),
        ("tdnf", TDNF, {"wget": "latest"}, "old-wget"),
    ],
)
def test_what_replaces_an_approved_package(approval, manager, program, text, asked, old):
    made, _ = manager(program, text, {old: "1:5.5-1"}, {old: "latest", **asked})
    (item,) = [item for item in made.items if item.name in asked]
    with pytest.raises(approval._Blocked, match=f"it would also remove {old}, which is approved"):
        made.check("install", [item])
    made, _ = manager(program, text, {old: "1:5.5-1"}, asked)
    assert made.check("install", made.items)[old] is None
    assert made.remarks == set()


def test_what_replaces_another_version_of_itself_stays(manager):
    made, _ = manager("dnf5", DNF5, {"efi-filesystem": "5-12.fc41"}, {"efi-filesystem": "5-13.fc41", "gone": None})
    assert made.check("install", made.items[:1])["efi-filesystem"] == "5-13.fc41"


@pytest.mark.parametrize(
    ("packages", "why"),
    [
        ({"new-libs": "5.8"}, "would bring it to 5.7-1 instead"),
        ({"new-libs": None}, "would bring it to 5.7-1 instead of removing it"),
        ({"old-libs": "1:5.5-1"}, "would remove it instead"),
        ({"elsewhere": "1.0"}, "the repositories do not have it, or another package replaces it"),
        ({"new-libs.x86_64": "5.7"}, "the repositories do not have it, or another package replaces it"),
    ],
)
def test_what_is_not_what_was_asked_for(approval, manager, packages, why):
    made, _ = manager("dnf", DNF4, {}, packages)
    with pytest.raises(approval._Blocked, match=why):
        made.check("install", made.items)


def test_a_table_that_cannot_be_read_is_said(manager):
    made, _ = manager("dnf", "something new in a dnf to come", {}, {"new-libs": "5.7-1"}, retcode=0)
    assert made.check("install", made.items) == {"new-libs": "5.7-1"}
    assert "does not tell beforehand" in made.remarks.pop()


def test_yum_takes_an_epoch_only_with_the_architecture(manager):
    made, asked = manager("yum", YUM, {"openssl": "1:1.0.1-1"}, {"openssl": "1:1.0.2k-26.el7_9"})
    made.check("install", made.items)
    assert asked[-1] == ["yum", "--assumeno", "install", "openssl-1.0.2k-26.el7_9"]


@pytest.mark.parametrize("year", ["2001", "2999"])
def test_scripts_of_an_earlier_transaction_are_not_told(approval, manager, monkeypatch, year):
    text = f"""\
Transaction ID : 7
Begin time     : Sun Nov 29 15:22:11 {year}
Scriptlet output:
   1 trouble ahead
   2 warning: %post(hello-1.0-1.noarch) scriptlet failed, exit status 3
"""
    made, _ = manager("dnf", text, {}, {"hello": "1.0"}, retcode=0)
    monkeypatch.setattr(approval._PackageManager, "apply", lambda *arguments: None)
    made.apply("install", made.items)
    assert made.noted() == ({"hello": "its script %post failed: exit status 3"} if year == "2999" else {})


def test_an_older_kernel_is_installed_beside_the_newer(manager):
    made, _ = manager("dnf", "", {"kernel": "5.14", "other": "5.14"}, {"kernel": "5.13", "other": "5.13"})
    assert [made.action(item) for item in made.items] == ["install", "downgrade"]


def test_a_minion_without_its_package_manager(approval, monkeypatch):
    def run_all(command, **options):
        raise approval.CommandExecutionError("Unable to run command zypper")

    approval.__salt__ = {"cmd.run_all": run_all, "pkg.list_pkgs": lambda **options: {"rpm": ["4.18-1"]}}
    made = approval._Zypper({"hello.x86_64": "1.0"}, False, 0)
    made.read()
    with pytest.raises(approval._Blocked, match="Unable to run command zypper"):
        made.check("install", made.items)
