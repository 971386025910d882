"""A small apt repository with several versions of a few packages, built on the spot."""

import pathlib
import subprocess
from typing import NamedTuple

ORIGIN = "saltext-approval demo"
CONTROL = """\
Package: {name}
Version: {version}
Architecture: all
Maintainer: {origin} <demo@example.org>
Section: admin
Priority: optional
{depends}Description: {name}, a package of the {origin}
"""
PROGRAM = """\
#!/bin/sh
echo "{name} {version}"
"""


class Package(NamedTuple):
    """One version of a package that contains one program of the same name.

    `files` is more of its content as (path, text), also below DEBIAN/: maintainer scripts, the list of conffiles.
    """

    name: str
    version: str
    depends: str = ""
    files: tuple = ()


# The agent needs the library, so that an approved package brings one along that nobody asked for.
PACKAGES = (
    Package("acme-library", "1.4-1"),
    Package("acme-agent", "1.0-1", depends="acme-library"),
    Package("acme-agent", "1.1-1", depends="acme-library"),
    Package("acme-agent", "2.0-1", depends="acme-library"),
    Package("acme-viewer", "3.0-1"),
    Package("acme-viewer", "3.1-1"),
    Package("acme-probe", "0.9-1"),
    Package(
        "acme-broken",
        "1.0-1",
        files=(("DEBIAN/preinst", "#!/bin/sh\necho 'it was built for another machine' >&2\nexit 1\n"),),
    ),
)


def build(directory, packages=PACKAGES):
    """Create `directory` as an apt repository of these packages, ready for `deb [trusted=yes] file:… ./`."""
    pathlib.Path(directory).mkdir()
    add(directory, packages)


def add(directory, packages):
    """Add packages to the apt repository `directory`; who has read its index has to read it again."""
    directory = pathlib.Path(directory)
    for package in packages:
        _build_package(directory, package)
    _archive("packages", directory, "Packages")
    _archive("release", directory, "Release")


def _build_package(directory, package):
    tree = directory / "tree"
    depends = f"Depends: {package.depends}\n" if package.depends else ""
    control = CONTROL.format(name=package.name, version=package.version, origin=ORIGIN, depends=depends)
    program = PROGRAM.format(name=package.name, version=package.version)
    for path, text in ((f"usr/bin/{package.name}", program), ("DEBIAN/control", control), *package.files):
        file = tree / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)
    command = ["dpkg-deb", "--root-owner-group", "-Zgzip", "--build", tree, directory]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["rm", "-r", tree], check=True)


def _archive(action, directory, name):
    command = ["apt-ftparchive", "-o", f"APT::FTPArchive::Release::Origin={ORIGIN}", action, "."]
    output = subprocess.run(command, cwd=directory, check=True, stdout=subprocess.PIPE).stdout
    (directory / name).write_bytes(output)
