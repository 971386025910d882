"""What approval.converged does to a machine, and what it says about it."""

import hashlib
import hmac
import json
import struct
import subprocess
import sys

import pytest

KEY = bytes.fromhex("c3" * 32)
TEN = [f"ten{number}" for number in range(10)]


def mac(evidence):
    """The mac that the evidence should have."""
    found = {section: [] for section in ("observed", "before", "meets", "errors", "notes")}
    for section, items in found.items():
        for kind, plural in (("package", "packages"), ("service", "services"), ("value", "values")):
            items += [(kind, *item) for item in sorted(evidence.get(section, {}).get(plural, {}).items())]
    parts = ["apv2-evidence", evidence["minion"], str(evidence["revision"]), evidence["digest"]]
    parts += [evidence["run_id"], evidence["boot_id"]]
    for items in found.values():
        parts += [str(len(items)), *(part for item in items for part in item)]
    message = b"".join(
        b"\xff" * 4 if part is None else struct.pack(">I", len(part.encode())) + part.encode() for part in parts
    )
    return hmac.new(KEY, message, hashlib.sha256).hexdigest()


def observed(ret):
    return ret["approval"]["observed"]["packages"]


def errors(ret):
    return ret["approval"].get("errors", {}).get("packages", {})


@pytest.fixture(params=["Example", "Debian", "Suse"])
def family(request):
    """A platform that foretells nothing, and two that foretell all."""
    return request.param


# ------------------------------------------------------------------------ the ordinary course


def test_install_upgrade_downgrade_remove(machine, approve, apply, family):
    machine.offer("new", "up", "down", "gone")
    machine.have(up="1.0", down="2.0", gone="1.0", other="7")
    document = approve({"new": "1.0", "up": "2.0", "down": "1.0", "gone": None})
    ret = apply(document, family)
    assert ret["result"] is True
    assert ret["changes"] == {
        "new": {"old": "", "new": "1.0"},
        "up": {"old": "1.0", "new": "2.0"},
        "down": {"old": "2.0", "new": "1.0"},
        "gone": {"old": "1.0", "new": ""},
    }
    assert machine.transactions == [
        ("install", "new", "up"),
        ("install", "down"),
        ("remove", "gone"),
    ]
    assert observed(ret) == {"new": "1.0", "up": "2.0", "down": "1.0", "gone": None}
    assert ret["comment"] == "Revision 1 of the approved state is in place: 4 packages."


def test_evidence_is_complete_and_authentic(machine, approve, apply):
    machine.offer("hello")
    machine.services["cron"] = "dead"
    document = approve({"hello": "1.0"}, {"cron": "running"}, {"motd": {"b": 1, "a": None}})
    ret = apply(document)
    evidence = ret["approval"]
    assert evidence["mac"] == mac(evidence)
    assert (evidence["format"], evidence["minion"]) == (2, "web1")
    assert (evidence["revision"], evidence["digest"]) == (1, document["digest"])
    assert len(evidence["run_id"]) == 32
    assert evidence["boot_id"]
    assert evidence["observed"] == {
        "packages": {"hello": "1.0"},
        "services": {"cron": "running"},
        "values": {"motd": '{"a":null,"b":1}'},
    }
    assert evidence["before"] == {"packages": {"hello": None}, "services": {"cron": "dead"}}
    assert "errors" not in evidence
    assert json.loads(json.dumps(evidence)) == evidence
    assert apply(document)["approval"]["run_id"] != evidence["run_id"]


def test_second_run_asks_once_and_does_nothing(machine, approve, apply, family):
    machine.offer("hello")
    document = approve({"hello": "1.0", "sl": None})
    first = apply(document, family)
    machine.counted.clear()
    machine.transactions.clear()
    machine.commands.clear()
    second = apply(document, family)
    assert second["result"] is True
    assert second["changes"] == {}
    assert machine.counted == {"list_pkgs": 1}
    assert machine.transactions == []
    assert machine.commands == (
        [["dpkg-query", "--showformat", machine.commands[0][2], "--show"]] if family == "Debian" else []
    )
    assert second["approval"]["before"] == first["approval"]["before"]
    assert second["approval"]["mac"] == mac(second["approval"])


def test_nothing_approved_touches_no_package_manager(machine, approve, apply):
    ret = apply(approve())
    assert ret["result"] is True
    assert ret["comment"] == "Revision 1 of the approved state is in place: it is empty."
    assert machine.counted == {}


def test_removed_by_hand_comes_back_and_before_stays(machine, approve, apply):
    machine.offer("hello")
    document = approve({"hello": "1.0"})
    apply(document)
    machine.installed.clear()
    ret = apply(document)
    assert observed(ret) == {"hello": "1.0"}
    assert ret["approval"]["before"] == {"packages": {"hello": None}}


def test_latest_is_the_newest_when_absent_and_whatever_is_there_later(machine, approve, apply):
    machine.offer("new", "old")
    machine.have(old="1.0")
    ret = apply(approve({"new": "latest", "old": "latest"}))
    assert ret["result"] is True
    assert observed(ret) == {"new": "2.0", "old": "1.0"}
    assert machine.transactions == [("install", "new")]


