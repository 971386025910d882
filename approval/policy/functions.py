"""The functions of execution modules that there are, as far as the files of an installed Salt tell.

Nothing is loaded: what a module's __virtual__ would say here says nothing about the minions. Modules of one's own
(``_modules``) and of extensions are not seen, so an unknown function is told of and never refused.
"""

import difflib
import functools
import importlib.util
import pathlib
import re

FUNCTION = re.compile(r"^(?:async )?def ([a-z]\w*)\(|^([a-z]\w*)\s*=", re.MULTILINE)
ALIAS = re.compile(r"""["']\w+_["']\s*:\s*["'](\w+)["']""")
VIRTUAL = re.compile(r"""^__virtualname__\s*=\s*["'](\w+)["']""", re.MULTILINE)
# Modules that begin so are of one platform, and a Salt elsewhere may lack them.
PLATFORMS = ("win_", "mac_", "solaris", "freebsd", "openbsd", "netbsd", "aix")


def warnings(wanted):
    """
    A sentence for each of the functions ``wanted``, {what asks for it: ``module.function``}, that this Salt does not
    have; or one that there is no Salt to ask.
    """
    if not wanted:
        return []
    spec = importlib.util.find_spec("salt")
    if spec is None or not spec.submodule_search_locations:
        return ["whether the functions of actions exist was not checked: there is no Salt here"]
    folders = [pathlib.Path(location, "modules") for location in spec.submodule_search_locations]
    from .. import states

    folders += [pathlib.Path(location, "_modules") for location in states.__path__]
    known = _known(tuple(folders))
    return [f"{what}: {found}" for what, name in wanted.items() if (found := _problem(known, name))]


def _problem(known, name):
    module, _, function = name.partition(".")
    if not function:
        return f"{name} is no function of an execution module: such as test.ping"
    if function in known.get(module, ()):
        return None
    if module not in known and module.startswith(PLATFORMS):
        return f"whether there is {name} was not checked: this Salt has no module {module}, as other platforms may"
    if module in known:
        close = [f"{module}.{match}" for match in difflib.get_close_matches(function, known[module], 1)]
    else:
        every = [f"{other}.{each}" for other, functions in known.items() for each in functions]
        close = difflib.get_close_matches(name, every, 1, 0.8)
    suggestion = f"; did you mean {close[0]}?" if close else " (modules of one's own are not seen here)"
    return f"no execution module of this Salt has {name}{suggestion}"


@functools.cache
def _known(folders):
    """{module: the names of its functions}; what several files give under one name is put together."""
    known = {}
    for folder in folders:
        for file in sorted(folder.glob("*.py")):
            text = file.read_text(encoding="utf-8", errors="replace")
            names = {name for pair in FUNCTION.findall(text) for name in pair if name} | set(ALIAS.findall(text))
            for module in {file.stem, *VIRTUAL.findall(text)}:
                known.setdefault(module, set()).update(names)
    return known
