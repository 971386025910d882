"""Without the approval pillar, or with one that is not the minion's own, a highstate changes nothing and fails."""

import json
import pathlib

import pytest

CHUNK = "approval_|-approval_|-approval_|-converged"


@pytest.fixture
def unloadable_ext_pillar(lab):
    """Break the ext_pillar's module, as a library that is missing would: Salt then goes on without it."""
    # A file in extension_modules is found before an installed one; pillar modules are loaded anew for each request.
    folder = pathlib.Path(lab.master.configuration["extension_modules"]) / "pillar"
    folder.mkdir(parents=True)
    module = folder / "approval.py"
    module.write_text("raise ImportError('libpq.so.5: cannot open shared object file')\n")
    yield
    module.unlink()


def highstate(lab, minion_id, *arguments):
    """The chunk that approval.converged returned."""
    returns = lab.master.call(minion_id, "state.highstate", *arguments)[minion_id]
    assert CHUNK in returns, returns
    return returns[CHUNK]


def test_without_the_pillar(lab, unloadable_ext_pillar):
    assert "approval" not in lab.pillar("db1")["keys"]
    installed = lab.minions["db1"].packages()
    chunk = highstate(lab, "db1")
    assert chunk["result"] is False
    assert chunk["changes"] == {}
    assert "no key 'approval'" in chunk["comment"]
    assert "approval" not in chunk, "a refusal is no evidence"
    assert lab.minions["db1"].packages() == installed


def test_with_pillar_from_the_command_line(lab, approve):
    approve("db1", {"acme-viewer": "3.1-1"})
    installed = lab.minions["db1"].packages()
    override = {"approval": {"packages": {"acme-viewer": None, "acme-probe": "0.9-1"}}}
    chunk = highstate(lab, "db1", f"pillar={json.dumps(override)}")
    assert chunk["result"] is False
    assert chunk["changes"] == {}
    assert "does not match its digest" in chunk["comment"]
    assert lab.minions["db1"].packages() == installed
