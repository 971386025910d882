"""The state module of minions is made of parts, each of which takes names from earlier ones alone."""

import ast
import graphlib
import importlib
import pathlib
import shutil
import sys

import amalgamate
import pytest

import saltext.approval.states

PARTS = amalgamate.PARTS


def imported(part):
    """The parts from which a part takes names."""
    tree = ast.parse((PARTS / f"{part}.py").read_text(encoding="utf-8"))
    return {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level}


@pytest.fixture
def write(tmp_path):
    """Write a package of parts, given as name -> text; returns its amalgamation in that order."""

    def write(**parts):
        (tmp_path / "__init__.py").write_text('"""All of it."""\n')
        for name, text in parts.items():
            (tmp_path / f"{name}.py").write_text(f'"""A part."""\n\n{text}\n')
        return amalgamate.amalgamate(tmp_path, parts)

    return write


def test_the_module_is_what_its_parts_give():
    assert amalgamate.main(["--check"]) == 0, "make amalgamate writes it anew"


def test_each_part_is_in_it():
    assert sorted(amalgamate.ORDER) == sorted(path.stem for path in PARTS.glob("[!_]*.py"))


def test_imports_go_one_way():
    list(graphlib.TopologicalSorter({part: imported(part) for part in amalgamate.ORDER}).static_order())


@pytest.mark.parametrize("part", amalgamate.ORDER)
def test_each_part_can_be_imported_alone(part, tmp_path, monkeypatch):
    shutil.copytree(PARTS, tmp_path / "state_parts", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module(f"state_parts.{part}")
    for name in [name for name in sys.modules if name.partition(".")[0] == "state_parts"]:
        del sys.modules[name]


def test_minions_and_the_wheel_get_the_one_file():
    root = pathlib.Path(saltext.approval.states.__file__).parent
    assert [str(path.relative_to(root)) for path in sorted(root.rglob("*.py"))] == [
        "__init__.py", "_modules/approval.py", "_states/approval.py",
    ]  # fmt: skip


def test_imports_are_merged_and_those_of_parts_are_gone(write):
    text = write(
        one="import json\nimport salt.utils.data\nfrom typing import NamedTuple\n\nONE = json.dumps(1)",
        two="import json\nfrom typing import Any\n\nfrom .one import ONE\n\n# Why.\nTWO = ONE",
    )
    assert text.startswith(
        amalgamate.HEADER + '"""\nAll of it.\n"""\n\nimport json\nfrom typing import Any, NamedTuple\n'
    )
    assert "from ." not in text
    assert "A part." not in text
    assert text.endswith(" two\n\n\n# Why.\nTWO = ONE\n")


@pytest.mark.parametrize(
    ("one", "two", "why"),
    [
        ("from .two import TWO\n\nONE = TWO", "import re\n\nTWO = re.I", "one.py: no part before it has this"),
        ("import re\n\nONE = re.I", "from .one import ONE as TWO", "two.py: no part before it has this"),
        ("import re\n\nONE = re.I", "from .one import NONE", "two.py: no part before it has this"),
        ("import re\n\n\ndef f():\n    return re.I", "f = 1", "two.py: one.py defines f already"),
    ],
)
def test_what_cannot_be_one_module_is_refused(write, one, two, why):
    with pytest.raises(ValueError, match=why):
        write(one=one, two=two)


def test_a_module_that_was_edited_itself_fails_the_check(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(amalgamate, "MODULE", tmp_path / "approval.py")
    assert amalgamate.main([]) == 0
    assert amalgamate.main(["--check"]) == 0
    with amalgamate.MODULE.open("a") as file:
        file.write("# an edit\n")
    assert amalgamate.main(["--check"]) == 1
    assert "make amalgamate" in capsys.readouterr().err
