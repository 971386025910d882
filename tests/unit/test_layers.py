"""Imports go strictly down the floors that docs/architecture.md lists; no files import each other; few need Salt."""

import ast
import graphlib
import importlib.util
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
OURS = "saltext.approval"
LOADED = {
    "ext_pillar": "pillar",
    "returners": "returners",
    "runners": "runners",
    "engines": "engines",
    "itsm": "itsm",
    "portal": "portal",
    "chat": "chat",
}
ELSEWHERE = {f"{OURS}._core", f"{OURS}.states"}  # in C; and a folder that is served
# Salt may stand at the top of their modules; all others work without it, or load it when it is needed.
WITH_SALT = {"jobs", "master", "engine", "returners", "runners"}
ROWS = re.findall(r"^\| (\d) \| ([^|]*) \|", (ROOT / "docs/architecture.md").read_text(encoding="utf-8"), re.MULTILINE)
FLOORS = {name.strip("/"): int(floor) for floor, names in ROWS for name in re.findall(r"`([\w/]+)`", names)}


def modules():
    """Each module of ours by its full name: its file and its syntax tree."""
    for folder, name in {"approval": "", **LOADED}.items():
        for path in (ROOT / folder).rglob("*.py"):
            parts = [OURS, name, *path.relative_to(ROOT / folder).with_suffix("").parts]
            dotted = ".".join(part for part in parts if part and part != "__init__")
            yield dotted, (path, ast.parse(path.read_text(encoding="utf-8")))


MODULES = dict(modules())


def imports(module):
    """The modules of ours that it imports, anywhere in it."""
    path, tree = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            name = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            if f"{name}.".startswith(f"{OURS}."):
                full = [f"{name}.{alias.name}" for alias in node.names]
                yield from (one if one in MODULES or one in ELSEWHERE else name for one in full)


def folder_of(module):
    """The name under which the page has it: that of its folder, or of a file that lies in none."""
    return module.removeprefix(OURS).strip(".").split(".")[0] or "__init__"


def test_imports_go_down():
    for module in MODULES:
        for other in imports(module):
            one, two = folder_of(module), folder_of(other)
            assert one == two or FLOORS[one] > FLOORS[two], f"{module} imports {other}, which is on no lower floor"


def test_no_files_import_each_other():
    graphlib.TopologicalSorter({module: set(imports(module)) - {module} for module in MODULES}).prepare()


def test_the_page_lists_what_there_is():
    assert {folder_of(module) for module in (*MODULES, *ELSEWHERE)} == set(FLOORS)


def imported_from_outside(tree, everywhere):
    """The first words of what is imported from elsewhere, at the top or everywhere."""
    for node in ast.walk(tree) if everywhere else tree.body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module]
        yield from (name.split(".")[0] for name in names)


def test_few_need_salt():
    found = {folder_of(module) for module in MODULES if "salt" in imported_from_outside(MODULES[module][1], False)}
    assert found <= WITH_SALT


def test_states_need_nothing_but_salt():
    allowed = {*sys.stdlib_module_names, "salt"}
    for path in (ROOT / "states").glob("_*/*.py"):
        found = set(imported_from_outside(ast.parse(path.read_text(encoding="utf-8")), True))
        assert found <= allowed, path
