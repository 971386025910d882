"""
Write states/_states/approval.py, the state module of minions, of its parts in states/parts: `make amalgamate`.

Minions need one file: Salt copies modules file by file and goes on after an error, so that a minion with several
could run those of two versions. With --check nothing is written; the exit code says whether the file is as its
parts have it.
"""

import argparse
import ast
import itertools
import pathlib
import symtable
import sys

STATES = pathlib.Path(__file__).resolve().parent.parent / "states"
MODULE = STATES / "_states" / "approval.py"
PARTS = STATES / "parts"
# Each part takes names from those before it alone.
ORDER = (
    *("commands", "document", "evidence", "memory"),
    *("packages", "apt", "rpm", "dnf", "zypper", "chocolatey", "transactions"),
    *("services", "actions", "sentences", "plan", "functions"),
)
HEADER = "# Made of states/parts by tools/amalgamate.py: edit those, then run `make amalgamate`.\n"


def amalgamate(folder, order):
    """
    The text of one module with the parts ``order`` of the package ``folder``, and the docstring of that.

    What they import is merged at the top; a name that one takes from another is there already. Raises ValueError if
    a part takes a name from a part that is not before it, or by another name, or if it defines one that is taken.
    """
    docstring = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))
    imports, bodies, owners = {}, [], {}
    for part in order:
        text = (folder / f"{part}.py").read_text(encoding="utf-8")
        head = list(itertools.takewhile(_is_head, ast.parse(text).body))
        for node in head[1:]:
            module = getattr(node, "module", None)
            if not getattr(node, "level", 0):
                imports.setdefault(module, set()).update(map(ast.unparse, node.names))
            elif any(alias.asname or owners.get(alias.name) != module for alias in node.names):
                raise ValueError(f"{part}.py: no part before it has this: {ast.unparse(node)}")
        for symbol in symtable.symtable(text, part, "exec").get_symbols():
            name = symbol.get_name()
            if symbol.is_assigned() and not symbol.is_imported() and owners.setdefault(name, part) != part:
                raise ValueError(f"{part}.py: {owners[name]}.py defines {name} already")
        body = "\n".join(text.splitlines()[head[-1].end_lineno :]).strip("\n")
        bodies.append(f"# {' ' + part:->98}\n\n\n{body}\n")
    return f'{HEADER}"""\n{docstring}\n"""\n\n{_imports(imports)}\n' + "\n\n".join(bodies)


def _is_head(node):
    """Whether a statement is the docstring of a part or an import."""
    return isinstance(node, ast.Expr | ast.Import | ast.ImportFrom)


def _imports(modules):
    """The text of imports, given as module -> names from it; under None the modules imported whole."""
    groups = {True: [], False: []}  # those of the standard library come first
    for name in sorted(modules.pop(None)):
        groups[name.partition(".")[0] in sys.stdlib_module_names].append(f"import {name}\n")
    for module, names in sorted(modules.items()):
        line = f"from {module} import {', '.join(sorted(names))}\n"
        groups[module.partition(".")[0] in sys.stdlib_module_names].append(line)
    return "\n".join("".join(lines) for lines in groups.values())


def main(arguments=None):
    """Write the module, or compare it; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--check", action="store_true", help="only say whether it is as its parts have it")
    options = parser.parse_args(arguments)
    text = amalgamate(PARTS, ORDER)
    if not options.check:
        MODULE.write_text(text, encoding="utf-8")
    elif MODULE.read_text(encoding="utf-8") != text:
        print(f"{MODULE} is not what its parts give: `make amalgamate` writes it anew.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
