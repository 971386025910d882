"""All that can become of an approved change, on real minions.

Each case has packages of its own, so that none depends on another; most share one highstate. Of each is checked what
the request came to, what the validator found and why, the sentence that people read, and what dpkg has in the end.
"""

import fcntl
import json
from typing import NamedTuple

import apt_repository
import pytest
from apt_repository import Package
from lab import wait_until
from workflow import Workflow

from saltext.approval.errors import Refused

CONFIGURED = (("etc/acme.d/{0}", "# as packaged\n"), ("DEBIAN/conffiles", "/etc/acme.d/{0}\n"))
BROKEN = "/etc/acme-broken"
# Fails for as long as the administrator has not repaired something.
POSTINST = (("DEBIAN/postinst", f"#!/bin/sh\n[ ! -e {BROKEN} ]\n"),)
# Without systemd, as in these roots, Salt calls init scripts.
INIT_SCRIPT = (
    ("etc/init.d/{0}", """\
#!/bin/sh
pid="--pidfile /run/{0}.pid --exec /bin/sleep"
case $1 in
start) start-stop-daemon --start --background --make-pidfile $pid -- infinity ;;
stop) start-stop-daemon --stop --retry 5 --remove-pidfile $pid ;;
restart) $0 stop; $0 start ;;
status) start-stop-daemon --status $pid ;;
esac
"""),
)  # fmt: skip
MANY = [f"acme-many{number}" for number in range(10)]


def versions(name, *numbers, files=()):
    """The package in these versions; {0} in `files` is its name."""
    files = tuple((path.format(name), text.format(name)) for path, text in files)
    return tuple(Package(name, number, files=files) for number in numbers)


PACKAGES = (
    Package("acme-install", "1.0-1", depends="acme-dependency"),
    *versions("acme-dependency", "1.0-1"),
    *versions("acme-upgrade", "1.0-1", "2.0-1"),
    *versions("acme-downgrade", "1.0-1", "2.0-1"),
    *versions("acme-latest", "1.0-1", "2.0-1"),
    *versions("acme-pattern", "1.0-1", "1.4-1", "2.0-1"),
    *versions("acme-remove", "1.0-1", files=CONFIGURED),
    *versions("acme-purge", "1.0-1", files=CONFIGURED),
    *versions("acme-held", "1.0-1", "2.0-1"),
    *versions("acme-there", "1.0-1", "2.0-1"),
    *versions("acme-keep", "1.0-1"),
    Package("acme-needs-keep", "1.0-1", depends="acme-keep"),
    *(package for name in MANY for package in versions(name, "1.0-1")),
    *versions("acme-fragile", "1.0-1", files=POSTINST),
    *versions("acme-locked", "1.0-1"),
    *versions("acme-daemon-running", "1.0-1", files=INIT_SCRIPT),
    *versions("acme-daemon-dead", "1.0-1", files=INIT_SCRIPT),
    *versions("acme-daemon-restart", "1.0-1", files=INIT_SCRIPT),
    *versions("acme-drift", "1.0-1"),
    *versions("acme-reinstall", "1.0-1"),
    Package("acme-planned", "1.0-1", depends="acme-brought"),
    *versions("acme-brought", "1.0-1"),
)


# A machine that is told to restart; the test is its firmware.
SHUTDOWN = '#!/bin/sh\necho "$*" >/run/shutdown\n'
POLICY = """
types:
  restart: &restart
    kind: action
    action: {function: service.restart}
    parameters: {required: [name]}
    returns: {const: true}
    requesters: ["*"]
    chain: [{name: release, any_of: [{group: change-managers}]}]
  restart-by-return: {<<: *restart, proof: return}
  # Some of the versions are in no repository: what minions make of them is to be seen.
  package: &package
    kind: package
    dispatch: false
    requesters: ["*"]
    catalog: false
    chain:
      - {name: review, any_of: [{group: package-reviewers}]}
      - {name: release, min_assurance: authenticated, any_of: [{group: change-managers}]}
  planned: {<<: *package, plan_within: 1 hour}
"""


class Case(NamedTuple):
    """A request that is settled by one highstate."""

    minion: str
    packages: dict
    state: str
    findings: dict  # name -> (verdict, reason, what the sentence says)
    installed: dict  # what dpkg has afterwards: name -> version or None
    before: tuple = ()  # packages that are there before, as apt takes them
    held: str = ""  # one that the administrator has put on hold