def test_names_with_their_architecture(machine, approve, apply):
    machine.offer("hello")
    ret = apply(approve({"hello:amd64": "1.0"}))
    assert machine.installed == {"hello": ["1.0"]}
    assert observed(ret) == {"hello:amd64": "1.0"}


@pytest.mark.parametrize(
    ("one", "other"), [("1.0", "2.0"), ("1.0", None), (None, "latest"), ("1.*", "2.0"), ("1.*", "*.0")]
)
def test_two_names_of_one_package_that_contradict(machine, approve, apply, one, other):
    machine.offer("hello", "other")
    if None in (one, other):
        machine.have(hello="2.0")
    document = approve({"hello:amd64": one, "hello": other, "other": "1.0"})
    plan = apply(document, test=True)
    assert plan["result"] is False
    assert "is the same package, and something else is approved for that" in plan["comment"]
    assert set(plan["changes"]) == {"other"}
    ret = apply(document)
    assert ret["result"] is False
    assert machine.transactions == [("install", "other")]
    assert errors(ret)
    assert set(errors(ret)) <= {"hello", "hello:amd64"}


@pytest.mark.parametrize(
    ("one", "other", "version"),
    [
        ("1.0", "1.0", "1.0"),
        ("1.0", "0:1.0", "1.0"),
        ("1.0", "latest", "1.0"),
        ("latest", "1.*", "1.0"),
        ("1.*", "1.0", "1.0"),
        ("latest", "latest", "2.0"),
    ],
)
def test_two_names_of_one_package_that_agree(machine, approve, apply, one, other, version):
    machine.offer("hello")
    document = approve({"hello:amd64": one, "hello": other})
    ret = apply(document, "Debian")
    assert ret["result"] is True, ret["comment"]
    assert machine.transactions == [("install", "hello")]
    assert observed(ret) == {"hello:amd64": version, "hello": version}
    assert apply(document, "Debian")["changes"] == {}


def test_two_names_of_one_package_that_is_to_go(machine, approve, apply):
    machine.have(hello="1.0")
    ret = apply(approve({"hello:amd64": None, "hello": None}), "Debian")
    assert ret["result"] is True
    assert machine.transactions == [("remove", "hello")]
    assert observed(ret) == {"hello:amd64": None, "hello": None}


def test_two_names_of_one_package_that_cannot_be_installed(machine, approve, apply):
    ret = apply(approve({"hello:amd64": "1.0", "hello": "1.0"}), "Debian")
    assert errors(ret)["hello"] == errors(ret)["hello:amd64"] != ""


def test_version_that_the_platform_calls_the_same(machine, approve, apply):
    machine.have(hello="1:1.0-1", zero="1.0-1")
    # rpm versions may leave the epoch out
    ret = apply(approve({"hello": "1.0-1", "zero": "0:1.0-1"}), "Suse")
    assert ret["result"] is True
    assert observed(ret) == {"hello": "1:1.0-1", "zero": "1.0-1"}
    assert ret["approval"]["meets"] == {"packages": {"hello": "1.0-1", "zero": "0:1.0-1"}}
    assert ret["approval"]["mac"] == mac(ret["approval"])
    # elsewhere another epoch is another version
    ret = apply(approve({"hello": "1.0-1"}))
    assert ret["result"] is False
    assert observed(ret) == {"hello": "1:1.0-1"}


def test_several_versions_installed_at_once(machine, approve, apply):
    machine.installed["kernel"] = ["4.9", "4.10"]
    ret = apply(approve({"kernel": "4.9"}))
    assert ret["result"] is True
    assert observed(ret) == {"kernel": "4.9"}
    assert observed(apply(approve({"kernel": "latest"}))) == {"kernel": "4.10"}


# --------------------------------------------------------------------------- what goes wrong


def test_one_bad_of_ten_where_it_can_be_foretold(machine, approve, apply):
    machine.offer(*TEN)
    ret = apply(approve({**dict.fromkeys(TEN, "1.0"), "ten4": "9.9"}), "Debian")
    assert ret["result"] is False
    assert len(machine.transactions) == 1
    assert errors(ret) == {"ten4": "E: Version '9.9' for 'ten4' was not found"}
    assert observed(ret) == {**dict.fromkeys(TEN, "1.0"), "ten4": None}
    assert ret["comment"] == ("Package ten4 is not at 9.9: E: Version '9.9' for 'ten4' was not found.")
    assert ret["approval"]["mac"] == mac(ret["approval"])


def test_one_bad_of_ten_where_it_cannot(machine, approve, apply):
    machine.offer(*TEN)
    ret = apply(approve({**dict.fromkeys(TEN, "1.0"), "ten4": "9.9"}))
    assert observed(ret) == {**dict.fromkeys(TEN, "1.0"), "ten4": None}
    # halves, and the bad one once more when the others were through
    assert [len(names) for _, *names in machine.transactions] == [10, 5, 2, 3, 1, 2, 1, 1, 5, 1]
    assert list(errors(ret)) == ["ten4"]


def test_one_that_fails_midway_costs_one_more_transaction(machine, approve, apply, family):
    machine.offer(*TEN)
    machine.faulty.add("ten4")
    ret = apply(approve(dict.fromkeys(TEN, "1.0")), family)
    assert observed(ret) == {**dict.fromkeys(TEN, "1.0"), "ten4": None}
    assert [len(names) for _, *names in machine.transactions] == [10, 1]
    assert errors(ret) == {"ten4": "dpkg: error processing package ten4 (--configure)"}


