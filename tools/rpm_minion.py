"""A minion with rpm, dnf and zypper, in which approved states are run through Salt's loader, without a daemon."""

import json
import pathlib
import shutil
import subprocess

import rpm_repository
from minion_root import SALT

REPOSITORY = "/srv/repository"
STATES = "/srv/states"
SERVER = "/srv/state_server.py"
DATABASE = "var/lib/rpm"
ENTER = """\
set -e
mount -t proc proc "$1/proc"
root=$1
shift
exec chroot "$root" "$@"
"""
FILES = {
    # Debian's rpm keeps its database in root's home folder.
    "etc/rpm/macros": "%_dbpath /var/lib/rpm\n",
    "etc/dnf/dnf.conf": "[main]\ngpgcheck=0\nreposdir=/etc/yum.repos.d\nbest=True\nclean_requirements_on_remove=False\n"
    "module_platform_id=platform:el9\nzchunk=False\n",
    "etc/yum.repos.d/local.repo": f"[local]\nname=local\nbaseurl=file://{REPOSITORY}\ngpgcheck=0\nenabled=1\nmetadata_expire=0\n",
    "etc/dnf/vars/releasever": "9\n",
    # One would add a second repository, the other needs a module that is not there.
    "etc/dnf/plugins/local.conf": "[main]\nenabled = false\n",
    "etc/dnf/plugins/changelog.conf": "[main]\nenabled = false\n",
}
# Of scripts, and of pkg.list_holds.
BASE = (
    rpm_repository.Package("base-shell", "1-1", headers=("Provides: /bin/sh",)),
    rpm_repository.Package("python3-dnf-plugin-versionlock", "1-1"),
)


class RpmMinion:
    """Context manager. ``root`` is an RpmRoot, ``states`` the minions' file root, ``packages`` what is offered."""

    def __init__(self, directory, root, states, packages):
        self.directory = pathlib.Path(directory)
        self._root = root
        self._states = pathlib.Path(states)
        self._packages = packages
        self._server = None

    def __enter__(self):
        self._root.unpack(self.directory)
        for name, text in FILES.items():
            file = self.directory / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        for folder in ("_states", "_modules"):
            shutil.copytree(self._states / folder, self.directory / STATES.lstrip("/") / folder)
        shutil.copyfile(pathlib.Path(__file__).with_name("state_server.py"), self.directory / SERVER.lstrip("/"))
        rpm_repository.build(self.directory, self.run, REPOSITORY, [*BASE, *self._packages])
        self.run(
            "zypper", "--non-interactive", "addrepo", "--no-gpgcheck", "--refresh", f"file://{REPOSITORY}", "local"
        )
        self.run("dnf", "-y", "-q", "install", *(package.name for package in BASE))
        shutil.copytree(self.directory / DATABASE, self.directory / "srv/rpm")
        command = [f"{SALT}/bin/python", "-B", SERVER, STATES]
        self._server = self._enter(subprocess.Popen, command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *exception):
        self._server.stdin.close()
        self._server.wait()
        self._server.stdout.close()

    def reset(self):
        """Forget what was installed, held and remembered; the packages of the tests have no files."""
        shutil.rmtree(self.directory / DATABASE)
        shutil.copytree(self.directory / "srv/rpm", self.directory / DATABASE)
        # libzypp takes it for current.
        shutil.rmtree(self.directory / "var/cache/zypp/solv/@System", ignore_errors=True)
        for name in ("etc/zypp/locks", "var/cache/salt/approval_before.json"):
            (self.directory / name).unlink(missing_ok=True)
        (self.directory / "etc/dnf/plugins/versionlock.list").write_text("")

    def run(self, *command):
        """Run a command in the root, and return its output."""
        result = self._enter(
            subprocess.run, command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if result.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} in the root: {result.stdout}")
        return result.stdout

    def install(self, *packages):
        """Install packages of the repository by rpm alone, as ``NAME-VERSION-RELEASE.ARCH``, without their scripts."""
        files = [f"{REPOSITORY}/{package.rpartition('.')[2]}/{package}.rpm" for package in packages]
        self.run("rpm", "--install", "--nodeps", "--noscripts", "--force", *files)

    def installed(self):
        """The packages that rpm has, but for the base: NAME-EPOCH:VERSION-RELEASE.ARCH, sorted."""
        output = self.run("rpm", "-qa", "--queryformat", "%{NAME}-%{EPOCHNUM}:%{VERSION}-%{RELEASE}.%{ARCH}\n")
        base = tuple(f"{package.name}-0:" for package in BASE)
        return sorted(line for line in output.splitlines() if not line.startswith(base))

    def call(self, grains, pillar, state, **arguments):
        """The return of the state function, with these grains and this pillar. ``test`` goes into the configuration."""
        request = {"grains": grains, "pillar": pillar, "state": state, "arguments": arguments}
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        return json.loads(self._server.stdout.readline())

    def _enter(self, call, command, **options):
        enter = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, "sh"]
        return call([*enter, str(self.directory), *command], **options)
