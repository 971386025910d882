"""A small rpm repository, built on the spot by rpmbuild in the root that will use it."""

from typing import NamedTuple

SPEC = """\
Name: {name}
Version: {version}
Release: {release}
{headers}Summary: {name}, a package of the tests
License: none
%description
%files
"""
# By architecture, since it is an option of rpmbuild. $1 has a folder of specs for each.
BUILD = """\
set -e
cd "$1"
for arch in *; do
    rpmbuild -bb --quiet --nodeps --target "$arch" --define "_topdir /srv/build" --define "_rpmdir $2" \\
        --define "__os_install_post %{nil}" --define "_build_id_links none" "$arch"/*.spec
done
createrepo_c --quiet "$2"
"""


class Package(NamedTuple):
    """
    One version of a package without files.

    evr
        ``EPOCH:VERSION-RELEASE``, or without the epoch.
    headers
        More lines of the spec, such as ``Obsoletes: other``.
    script
        Sections of scripts, such as ``%post`` and its lines.
    """

    name: str
    evr: str
    arch: str = "noarch"
    headers: tuple = ()
    script: str = ""

    def spec(self):
        """The text of the spec."""
        epoch, _, rest = self.evr.rpartition(":")
        version, _, release = rest.partition("-")
        headers = [*([f"Epoch: {epoch}"] if epoch else []), *self.headers]
        lines = "".join(f"{line}\n" for line in headers)
        return SPEC.format(name=self.name, version=version, release=release, headers=lines) + self.script


def build(root, run, directory, packages):
    """
    Make a repository of ``packages`` in the folder ``directory`` of a root.

    root
        The root as it is seen from here, a pathlib.Path.
    run
        Called with a command; runs it in the root.
    """
    specs = root / "srv/specs"
    for number, package in enumerate(packages):
        file = specs / package.arch / f"{number}.spec"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(package.spec())
    (root / directory.lstrip("/")).mkdir(parents=True, exist_ok=True)
    run("sh", "-c", BUILD, "sh", "/srv/specs", directory)