def test_package_manager_that_reports_success_is_not_believed(machine, approve, apply, family):
    machine.have(stuck="1.0", gone="1.0")
    machine.faulty.add("stuck")
    ret = apply(approve({"stuck": None, "gone": None}), family)
    assert ret["result"] is False
    assert observed(ret) == {"stuck": "1.0", "gone": None}
    assert "reported success, but nothing changed" in ret["comment"]


def test_pair_that_needs_each_other_beside_a_bad_one(machine, approve, apply, family):
    machine.available = {
        "app": {"2.0": ("lib=2.0",), "3.0": ("lib=3.0",)},
        "lib": {"2.0": (), "3.0": ()},
    }
    ret = apply(approve({"app": "2.0", "bad": "1.0", "lib": "2.0"}), family)
    assert observed(ret) == {"app": "2.0", "bad": None, "lib": "2.0"}
    assert list(errors(ret)) == ["bad"]


def test_hold_is_respected_and_reported(machine, approve, apply, family):
    machine.offer("hello", "gone", "other", "right")
    machine.have(hello="1.0", gone="1.0", right="1.0")
    machine.held = {"hello" if family == "Suse" else "hello:amd64", "gone", "right"}
    document = approve({"hello": "2.0", "gone": None, "other": "1.0", "right": "1.0"})
    ret = apply(document, family)
    assert ret["result"] is False
    assert observed(ret) == {"hello": "1.0", "gone": "1.0", "other": "1.0", "right": "1.0"}
    assert set(errors(ret)) == {"hello", "gone"}
    assert "Package gone is not absent: it is on hold" in ret["comment"]


def test_hold_is_not_overridden_by_a_dependency(machine, approve, apply):
    machine.offer("app", versions=("2.0",), needs=["lib=2.0"])
    machine.offer("lib")
    machine.have(lib="1.0")
    machine.held = {"lib"}
    ret = apply(approve({"app": "2.0"}), "Debian")
    assert machine.installed == {"lib": ["1.0"]}
    assert errors(ret) == {"app": "it would change lib, which is on hold"}


@pytest.mark.parametrize("os_family", ["Debian", "Suse"])
def test_removal_that_takes_an_approved_package_along_is_refused(machine, approve, apply, os_family):
    machine.offer("lib", "other", versions=("1.0-1",))
    machine.offer("middle", versions=("1.0-1",), needs=["lib"])
    machine.offer("app", versions=("1.0-1",), needs=["middle"])
    machine.have(lib="1.0-1", middle="1.0-1", app="1.0-1", other="1.0-1")
    ret = apply(approve({"app": "latest", "lib": None, "other": None}), os_family)
    assert set(machine.installed) == {"lib", "middle", "app"}
    assert machine.transactions == [("remove", "other")]
    assert errors(ret) == {"lib": "it would also remove app, which is approved"}


def test_removal_with_unapproved_dependents_is_carried_out(machine, approve, apply, family):
    machine.offer("lib", versions=("1.0-1",))
    machine.offer("app", versions=("1.0-1",), needs=["lib"])
    machine.have(lib="1.0-1", app="1.0-1")
    ret = apply(approve({"lib": None}), family)
    assert ret["result"] is True
    assert set(ret["changes"]) == {"lib", "app"}


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ({"app": "2.0", "lib": "1.0"}, "it would also bring lib to 2.0, and 1.0 is approved"),
        ({"app": "2.0", "lib": "3.0"}, "it would also bring lib to 2.0, and 3.0 is approved"),
        ({"app": "2.0", "lib": None}, "it needs lib, which is approved to be absent"),
        ({"rival": "1.0", "kept": "latest"}, "it would also remove kept, which is approved"),
        ({"lib+": "latest"}, "E: Version '' for 'lib+' was not found"),
    ],
)
def test_installation_against_another_approval_is_refused(machine, approve, apply, wanted, why):
    machine.offer("app", versions=("2.0",), needs=["lib=2.0"])
    machine.offer("lib", "rival", "kept")
    machine.have(kept="1.0")
    machine.conflicts["rival"] = "kept"
    ret = apply(approve(wanted), "Debian")
    assert ret["result"] is False
    assert why in ret["comment"]
    assert machine.installed["kept"] == ["1.0"]


def test_what_a_transaction_changed_on_the_side_is_an_error(machine, approve, apply):
    machine.offer("rival")
    machine.have(kept="1.0")
    machine.conflicts["rival"] = "kept"
    ret = apply(approve({"rival": "1.0", "kept": "1.0"}))
    assert ret["result"] is False
    assert errors(ret) == {"kept": "another package's transaction changed it"}
    assert observed(ret) == {"kept": None, "rival": "1.0"}


def test_lists_that_cannot_be_fetched(machine, approve, apply, family):
    machine.offer("hello")
    machine.unreachable = "E: Failed to fetch"
    ret = apply(approve({"hello": "1.0", "new": "3.0"}), family)
    assert observed(ret) == {"hello": "1.0", "new": None}
    assert errors(ret)["new"].endswith("(the lists of available packages could not be fetched: E: Failed to fetch)")


