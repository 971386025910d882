"""A site with a real master and two real minions, on which most files of tests work one after the other.

The leftovers of one file are the past of the site for the next: each asks for things of its own.
"""

import json
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "demo"))

import apt_repository
import documents
from lab import APPROVERS, CACHE, PROJECT, Lab, minions_wheels, wait_until
from minion_root import MinionRoot
from narrator import Narrator
from newcomer_machine import NewcomerMachine

# As the shipped types `package` and `service`, but that nothing is sent: a test says when a state run brings it. The
# inventory is not asked, since it has not heard of packages that a test has just built.
BY_HAND = """
types:
  package-by-hand:
    kind: package
    dispatch: false
    catalog: "off"
    requesters: ["*"]
    chain:
      - {name: review, any_of: [{group: package-reviewers}]}
      - &release {name: release, min_assurance: authenticated, any_of: [{group: change-managers}]}
  service-by-hand: {kind: service, dispatch: false, requesters: ["*"], chain: [*release]}
"""
README_SECTION = "Use it on your own master"


@pytest.fixture(scope="session")
def lab():
    """The site that the tests share."""
    with Lab(_directory("site"), Narrator().progress) as site:
        policy = site.directory / "by-hand.yaml"
        policy.write_text(BY_HAND)
        site.database.command("policy", "policy", "load", str(policy))
        yield site


@pytest.fixture
def own_lab():
    """A site of this test's own, without a past."""
    with Lab(_directory("own-site"), Narrator().progress) as site:
        yield site


@pytest.fixture(scope="module")
def newcomer():
    """
    A machine on which somebody did all that the README says, from a bare master with two minions on: (machine,
    {command: what it printed}).
    """
    directory = _directory("newcomer")
    root = MinionRoot(CACHE, minions_wheels())
    root.build(directory / "mmdebstrap.log")
    repository = directory / "repository"
    apt_repository.build(repository, [apt_repository.Package("hello", "2.10-3")])
    with NewcomerMachine(directory, CACHE, minions_wheels()) as machine:
        for minion_id in ("web1", "web2"):
            machine.add_minion(minion_id, root, repository)
        answers = {}
        for block in documents.blocks(PROJECT / "README.md"):
            if block.heading == README_SECTION:
                if block.file:
                    machine.write(block.file, block.text)
                answers.update((command, machine.run(command, person).stdout) for person, command in block.commands)
        yield machine, answers


def _directory(name):
    """A new folder for what is set up."""
    if "RUN_DIRECTORY" not in os.environ:
        pytest.fail("these tests need root and namespaces of their own: run them with `make test-e2e`")
    directory = pathlib.Path(os.environ["RUN_DIRECTORY"], name)
    directory.mkdir()
    return directory


@pytest.fixture
def approve(lab):
    """A function that has packages approved for one minion, and nothing sent; returns the request's number."""

    def request_and_approve(minion_id, packages):
        result = lab.request([minion_id], packages, "a test", "package-by-hand")
        assert result.returncode == 0, result.stderr
        number = json.loads(result.stdout)["request"]
        for person in APPROVERS:
            lab.database.command(person, "approve", str(number))
        return number

    return request_and_approve


@pytest.fixture
def state_run(lab):
    """A state run on web1 that is under way: a function that gives which ones are, and one that ends it."""
    minion, gate = lab.minions["web1"], "/root/gate"

    def running():
        return [job["fun"] for job in lab.master.call("web1", "saltutil.is_running", "state.*")["web1"]]

    def finish():
        # Nobody would read from it a second time.
        minion.run("sh", "-c", f"test ! -e {gate} || {{ echo > {gate}; rm {gate}; }}")

    minion.run("mkfifo", gate)
    lab.master.run("salt", "--async", "web1", "state.single", "cmd.run", f"name=cat {gate}")
    wait_until(running, "the state run")
    yield running, finish
    finish()
