"""The way of a newcomer: every block of README.md that sets it up and uses it, as it stands, on a fresh machine."""

import os
import pathlib

import apt_repository
import documents
import pytest
from lab import CACHE, PROJECT, minions_wheels
from minion_root import MinionRoot
from newcomer_machine import NewcomerMachine

SECTION = "Use it on your own master"
MINIONS = ("web1", "web2")


@pytest.fixture(scope="module")
def machine():
    """A machine with a bare master and two minions, whose package repository has what the README asks for."""
    directory = pathlib.Path(os.environ["RUN_DIRECTORY"], "readme")
    directory.mkdir()
    root = MinionRoot(CACHE, minions_wheels())
    root.build(directory / "mmdebstrap.log")
    repository = directory / "repository"
    apt_repository.build(repository, [apt_repository.Package("hello", "2.10-3")])
    with NewcomerMachine(directory, CACHE, minions_wheels()) as machine:
        for minion_id in MINIONS:
            machine.add_minion(minion_id, root, repository)
        yield machine


def test_readme_from_nothing_to_converged(machine):
    answers = {}
    for block in documents.blocks(PROJECT / "README.md"):
        if block.heading != SECTION:
            continue
        if block.file:
            machine.write(block.file, block.text)
        for person, command in block.commands:
            answers[command] = machine.run(command, person).stdout
    assert "converged" in answers["sudo salt-run approval.show 1"]
    check = next(answer for command, answer in answers.items() if command.startswith("salt-approval check"))
    assert "0 errors" in check