def test_lists_are_fetched_for_installations_only(machine, approve, apply):
    machine.offer("hello")
    machine.have(sl="1.0")
    apply(approve({"sl": None}))
    apply(approve({"hello": "1.0"}), refresh=False)
    assert machine.counted["refresh"] == 0
    apply(approve({"hello": "2.0"}))
    assert machine.counted["refresh"] == 1


def test_lock_is_waited_for(machine, approve, apply, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    machine.offer("hello")
    machine.locked = 3
    ret = apply(approve({"hello": "1.0"}), lock_timeout=10)
    assert ret["result"] is True


def test_lock_is_not_waited_for_forever(machine, approve, apply, monkeypatch):
    naps = []
    monkeypatch.setattr("time.sleep", naps.append)
    machine.offer("hello", "sl")
    machine.have(sl="1.0")
    machine.locked = 1000
    ret = apply(approve({"hello": "1.0", "sl": None}), lock_timeout=2.5)
    assert naps == [1.0, 1.0, 0.5]
    assert ret["result"] is False
    assert set(errors(ret)) == {"hello", "sl"}
    assert errors(ret)["hello"] == (
        "the package manager stayed locked: E: Could not get lock /var/lib/dpkg/lock-frontend"
    )
    assert ret["approval"]["mac"] == mac(ret["approval"])


def test_lock_is_seen_before_apt_runs_into_it(machine, approve, apply, tmp_path):
    machine.offer("hello")
    machine.lock_files = (tmp_path / "lock",)
    code = (
        "import fcntl, sys; file = open(sys.argv[1], 'w'); fcntl.lockf(file, fcntl.LOCK_EX);"
        "print('locked', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "lock")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as holder:
        holder.stdout.readline()
        ret = apply(approve({"hello": "1.0"}), "Debian", lock_timeout=0)
        holder.stdin.close()
    why = f"the package manager stayed locked: process {holder.pid} holds {tmp_path / 'lock'}"
    assert errors(ret) == {"hello": why}
    assert machine.transactions == []
    assert apply(approve({"hello": "1.0"}), "Debian", lock_timeout=0)["result"] is True


def test_broken_package_is_neither_installed_nor_absent(machine, approve, apply):
    machine.offer("hello")
    machine.have(hello="1.0")
    machine.faulty.add("hello")
    machine.broken["hello"] = "half-configured"
    assert observed(apply(approve({"hello": "1.0"}), "Debian")) == {"hello": None}
    assert observed(apply(approve({"hello": "latest"}), "Debian")) == {"hello": None}
    machine.installed.clear()
    assert apply(approve({"hello": None}), "Debian", test=True)["changes"] == {
        "hello": {"old": "1.0 (half-configured)", "new": ""}
    }
    machine.held = {"hello"}
    ret = apply(approve({"hello": None}), "Debian")
    assert ret["result"] is False
    assert observed(ret) == {"hello": "1.0 (half-configured)"}
    machine.held = set()
    ret = apply(approve({"hello": None}), "Debian")
    assert ret["result"] is True
    assert observed(ret) == {"hello": None}


def test_packages_that_cannot_be_read_are_not_observed(machine, approve, apply):
    machine.unreadable = "dpkg-query: error"
    machine.services["cron"] = "running"
    ret = apply(approve({"hello": None}, {"cron": "running"}))
    assert ret["result"] is False
    assert observed(ret) == {}
    assert errors(ret) == {"hello": "the installed packages cannot be read: dpkg-query: error"}
    assert ret["approval"]["observed"]["services"] == {"cron": "running"}


@pytest.mark.parametrize("family", ["Debian", "RedHat", "Suse"])
@pytest.mark.parametrize("state", ["converged", "observed"])
def test_a_database_of_packages_that_cannot_be_read_is_not_empty(machine, approve, apply, state, family):
    """Salt's list of what is installed is empty then, and no error."""
    machine.have(hello="1.0", other="1.0")
    machine.damaged = "error: cannot open the database"
    document = approve({"hello": None, "other": "1.0"})
    ret = apply(document, family, state=state)
    assert ret["result"] is False
    assert ret["approval"]["observed"].get("packages", {}) == {}
    assert ret["approval"]["before"] == {}
    why = "the installed packages cannot be read: error: cannot open the database"
    assert ret["approval"]["errors"] == {"packages": {"hello": why, "other": why}}
    assert apply(document, family, test=True)["result"] is False


def test_absent_is_absent_in_every_architecture(machine, approve, apply):
    """But for one that is approved under a name of its own."""
    machine.have(**{"hello:i386": "1.0", "other:i386": "1.0"})
    document = approve({"hello": None, "other": None, "other:i386": "1.0"})
    plan = apply(document, "Debian", test=True)
    assert plan["comment"] == "Package hello:i386 would be removed."
    ret = apply(document, "Debian")
    assert ret["result"] is True
    assert machine.installed == {"other:i386": ["1.0"]}
    assert ret["approval"]["observed"]["packages"] == {"hello": None, "other": None, "other:i386": "1.0"}
    assert ret["approval"]["before"]["packages"] == {"hello": "1.0", "other": None, "other:i386": "1.0"}


@pytest.mark.parametrize("family", ["Debian", "RedHat", "Suse"])
@pytest.mark.parametrize("want", [None, "latest", "1.0"])
def test_a_name_with_a_slash_is_no_package(machine, approve, apply, family, want):
    """apt would take what is behind it for a release, and others all of it for a file."""
    machine.offer("hello")
    machine.have(hello="1.0")
    document = approve({"hello/stable": want, "hello": "2.0"})
    for state in ("converged", "observed"):
        ret = apply(document, family, state=state)
        assert ret["result"] is False
        assert ret["approval"]["observed"]["packages"] == {"hello": "2.0"}
        assert "no package can have this name" in ret["approval"]["errors"]["packages"]["hello/stable"]
    assert "no package can have this name" in apply(document, family, test=True)["comment"]
    assert "hello/stable" not in str(machine.commands)


def test_versions_side_by_side_are_told(machine, approve, apply):
    """Such are kernels; or a package whose old version could not be removed."""
    machine.installed["kernel"] = ["1.0", "2.0"]
    ret = apply(approve({"kernel": "1.0"}))
    assert ret["result"] is True
    assert ret["approval"]["notes"] == {"packages": {"kernel": "also installed in version 2.0"}}
    assert "Package kernel: also installed in version 2.0." in ret["comment"]


def test_what_the_package_manager_said_is_told_of_what_is_as_approved_nevertheless(
    machine, approve, apply, monkeypatch
):
    """Another package's script failed, say."""
    machine.offer("hello", "other")
    install = machine.install

    def fail(wanted):
        install(wanted)
        machine.fail("E: Sub-process /usr/bin/dpkg returned an error code (1)")

    monkeypatch.setattr(machine, "install", fail)
    ret = apply(approve({"hello": "1.0", "other": "2.0"}), "Debian")
    assert ret["result"] is True
    said = "it is so, though the package manager said: E: Sub-process /usr/bin/dpkg returned an error code (1)"
    assert ret["approval"]["notes"] == {"packages": {"hello": said, "other": said}}
    assert f"Package hello: {said}." in ret["comment"]


def test_what_was_not_asked_for_is_no_change(machine, approve, apply):
    machine.have(hello="1.0")
    machine.services = {"cron": "dead"}
    ret = apply(approve(services={"cron": "running"}))
    assert ret["changes"] == {"cron (service)": {"old": "dead", "new": "running"}}
    assert machine.counted["list_pkgs"] == 0


def test_before_that_cannot_be_kept_stops_everything(machine, approve, apply, monkeypatch):
    def full(source, target):
        raise OSError(28, "No space left on device")

    machine.offer("hello")
    monkeypatch.setattr("os.replace", full)
    ret = apply(approve({"hello": "1.0"}))
    assert ret["result"] is False
    assert "No space left on device" in ret["comment"]
    assert "approval" not in ret
    assert machine.transactions == []


# ------------------------------------------------------------------------------- the refusals


@pytest.mark.parametrize(
    "change",
    [
        {"packages": {"hello": "2.0"}},
        {"minion": "web2"},
        {"revision": 2},
        {"evidence_key": "00"},
    ],
)
def test_unsound_document_changes_nothing(machine, approve, apply, change):
    machine.offer("hello")
    ret = apply({**approve({"hello": "1.0"}), **change})
    assert ret["result"] is False
    assert ret["comment"].startswith("Nothing was applied: the approved state is refused because")
    assert "approval" not in ret
    assert machine.counted == {}
    assert machine.transactions == []


def test_missing_document_changes_nothing(machine, apply):
    ret = apply(None)
    assert ret["result"] is False
    assert "the pillar has no key 'approval'" in ret["comment"]
    assert "approval" not in ret


@pytest.mark.parametrize("options", [{"removal": "delete"}, {"lock_timeout": "300"}, {"lock_timeout": -1}])
def test_option_that_is_not_one(approve, apply, options):
    ret = apply(approve({"hello": "1.0"}), **options)
    assert ret["result"] is False
    assert "approval" not in ret


def test_removal_can_purge(machine, approve, apply):
    machine.have(sl="1.0")
    assert apply(approve({"sl": None}), removal="purge")["result"] is True
    assert machine.counted["purge"] == 1


# -------------------------------------------------------------------------------- patterns


def test_pattern_of_a_version(machine, approve, apply):
    machine.offer("new", "up", "down", "there", versions=("1.0", "1.4", "2.0"))
    machine.have(up="1.4", down="2.0", there="1.0")
    document = approve({"new": "1.*", "up": "2.*", "down": "1.*", "there": "1.*"})
    ret = apply(document, "Debian")
    assert ret["result"] is True
    assert machine.transactions == [("install", "new", "up"), ("install", "down")]
    assert observed(ret) == {"new": "1.4", "up": "2.0", "down": "1.4", "there": "1.0"}
    assert apply(document, "Debian")["changes"] == {}


def test_pattern_that_nothing_fits(machine, approve, apply):
    machine.offer("hello")
    machine.have(hello="1.0")
    ret = apply(approve({"hello": "9.*"}), "Debian")
    assert ret["result"] is False
    assert "'9.*' for 'hello' was not found" in errors(ret)["hello"]
    assert observed(ret) == {"hello": "1.0"}


def test_pattern_where_nothing_is_foretold(machine, approve, apply):
    """Salt's own function takes patterns on the platforms that have them."""
    machine.offer("hello", versions=("1.0", "1.4", "2.0"))
    ret = apply(approve({"hello": "1.*"}))
    assert observed(ret) == {"hello": "1.4"}


# --------------------------------------------------------------------------------- test runs


def test_plan_changes_nothing_and_is_no_evidence(machine, approve, apply, tmp_path, family):
    machine.offer("new", needs=["dependency"])
    machine.offer("dependency", "up")
    machine.have(up="1.0", gone="1.0")
    document = approve({"new": "1.0", "up": "2.0", "gone": None}, {"cron": "running"})
    machine.services["cron"] = "dead"
    ret = apply(document, family, test=True)
    assert ret["result"] is None
    assert "approval" not in ret
    assert machine.transactions == []
    assert machine.counted["refresh"] == 0
    assert machine.services == {"cron": "dead"}
    assert not (tmp_path / "approval_before.json").exists()
    expected = {
        "new": {"old": "", "new": "1.0"},
        "up": {"old": "1.0", "new": "2.0"},
        "gone": {"old": "1.0", "new": ""},
        "cron (service)": {"old": "dead", "new": "running"},
    }
    if family != "Example":
        expected["dependency"] = {"old": "", "new": "2.0"}
    assert ret["changes"] == expected
    assert "Package up would go from 1.0 to 2.0." in ret["comment"]
    assert "Package gone would be removed." in ret["comment"]
    assert "Service cron would be running." in ret["comment"]


def test_plan_of_nothing(machine, approve, apply):
    machine.have(hello="1.0")
    ret = apply(approve({"hello": "1.0"}), test=True)
    assert ret["result"] is True
    assert ret["changes"] == {}
    assert "approval" not in ret


def test_plan_that_cannot_succeed(machine, approve, apply):
    machine.offer(*TEN)
    document = approve({**dict.fromkeys(TEN, "1.0"), "ten4": "9.9"})
    ret = apply(document, "Debian", test=True)
    assert ret["result"] is False
    assert set(ret["changes"]) == set(TEN) - {"ten4"}
    assert "Package ten4 is not at 9.9" in ret["comment"]


# ---------------------------------------------------------------------------------- services


def test_services_are_started_and_stopped(machine, approve, apply):
    machine.services = {"cron": "dead", "cups": "running", "ssh": "running"}
    ret = apply(approve({}, {"cron": "running", "cups": "dead", "ssh": "running"}))
    assert ret["result"] is True
    assert machine.services == {"cron": "running", "cups": "dead", "ssh": "running"}
    assert ret["changes"] == {
        "cron (service)": {"old": "dead", "new": "running"},
        "cups (service)": {"old": "running", "new": "dead"},
    }


def test_service_of_a_package_that_is_just_installed(machine, approve, apply):
    machine.offer("cron")
    machine.install = lambda wanted: (
        machine.installed.update(cron=["1.0"]),
        machine.services.update(cron="dead"),
    )
    ret = apply(approve({"cron": "1.0"}, {"cron": "running"}))
    assert ret["result"] is True
    assert ret["changes"] == {
        "cron": {"old": "", "new": "1.0"},
        "cron (service)": {"old": "", "new": "running"},
    }


def test_services_that_do_not_obey(machine, approve, apply):
    machine.services = {"cron": "dead"}
    machine.stubborn = {"cron"}
    ret = apply(approve({}, {"cron": "running", "nosuch": "running"}))
    assert ret["result"] is False
    assert ret["approval"]["observed"]["services"] == {"cron": "dead"}
    assert ret["approval"]["errors"]["services"] == {
        "cron": "the service manager reported a failure",
        "nosuch": "Unit nosuch not found.",
    }
    assert ret["comment"].splitlines() == [
        "Service cron is not running: the service manager reported a failure.",
        "Service nosuch is not running: Unit nosuch not found.",
    ]


def test_service_that_takes_a_moment(machine, approve, apply):
    """An init script returns before its daemon can be seen."""
    machine.services = {"cron": "dead", "cups": "running"}
    machine.slow = {"cron": 2, "cups": 1}
    ret = apply(approve({}, {"cron": "running", "cups": "dead"}))
    assert ret["result"] is True
    assert ret["approval"]["observed"]["services"] == {"cron": "running", "cups": "dead"}


# ----------------------------------------------------------------------------------- Windows


def test_chocolatey(machine, approve, apply):
    machine.offer("new", "up", "down", "gone", "bad")
    machine.have(up="1.0", down="2.0", gone="1.0")
    wanted = {"New": "1.0", "up": "2.0", "down": "1.0", "gone": None, "bad": "9.9"}
    ret = apply(approve(wanted), "Windows")
    assert observed(ret) == {"New": "1.0", "up": "2.0", "down": "1.0", "gone": None, "bad": None}
    assert list(errors(ret)) == ["bad"]
    assert {len(names) for _, *names in machine.transactions} == {1}
    assert machine.counted["force"] == 1
    assert machine.counted["upgrade"] == 1


@pytest.mark.parametrize(
    ("approved", "installed"),
    [
        ("0.78", "0.78.0"),
        ("24.09", "24.9.0"),
        ("9.5.368.0", "9.5.368"),
        ("1", "1.0.0"),
        ("1.0.0-Beta.01", "1.0.0-beta.1"),
        ("2.1.0+build.7", "2.1.0"),
    ],
)
def test_versions_that_nuget_spells_its_own_way(machine, approve, apply, approved, installed):
    machine.have(tool=installed)
    ret = apply(approve({"tool": approved}), "Windows")
    assert ret["result"] is True
    assert machine.transactions == []
    assert observed(ret) == {"tool": installed}
    assert ret["approval"]["meets"] == {"packages": {"tool": approved}}


@pytest.mark.parametrize(
    ("approved", "installed", "way"),
    [
        ("0.79", "0.78.0", "upgrade"),
        ("0.9", "0.10.0", "force"),
        ("1.0.0", "1.0.0-beta", "upgrade"),
        ("1.0.0-beta", "1.0.0", "force"),
        ("1.0.0-beta.2", "1.0.0-beta.10", "force"),
        ("1.0.0.1", "1.0.0", "upgrade"),
    ],
)
def test_versions_that_nuget_orders_its_own_way(machine, approve, apply, approved, installed, way):
    machine.offer("tool", versions=[approved])
    machine.have(tool=installed)
    ret = apply(approve({"tool": approved}), "Windows")
    assert ret["result"] is True
    assert machine.counted[way] == 1


@pytest.mark.parametrize("want", [None, "1.0", "latest"])
def test_what_the_list_of_chocolatey_hides_is_not_called_absent(machine, approve, apply, want):
    document = approve({"chocolatey-core.extension": want, "Chocolatey": want, "tool": None})
    for test in (True, False):
        ret = apply(document, "Windows", test=test)
        assert ret["result"] is False
        assert "Package chocolatey-core.extension" in ret["comment"]
        assert "it cannot be seen" in ret["comment"]
    assert observed(ret) == {"tool": None}
    assert set(errors(ret)) == {"chocolatey-core.extension", "Chocolatey"}
    assert machine.transactions == []
    ret = apply(document, "Windows", state="observed")
    assert ret["result"] is False
    assert observed(ret) == {"tool": None}


def test_a_plan_says_what_cannot_be_foretold(machine, approve, apply):
    machine.offer("new")
    assert "does not tell beforehand" in apply(approve({"new": "1.0"}), test=True)["comment"]
    assert "does not tell beforehand" not in apply(approve({"new": "1.0"}), "Debian", test=True)["comment"]


# ----------------------------------------------------------------------------- what cannot be used


@pytest.fixture
def approve_texts(approve):
    """As approve, with values that cannot reach the minion, as their texts."""
    from saltext.approval import _core

    def document(packages, services, values, texts):
        made = approve(packages, services, values)
        kinds = {None: "absent", "latest": "latest"}
        items = [("package", name, kinds.get(v, "version"), v) for name, v in packages.items()]
        items += [("service", name, "state", state) for name, state in services.items()]
        items += [("value", name, "json", json.dumps(value)) for name, value in values.items()]
        items += [("value", name, "json", text) for name, text in texts.items()]
        digest = _core.digest("web1", made["revision"], items)
        return {**made, "digest": digest, "unreadable": {"values": texts}}

    return document


@pytest.mark.parametrize("state", ["converged", "observed"])
def test_what_cannot_be_used_fails_alone(machine, approve_texts, apply, state):
    from saltext.approval import _core

    machine.have(hello="1.0", sl="1.0")
    machine.services.update(cron="running")
    packages = {"hello": "1.0", "sl": "1.0", "--force": "1.0", "a b": None, "empty": ""}
    services = {"cron": "running", "odd": "enabled", "--now": "dead", "ssh*": "running"}
    document = approve_texts(packages, services, {"motd": 1}, {"big": "18446744073709551616", "spaced": "[1, 2]"})
    ret = apply(document, state=state, name="approval")
    evidence = ret["approval"]
    assert ret["result"] is False
    assert evidence["mac"] == _core.mac("c3" * 32, evidence)
    assert evidence["observed"]["packages"] == {"hello": "1.0", "sl": "1.0"}
    assert evidence["observed"]["services"] == {"cron": "running"}
    assert evidence["observed"]["values"] == {"motd": "1"}
    assert {plural: set(names) for plural, names in evidence["errors"].items()} == {
        "packages": {"--force", "a b", "empty"},
        "services": {"odd", "--now", "ssh*"},
        "values": {"big", "spaced"},
    }
    assert "Value big cannot be applied: its value holds what Salt cannot carry" in ret["comment"]
    held = {key: document[key] for key in ("minion", "revision", "digest", "evidence_key")}
    held |= {
        "packages": packages,
        "services": {"cron": "running"},
        "values": {"motd": "1", "big": "18446744073709551616"},
    }
    load = {"id": "web1", "fun": "state.apply", "return": {f"approval_|-a_|-a_|-{state}": {**ret, "__run_num__": 0}}}
    verdict = _core.validate(load, held)
    assert verdict["authenticated"]
    found = {finding["name"]: finding["verdict"] for finding in verdict["findings"]}
    assert found == {
        **dict.fromkeys(("hello", "sl", "cron", "motd"), "converged"),
        **dict.fromkeys(("--force", "a b", "empty", "big"), "failed"),
    }


def test_a_plan_names_what_cannot_be_used(machine, approve_texts, apply):
    machine.offer("hello")
    ret = apply(approve_texts({"hello": "1.0", "-x": "1"}, {}, {}, {"big": "1e400"}), test=True)
    assert ret["result"] is False
    assert ret["changes"] == {"hello": {"old": "", "new": "1.0"}}
    assert "Package -x cannot be applied" in ret["comment"]
    assert "Value big cannot be applied" in ret["comment"]


# ------------------------------------------------------------------------ what is there at the end


def test_a_package_that_changes_after_the_last_transaction(machine, approve, apply):
    """Its service's start removes it, and what failed is installed by then."""
    machine.offer("tool", "late")
    machine.faulty.add("late")
    machine.services["cron"] = "dead"
    start = machine.set_service

    def start_and_remove(name, state):
        del machine.installed["tool"]
        machine.installed["late"] = ["1.0"]
        return start(name, state)

    machine.set_service = start_and_remove
    ret = apply(approve({"tool": "1.0", "late": "1.0"}, {"cron": "running"}), settle_time=0)
    assert observed(ret) == {"tool": None, "late": "1.0"}
    assert errors(ret) == {"tool": "something changed it after the last transaction"}
    assert ret["changes"] == {
        "late": {"old": "", "new": "1.0"},
        "cron (service)": {"old": "dead", "new": "running"},
    }


def test_packages_that_cannot_be_read_at_the_end_are_not_observed(machine, approve, apply):
    machine.offer("tool")
    machine.services["cron"] = "dead"

    def start_and_break(name, state):
        machine.unreadable = "the database is damaged"
        machine.services[name] = state
        return True

    machine.set_service = start_and_break
    ret = apply(approve({"tool": "1.0"}, {"cron": "running"}), settle_time=0)
    assert observed(ret) == {}
    assert errors(ret) == {"tool": "the installed packages cannot be read: the database is damaged"}


def test_a_service_that_a_package_stops(machine, approve, apply):
    machine.offer("tool")
    machine.services["cron"] = "running"
    machine.install = lambda wanted: (machine.installed.update(tool=["1.0"]), machine.services.update(cron="dead"))
    machine.stubborn.add("cron")
    ret = apply(approve({"tool": "1.0"}, {"cron": "running"}), settle_time=0)
    assert ret["approval"]["observed"]["services"] == {"cron": "dead"}
    assert ret["approval"]["before"]["services"] == {"cron": "running"}
    assert list(ret["approval"]["errors"]["services"]) == ["cron"]


def test_before_is_read_once_and_before_any_act(machine, approve, apply):
    machine.offer("tool")
    machine.services["cron"] = "dead"
    document = approve({"tool": "1.0"}, {"cron": "running"})
    first = apply(document, settle_time=0)["approval"]["before"]
    assert first == {"packages": {"tool": None}, "services": {"cron": "dead"}}
    machine.services["cron"] = "running"
    assert apply(document, settle_time=0)["approval"]["before"] == first


def test_what_could_not_be_read_before_is_not_taken_from_a_later_run(machine, approve, apply):
    machine.offer("cron")
    machine.install = lambda wanted: (machine.installed.update(cron=["1.0"]), machine.services.update(cron="dead"))
    document = approve({"cron": "1.0"}, {"cron": "running"})
    for _ in range(2):
        ret = apply(document, settle_time=0)
        assert ret["result"] is True
        assert ret["approval"]["before"] == {"packages": {"cron": None}}
    # Another approved value begins anew.
    assert apply(approve({}, {"cron": "dead"}), settle_time=0)["approval"]["before"] == {
        "services": {"cron": "running"}
    }


@pytest.mark.parametrize("wanted", [["chronyd", "ntpd"], ["chronyd", "ntpd", "apart"]])
def test_init_scripts_that_stop_one_another(machine, approve, apply, wanted):
    """Without systemd nobody foretells it; at the end it is seen."""
    machine.services = {"ntpd": "running", "chronyd": "dead", "apart": "dead"}
    other = {"ntpd": "chronyd", "chronyd": "ntpd", "apart": "apart"}

    def start_and_stop(name, state):
        machine.services[other[name]] = "dead"
        machine.services[name] = state
        return True

    machine.set_service = start_and_stop
    document = approve({}, dict.fromkeys(wanted, "running"))
    for _ in range(2):
        ret = apply(document, settle_time=0)
        assert ret["approval"]["observed"]["services"] == {name: machine.services[name] for name in wanted}
        assert list(ret["approval"]["errors"]["services"]) == [
            name for name in wanted if machine.services[name] == "dead"
        ]
        assert ret["result"] is False
    assert ret["approval"]["before"]["services"]["ntpd"] == "running"


def test_a_service_that_dies_a_moment_later(machine, approve, apply):
    machine.services = {"cron": "running", "cups": "dead"}
    looks = iter([False, False, True, True, True])  # first, before the start, after it, after the round, settling
    machine.see_service = lambda name: next(looks, False) if name == "cups" else True
    ret = apply(approve({}, {"cron": "running", "cups": "running"}), settle_time=0.1)
    assert ret["approval"]["observed"]["services"] == {"cron": "running", "cups": "dead"}
