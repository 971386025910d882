"""Stand-in for Salt's chocolatey module: the packages of the Machine in the loader's context."""

__virtualname__ = "chocolatey"


def __virtual__():
    return __virtualname__


def list_(local_only):
    assert local_only
    machine = __context__["machine"]
    machine.count("list_pkgs")
    return {name.title(): versions for name, versions in machine.installed.items()}


__func_alias__ = {"list_": "list"}


def install(name, version=None, force=False):
    machine = __context__["machine"]
    machine.count("force" if force else "fresh")
    machine.install({name.lower(): version})


def upgrade(name, version=None):
    __context__["machine"].count("upgrade")
    __context__["machine"].install({name.lower(): version})


def uninstall(name):
    __context__["machine"].remove([name.lower()])