def proven(name, version):
    return {name: ("converged", "observed", f"{name} is installed in version {version}, as approved.")}


def gone(name):
    return {name: ("converged", "absent", f"{name} is not installed, as approved.")}


CASES = {
    "install": Case(
        "db1", {"acme-install": "1.0-1"}, "converged",
        proven("acme-install", "1.0-1"), {"acme-install": "1.0-1", "acme-dependency": "1.0-1"},
    ),
    "latest": Case(
        "db1", {"acme-latest": "latest"}, "converged",
        proven("acme-latest", "2.0-1"), {"acme-latest": "2.0-1"},
    ),
    "pattern": Case(
        "db1", {"acme-pattern": "1.*"}, "converged",
        proven("acme-pattern", "1.4-1"), {"acme-pattern": "1.4-1"}, ("acme-pattern=2.0-1",),
    ),
    "upgrade": Case(
        "db1", {"acme-upgrade": "2.0-1"}, "converged",
        proven("acme-upgrade", "2.0-1"), {"acme-upgrade": "2.0-1"}, ("acme-upgrade=1.0-1",),
    ),
    "downgrade": Case(
        "db1", {"acme-downgrade": "1.0-1"}, "converged",
        proven("acme-downgrade", "1.0-1"), {"acme-downgrade": "1.0-1"}, ("acme-downgrade=2.0-1",),
    ),
    "remove": Case(
        "db1", {"acme-remove": "absent"}, "converged",
        gone("acme-remove"), {"acme-remove": None}, ("acme-remove",),
    ),
    "already there": Case(
        "db1", {"acme-there": "1.0-1"}, "converged",
        proven("acme-there", "1.0-1"), {"acme-there": "1.0-1"}, ("acme-there=1.0-1",),
    ),
    "held": Case(
        "web1", {"acme-held": "2.0-1"}, "failed",
        {"acme-held": ("failed", "apply-failed", "on hold, and a hold is not overridden")},
        {"acme-held": "1.0-1"}, ("acme-held=1.0-1",), "acme-held",
    ),
    "one bad of ten": Case(
        "web1", dict.fromkeys(MANY[:9], "1.0-1") | {MANY[9]: "9.9-1"}, "partial",
        {MANY[9]: ("failed", "apply-failed", "9.9-1")} | proven(MANY[0], "1.0-1") | proven(MANY[8], "1.0-1"),
        dict.fromkeys(MANY[:9], "1.0-1") | {MANY[9]: None},
    ),
    "removal of what another needs": Case(
        "web1", {"acme-keep": "absent", "acme-needs-keep": "1.0-1"}, "partial",
        {"acme-keep": ("failed", "apply-failed", "would also remove acme-needs-keep")}
        | proven("acme-needs-keep", "1.0-1"),
        {"acme-keep": "1.0-1", "acme-needs-keep": "1.0-1"}, ("acme-needs-keep",),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def work(lab):
    """The Workflow of the lab, whose minions use its package repository alone, with PACKAGES in it."""
    apt_repository.add(lab.repository, PACKAGES)
    for minion in lab.minions.values():
        use_only_our_packages(minion)
    policy = lab.directory / "matrix.yaml"
    policy.write_text(POLICY)
    lab.database.command("policy", "policy", "load", str(policy))
    workflow = Workflow(lab)
    yield workflow
    workflow.close()


def use_only_our_packages(minion):
    minion.run("sh", "-c", "rm /etc/apt/sources.list.d/*mmdebstrap*; apt-get -qq update")


@pytest.fixture(scope="module")
def settled(lab, work):
    """Case -> its request, and what dpkg has, after one highstate on both minions."""
    for minion in lab.minions.values():
        cases = [case for case in CASES.values() if case.minion == minion.id]
        minion.run("apt-get", "-qq", "-y", "install", *(package for case in cases for package in case.before))
        for case in cases:
            if case.held:
                minion.run("apt-mark", "hold", case.held)
    numbers = {
        name: work.approved("package-by-hand", [case.minion], packages=case.packages) for name, case in CASES.items()
    }
    work.highstate(*lab.minions)
    requests = {name: work.in_state(number, CASES[name].state) for name, number in numbers.items()}
    return {
        name: (request, installed(lab, CASES[name].minion, CASES[name].installed)) for name, request in requests.items()
    }


@pytest.mark.parametrize("name", CASES)
def test_one_highstate(work, settled, name):
    request, versions_found = settled[name]
    check(work, request, CASES[name].findings)
    assert versions_found == CASES[name].installed


def check(work, request, findings):
    """Check that these items have this outcome, and the finding behind it this reason and, within, this sentence."""
    items = {item["name"]: item for item in request["items"]}
    for name, (verdict, reason, sentence) in findings.items():
        item = items[name]
        found = work.finding(item)
        assert item["outcome"] == verdict, item
        assert found[:2] == (verdict, reason), found
        assert sentence in found[2]
        assert item["text"] == found[2]


def installed(lab, minion_id, names):
    """The versions that dpkg has of these packages: name -> version or None."""
    versions_found = lab.minions[minion_id].packages()
    return {name: versions_found.get(name) for name in names}


def test_purge(lab, work):
    minion = lab.minions["web1"]
    minion.run("apt-get", "-qq", "-y", "install", "acme-purge")
    number = work.approved("package-by-hand", ["web1"], packages={"acme-purge": "absent"})
    work.single("web1", "converged", "removal=purge")
    check(work, work.in_state(number, "converged"), gone("acme-purge"))
    assert not (minion.directory / "etc/acme.d/acme-purge").exists()


def test_lock_held_by_another_process(lab, work):
    number = work.approved("package-by-hand", ["db1"], packages={"acme-locked": "1.0-1"})
    with open(lab.minions["db1"].directory / "var/lib/dpkg/lock-frontend", "wb") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        work.single("db1", "converged", "lock_timeout=0")
    request = work.in_state(number, "failed")
    check(
        work, request, {"acme-locked": ("failed", "apply-failed", "another process holds /var/lib/dpkg/lock-frontend")}
    )
    assert installed(lab, "db1", ["acme-locked"]) == {"acme-locked": None}

    work.highstate("db1")
    check(work, work.in_state(number, "converged"), proven("acme-locked", "1.0-1"))


def test_postinst_that_fails(lab, work):
    minion = lab.minions["web1"]
    (minion.directory / BROKEN.lstrip("/")).touch()
    number = work.approved("package-by-hand", ["web1"], packages={"acme-fragile": "1.0-1"})
    work.highstate("web1")
    request = work.in_state(number, "failed")
    check(work, request, {"acme-fragile": ("failed", "apply-failed", "post-installation")})

    (minion.directory / BROKEN.lstrip("/")).unlink()
    work.highstate("web1")
    check(work, work.in_state(number, "converged"), proven("acme-fragile", "1.0-1"))
    assert installed(lab, "web1", ["acme-fragile"]) == {"acme-fragile": "1.0-1"}


def test_drift(lab, work):
    number = work.approved("package-by-hand", ["db1"], packages={"acme-drift": "1.0-1"})
    work.highstate("db1")
    work.in_state(number, "converged")

    lab.minions["db1"].run("dpkg", "--remove", "acme-drift")
    assert lab.master.call("db1", "approval.observe")["db1"]["observed"]["packages"]["acme-drift"] is None
    found = wait_until(lambda: found if (found := last(work))[0] != "converged" else None, "what was read")
    assert found == ("drift", "missing", "acme-drift is not installed; approved is 1.0-1.")
    request = work.show(number)
    assert request["state"] == "converged", "it is the machine that deviates, not the request"
    assert [item["outcome"] for item in request["items"]] == ["converged"]

    work.highstate("db1")
    assert wait_until(lambda: found if (found := last(work))[0] == "converged" else None, "what was mended")
    assert installed(lab, "db1", ["acme-drift"]) == {"acme-drift": "1.0-1"}


def last(work):
    return work.last_finding("db1", "package", "acme-drift")


@pytest.mark.parametrize("state", ["running", "dead"])
def test_service(lab, work, state):
    minion, name = lab.minions["db1"], f"acme-daemon-{state}"
    minion.run("apt-get", "-qq", "-y", "install", name)
    call = f"service.{'stop' if state == 'running' else 'start'}"
    lab.master.call("db1", call, name)
    number = work.approved("service-by-hand", ["db1"], services={name: state})
    work.highstate("db1")
    check(
        work, work.in_state(number, "converged"), {name: ("converged", "observed", f"{name} is {state}, as approved.")}
    )
    assert lab.master.call("db1", "service.status", name) == {"db1": state == "running"}


def test_service_that_is_not_there(lab, work):
    number = work.approved("service-by-hand", ["web1"], services={"acme-nothing": "running"})
    work.highstate("web1")
    request = work.in_state(number, "failed")
    check(work, request, {"acme-nothing": ("failed", "apply-failed", "acme-nothing")})


@pytest.mark.parametrize(
    ("request_type", "outcome", "sentence"),
    [
        ("restart-by-return", "converged", "service.restart succeeded"),
        # Only systemd says since when a service runs.
        ("restart", "failed", "the minion does not tell when acme-daemon-restart was started"),
    ],
)
def test_restart_of_a_service(lab, work, request_type, outcome, sentence):
    minion = lab.minions["db1"]
    minion.run("apt-get", "-qq", "-y", "install", "acme-daemon-restart")
    lab.master.call("db1", "service.start", "acme-daemon-restart")
    pid = (minion.directory / "run/acme-daemon-restart.pid").read_text()
    number = work.approved(request_type, ["db1"], parameters={"name": "acme-daemon-restart"})
    request = work.in_state(number, outcome)
    assert [(item["outcome"], item["text"]) for item in request["items"]] == [(outcome, sentence)]
    assert (minion.directory / "run/acme-daemon-restart.pid").read_text() != pid


def test_reboot(lab, work):
    minion = lab.minions["db1"]
    shutdown = minion.directory / "usr/sbin/shutdown"
    shutdown.write_text(SHUTDOWN)
    shutdown.chmod(0o755)
    number = work.approved("reboot", ["db1"])
    ordered = minion.directory / "run/shutdown"
    wait_until(lambda: ordered.exists() and ordered.read_text() == "-r now\n", "the order to restart")
    assert work.show(number)["state"] == "approved", "that it was willing is no proof"

    ordered.unlink()
    minion.stop()
    minion.start()
    request = work.in_state(number, "converged")
    assert "the minion started again" in request["items"][0]["text"]


def test_reinstall(lab, work):
    number = work.approved("package-by-hand", ["web1"], packages={"acme-reinstall": "1.0-1"})
    work.highstate("web1")
    work.in_state(number, "converged")
    minion = lab.minions["web1"]
    minion.wipe()
    minion.install()
    use_only_our_packages(minion)
    lab.master.run("salt-key", "--yes", "--delete", "web1")
    (load,) = lab.enroll("web1")
    assert installed(lab, "web1", ["acme-reinstall"]) == {"acme-reinstall": "1.0-1"}
    stored = wait_until(lambda: lab.stored_return(load["jid"], "web1"), "the return of the first highstate")
    assert stored.endswith("|t"), "it is on evidence of the new minion"
    assert work.show(number)["state"] == "converged", "what was proven stays proven"


def test_plan_before_approval(lab, work):
    number = work.ask("planned", lab.minions, packages={"acme-planned": "1.0-1"})
    with pytest.raises(Refused, match="has no plan"):
        work.approve(number)
    before = {minion.id: minion.packages() for minion in lab.minions.values()}

    plan = json.loads(lab.as_requester("plan", str(number)).stdout)

    assert plan["summary"]["outcomes"] == {"changes": 2}, plan
    new = {"old": "", "new": "1.0-1"}
    for answer in plan["answers"]:
        assert answer["changes"] == {"acme-planned": new, "acme-brought": new}
        assert "Package acme-brought would be installed at 1.0-1." in answer["comment"]
    shown = lab.database.command("bob", "show", str(number)).stdout
    assert "acme-brought: absent -> 1.0-1 on 2, brought along" in shown
    assert {minion.id: minion.packages() for minion in lab.minions.values()} == before
    assert work.show(number)["state"] == "pending"

    work.approve(number)
    work.highstate(*lab.minions)
    check(work, work.in_state(number, "converged"), proven("acme-planned", "1.0-1"))
    assert installed(lab, "web1", ["acme-brought"]) == {"acme-brought": "1.0-1"}
