"""Stand-in for Salt's pkg module: the packages of the Machine in the loader's context."""

from salt.exceptions import CommandExecutionError

__virtualname__ = "pkg"


def __virtual__():
    return __virtualname__


def list_pkgs(versions_as_list=False, attr=None, use_context=True):
    machine = __context__["machine"]
    machine.count("list_pkgs")
    if machine.unreadable:
        raise CommandExecutionError(machine.unreadable)
    # The package manager itself is always there, if Salt sees anything at all.
    installed = {} if machine.damaged else {**machine.installed, "base": ["1-1"]}
    if attr:
        return {
            name: [{"version": one.rpartition("-")[0], "release": "1", "arch": "x86_64"}]
            for name, versions in installed.items()
            for one in versions
        }
    # A Salt that cached its list before somebody else changed the packages would show the old one.
    assert versions_as_list
    assert not use_context
    return {name: list(versions) for name, versions in installed.items()}


def normalize_name(name):
    return name.removesuffix(":amd64")


def parse_arch(name):
    return {"name": name, "arch": None}


def version_cmp(pkg1, pkg2, ignore_epoch=False):
    def order(version):
        epoch, _, rest = version.rpartition(":")
        numbers = [int(part) for part in rest.replace("-", ".").split(".")]
        return (0 if ignore_epoch else int(epoch or 0)), numbers

    one, other = order(pkg1), order(pkg2)
    return (one > other) - (one < other)


def list_holds(full=True):
    assert not full
    return sorted(__context__["machine"].held)


def get_selections(state):
    return {state: sorted(__context__["machine"].held)}


def refresh_db():
    __context__["machine"].refresh()


def install(pkgs, refresh):
    assert refresh is False
    wanted = {}
    for pkg in pkgs:
        wanted.update(pkg if isinstance(pkg, dict) else {pkg: None})
    __context__["machine"].install(wanted)


def remove(pkgs):
    __context__["machine"].remove(pkgs)


def purge(pkgs):
    __context__["machine"].count("purge")
    __context__["machine"].remove(pkgs)
